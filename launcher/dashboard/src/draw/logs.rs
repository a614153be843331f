//! The end of one service's log.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::style::Style;
use super::table;
use crate::model::Model;
use crate::plain;
use crate::screen::Screen;

pub(super) fn draw(
    screen: &Screen,
    model: &Model,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let (Some(bottle), Some(service)) = (screen.bottle(model), screen.service(model)) else {
        table::line(frame, area, "no service has a log", style.faint());
        return;
    };
    let spans: Vec<_> = bottle
        .services
        .iter()
        .map(|one| {
            let look = if one.name == service { style.chosen() } else { style.plain() };
            Span::styled(format!(" {} ", plain(&one.name)), look)
        })
        .collect();
    frame.render_widget(Line::from(spans), table::top(area, 1));
    let name = format!("{service} of {}", bottle.name);
    let rest = table::section(frame, table::below(area, 1), &name, style);
    let log = &model.log;
    if log.bottle != bottle.name || log.service != service {
        table::line(frame, rest, "reading", style.faint());
        return;
    }
    if log.lines.is_empty() {
        table::line(frame, rest, "it has said nothing", style.faint());
        return;
    }
    // The end, unless the person went up.
    let room = usize::from(rest.height);
    let most = log.lines.len().saturating_sub(room);
    let from = most.saturating_sub(screen.scroll);
    let mut at = rest;
    for line in log.lines.iter().skip(from).take(room) {
        table::line(frame, at, line, style.plain());
        at = table::below(at, 1);
    }
}
