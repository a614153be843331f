//! Every bottle, and below them what was denied lately.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::style::Style;
use super::table::{self, Column, Row};
use crate::model::{Bottle, Model, State};
use crate::screen::Screen;

const COLUMNS: [Column; 8] = [
    Column::left("BOTTLE", 16),
    Column::left("IS", 8),
    Column::rest("HEALTH"),
    Column::right("UP", 4),
    Column::right("REQ/S", 6),
    Column::right("ALLOWED", 8),
    Column::right("DENIED", 7),
    Column::right("ASKS", 4),
];

pub(super) fn draw(
    screen: &Screen,
    model: &Model,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    if model.bottles.is_empty() {
        table::line(
            frame,
            area,
            "no bottle on this host: `bottle start AGENT` makes one",
            style.faint(),
        );
        return;
    }
    let chosen = screen.bottle(model).map(|bottle| bottle.name.as_str());
    let at = model.bottles.iter().position(|bottle| Some(bottle.name.as_str()) == chosen);
    let wanted = u16::try_from(model.bottles.len() + 1).unwrap_or(u16::MAX);
    let height = wanted.min((area.height * 3 / 5).max(2));
    let room = usize::from(height.saturating_sub(1));
    // The chosen row is always in sight.
    let first = at.unwrap_or(0).saturating_sub(room.saturating_sub(1));
    let rows: Vec<_> = model
        .bottles
        .iter()
        .skip(first)
        .take(room)
        .map(|bottle| row(bottle, model, Some(bottle.name.as_str()) == chosen, style))
        .collect();
    table::draw(frame, table::top(area, height), &COLUMNS, &rows, style);
    let hidden = model.bottles.len().saturating_sub(rows.len());
    let name = match hidden {
        0 => "Denied lately".to_owned(),
        more => format!("Denied lately ({more} bottles more above)"),
    };
    let rest = table::section(frame, table::below(area, height), &name, style);
    super::denials(model.denials.iter(), true, style, frame, rest);
}

fn row(bottle: &Bottle, model: &Model, chosen: bool, style: Style) -> Row {
    let well = bottle.services.iter().filter(|service| service.good).count();
    let up = match bottle.services.len() {
        0 => "-".to_owned(),
        all => format!("{well}/{all}"),
    };
    let waiting = model.waiting(&bottle.name);
    let look = match (chosen, bottle.state) {
        (true, _) => style.chosen(),
        (false, _) if !bottle.is_well() => style.bad(),
        (false, _) if waiting > 0 => style.waiting(),
        (false, State::Running) => style.plain(),
        (false, _) => style.faint(),
    };
    let health = bottle.warning.clone().unwrap_or_else(|| bottle.health());
    let cells = vec![
        bottle.name.clone(),
        bottle.state.as_str().to_owned(),
        health,
        up,
        format!("{:.1}", bottle.rate),
        bottle.allowed.to_string(),
        bottle.denied.to_string(),
        waiting.to_string(),
    ];
    Row::new(cells, look)
}
