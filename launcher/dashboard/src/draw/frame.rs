//! The bars above and below: where one is, and what the keys do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::style::Style;
use super::table;
use crate::model::Model;
use crate::plain;
use crate::screen::{Mode, Screen, View};

/// Draws both bars; what is left between them.
pub(super) fn around(screen: &Screen, model: &Model, style: Style, frame: &mut Frame<'_>) -> Rect {
    let area = frame.area();
    title(screen, model, style, frame, area);
    let last = Rect { y: area.bottom() - 1, height: 1, ..area };
    let second = Rect { y: area.bottom() - 2, height: 1, ..area };
    match &screen.mode {
        Mode::Looking => {
            table::line(frame, last, keys(screen.view), style.chosen());
            fill(frame, last, style);
        }
        Mode::Approving { name, change } => {
            let asks = format!("y yes, n no: allow exactly this change, {change}, of {name}?");
            table::line(frame, last, &asks, style.waiting());
        }
        Mode::Denying { reason, .. } => {
            // The end of what is typed is what a person looks at.
            let label = "Why not, for the agent (Enter sends, Esc leaves): ";
            let room = usize::from(area.width).saturating_sub(label.width() + 1);
            let skip = reason.chars().count().saturating_sub(room);
            let typed: String = reason.chars().skip(skip).collect();
            table::line(frame, last, &format!("{label}{typed}_"), style.waiting());
        }
    }
    let mut inside = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let note = screen.note.as_ref().or(model.engine.as_ref());
    if let Some(note) = note {
        table::line(frame, second, note, style.waiting());
        inside.height -= 1;
    }
    inside
}

fn title(screen: &Screen, model: &Model, style: Style, frame: &mut Frame<'_>, area: Rect) {
    let mut spans = vec![Span::styled(" bottle ", style.heading())];
    for (nth, view) in View::ALL.into_iter().enumerate() {
        let name = match view {
            View::Bottles => format!("Bottles ({})", model.bottles.len()),
            View::Bottle => {
                let chosen = screen.bottle(model).map_or("Bottle", |bottle| bottle.name.as_str());
                table::cut(&plain(chosen), 16)
            }
            View::Proposals => format!("Proposals ({})", model.proposals.len()),
            View::Logs => "Logs".to_owned(),
        };
        let waits = view == View::Proposals && !model.proposals.is_empty();
        let look = match (view == screen.view, waits) {
            (true, _) => style.chosen(),
            (false, true) => style.waiting(),
            (false, false) => style.plain(),
        };
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!(" {} {name} ", nth + 1), look));
    }
    frame.render_widget(Line::from(spans), table::top(area, 1));
    let clock = table::cut(&plain(&model.clock), 12);
    let width = u16::try_from(clock.width()).unwrap_or(0) + 1;
    if area.width > width {
        let at = Rect { x: area.right() - width, y: area.y, width, height: 1 };
        frame.render_widget(Line::from(clock).style(style.faint()), at);
    }
}

/// The bar is as wide as the window.
fn fill(frame: &mut Frame<'_>, area: Rect, style: Style) {
    frame.buffer_mut().set_style(area, style.chosen());
}

const fn keys(view: View) -> &'static str {
    match view {
        View::Bottles => " up/down choose  enter look into  p proposals  l logs  tab next  q quit",
        View::Bottle => " up/down another bottle  p proposals  l logs  esc back  tab next  q quit",
        View::Proposals => {
            " up/down choose  a approve  d deny  space/pgup scroll  esc back  q quit"
        }
        View::Logs => " left/right service  up/down bottle  pgup/space scroll  esc back  q quit",
    }
}
