//! One bottle: its services, what was spent on its routes, its denials.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::style::Style;
use super::table::{self, Column, Row};
use crate::model::{Bottle, Model, Route, Service};
use crate::screen::Screen;

const SERVICES: [Column; 2] = [Column::left("SERVICE", 10), Column::rest("IS")];
const ROUTES: [Column; 5] = [
    Column::rest("ROUTE"),
    Column::right("REQUESTS", 9),
    Column::right("TOKENS IN", 10),
    Column::right("OUT", 9),
    Column::left("BUDGET", 18),
];

pub(super) fn draw(
    screen: &Screen,
    model: &Model,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let Some(bottle) = screen.bottle(model) else {
        table::line(frame, area, "no bottle is chosen", style.faint());
        return;
    };
    let Bottle { agent, state, since, rate, allowed, denied, .. } = bottle;
    let first = format!("{} since {since}, agent {agent}", state.as_str());
    let second = format!(
        "{rate:.1} requests a second, {allowed} allowed and {denied} denied while you look, {} to \
         answer",
        model.waiting(&bottle.name)
    );
    table::line(frame, area, &first, style.plain());
    table::line(frame, table::below(area, 1), &second, style.plain());
    let mut rest = table::below(area, 2);
    if let Some(warning) = &bottle.warning {
        table::line(frame, rest, warning, style.bad());
        rest = table::below(rest, 1);
    }
    rest = part(frame, rest, &SERVICES, &services(&bottle.services, style), style);
    if !bottle.routes.is_empty() {
        rest = part(frame, rest, &ROUTES, &routes(&bottle.routes, style), style);
    }
    let rest = table::section(frame, rest, "Denied lately", style);
    let own = model.denials.iter().filter(|denial| denial.bottle == bottle.name);
    super::denials(own, false, style, frame, rest);
}

/// A table that leaves room for what comes below; what is left of the area.
fn part(frame: &mut Frame<'_>, area: Rect, columns: &[Column], rows: &[Row], style: Style) -> Rect {
    let wanted = u16::try_from(rows.len() + 1).unwrap_or(u16::MAX);
    let height = wanted.min((area.height / 2).max(2));
    table::draw(frame, table::top(area, height), columns, rows, style);
    table::below(area, height)
}

fn services(services: &[Service], style: Style) -> Vec<Row> {
    let row = |service: &Service| {
        let look = if service.good { style.good() } else { style.bad() };
        Row::new(vec![service.name.clone(), service.is.clone()], look)
    };
    services.iter().map(row).collect()
}

fn routes(routes: &[Route], style: Style) -> Vec<Row> {
    let row = |route: &Route| {
        let cells = vec![
            route.name.clone(),
            route.requests.to_string(),
            route.input_tokens.to_string(),
            route.output_tokens.to_string(),
            route.budget.clone(),
        ];
        Row::new(cells, style.plain())
    };
    routes.iter().map(row).collect()
}
