//! Lines and columns; the one place where a text is written, and made plain.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;
use ratatui::text::Line;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::style::Style;
use crate::plain;

/// How wide a column is, and to which side its texts lean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    name: &'static str,
    /// None takes what is left.
    width: Option<usize>,
    right: bool,
}

/// A row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    cells: Vec<String>,
    look: Look,
}

impl Column {
    pub(super) const fn left(name: &'static str, width: usize) -> Self {
        Self { name, width: Some(width), right: false }
    }

    pub(super) const fn right(name: &'static str, width: usize) -> Self {
        Self { name, width: Some(width), right: true }
    }

    pub(super) const fn rest(name: &'static str) -> Self {
        Self { name, width: None, right: false }
    }
}

impl Row {
    pub(super) fn new(cells: Vec<String>, look: Look) -> Self {
        Self { cells, look }
    }
}

/// A heading, and rows as far as there is room.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &[Column],
    rows: &[Row],
    style: Style,
) {
    let fixed: usize = columns.iter().filter_map(|column| column.width).sum();
    let gaps = columns.len().saturating_sub(1) * 2;
    let rest = usize::from(area.width).saturating_sub(fixed + gaps);
    let cut = |cells: &[String]| {
        let cells = columns.iter().zip(cells).map(|(column, cell)| {
            let width = column.width.unwrap_or(rest);
            let text = cut(&plain(cell), width);
            let gap = " ".repeat(width.saturating_sub(text.width()));
            if column.right { format!("{gap}{text}") } else { format!("{text}{gap}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    let names: Vec<_> = columns.iter().map(|column| column.name.to_owned()).collect();
    let heading = (cut(&names), style.heading());
    let rows = rows.iter().map(|row| (cut(&row.cells), row.look));
    for ((text, look), y) in std::iter::once(heading).chain(rows).zip(area.top()..area.bottom()) {
        frame.render_widget(Line::from(text).style(look), Rect { y, height: 1, ..area });
    }
}

/// One line, where there is room for one.
pub(super) fn line(frame: &mut Frame<'_>, area: Rect, text: &str, look: Look) {
    if area.height > 0 {
        let text = cut(&plain(text), area.width.into());
        frame.render_widget(Line::from(text).style(look), Rect { height: 1, ..area });
    }
}

/// A name with a rule behind it; what is left of the area below.
pub(super) fn section(frame: &mut Frame<'_>, area: Rect, name: &str, style: Style) -> Rect {
    let name = plain(name);
    let rule = "─".repeat(usize::from(area.width).saturating_sub(name.width() + 1));
    line(frame, area, &format!("{name} {rule}"), style.heading());
    below(area, 1)
}

/// What is left of an area below its first rows.
pub(super) fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// The first rows of an area.
pub(super) fn top(area: Rect, rows: u16) -> Rect {
    Rect { height: rows.min(area.height), ..area }
}

/// A text no wider than that, with a mark where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut room = width.saturating_sub(1);
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > room {
            break;
        }
        room -= wide;
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// A text in lines no wider than that.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let text = plain(text);
    let indent: String = text.chars().take_while(|c| *c == ' ').collect();
    let hanging = format!("{indent}  ");
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let mut word = word;
        while let Some(line) = lines.last_mut() {
            if line.width() + word.trim_end().width() <= width {
                line.push_str(word);
                break;
            }
            if line.trim().is_empty() {
                // A word longer than a line is broken.
                let room = width.saturating_sub(line.width()).max(1);
                let at = word.char_indices().nth(room).map_or(word.len(), |(at, _)| at);
                let (head, tail) = word.split_at(at);
                line.push_str(head);
                word = tail;
                if word.is_empty() {
                    break;
                }
            }
            lines.push(if hanging.width() < width { hanging.clone() } else { String::new() });
        }
    }
    lines
}
