//! From a model to a picture.

mod bottle;
mod bottles;
mod frame;
mod logs;
mod proposals;
mod style;
mod table;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::style::Style;
use crate::model::{Denial, Model};
use crate::screen::{Screen, View};

/// The smallest window that shows anything.
const LEAST: (u16, u16) = (40, 8);

/// Draws all of it.
pub(crate) fn screen(screen: &Screen, model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let style = Style { colour: screen.colour };
    if area.width < LEAST.0 || area.height < LEAST.1 {
        table::line(frame, area, "the window is too small", style.faint());
        return;
    }
    let inside = frame::around(screen, model, style, frame);
    match screen.view {
        View::Bottles => bottles::draw(screen, model, style, frame, inside),
        View::Bottle => bottle::draw(screen, model, style, frame, inside),
        View::Proposals => proposals::draw(screen, model, style, frame, inside),
        View::Logs => logs::draw(screen, model, style, frame, inside),
    }
}

/// What was denied, the newest first, as far as there is room.
fn denials<'a>(
    denials: impl Iterator<Item = &'a Denial>,
    with_bottle: bool,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let mut columns = vec![
        table::Column::left("TIME", 8),
        table::Column::left("SERVICE", 9),
        table::Column::rest("WHAT"),
        table::Column::left("WHY", 18),
    ];
    if with_bottle {
        columns.insert(1, table::Column::left("BOTTLE", 14));
    }
    let room = usize::from(area.height.saturating_sub(1));
    let row = |denial: &Denial| {
        let Denial { bottle, time, service, what, why } = denial;
        let mut cells = vec![time.clone(), service.clone(), what.clone(), why.clone()];
        if with_bottle {
            cells.insert(1, bottle.clone());
        }
        table::Row::new(cells, style.plain())
    };
    let rows: Vec<_> = denials.take(room).map(row).collect();
    if rows.is_empty() {
        table::line(frame, area, "nothing was denied", style.faint());
    } else {
        table::draw(frame, area, &columns, &rows, style);
    }
}
