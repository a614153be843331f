//! What waits for an answer: the list, and the whole of the one that is chosen.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::style::Style;
use super::table::{self, Column, Row};
use crate::model::{Model, Proposal};
use crate::screen::Screen;

const COLUMNS: [Column; 3] =
    [Column::left("PROPOSAL", 28), Column::left("ASKED", 11), Column::rest("FOR")];

pub(super) fn draw(
    screen: &Screen,
    model: &Model,
    style: Style,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let Some(chosen) = screen.proposal(model) else {
        table::line(frame, area, "nothing waits for an answer", style.faint());
        return;
    };
    let at = model.proposals.iter().position(|proposal| proposal.name == chosen.name);
    let wanted = u16::try_from(model.proposals.len() + 1).unwrap_or(u16::MAX);
    let height = wanted.min((area.height / 3).max(2));
    let room = usize::from(height - 1);
    let first = at.unwrap_or(0).saturating_sub(room.saturating_sub(1));
    let row = |proposal: &Proposal| {
        let look = if proposal.name == chosen.name { style.chosen() } else { style.plain() };
        let Proposal { name, asked, wish, .. } = proposal;
        Row::new(vec![name.clone(), asked.clone(), wish.clone()], look)
    };
    let rows: Vec<_> = model.proposals.iter().skip(first).take(room).map(row).collect();
    table::draw(frame, table::top(area, height), &COLUMNS, &rows, style);
    let mut rest = table::section(frame, table::below(area, height), &chosen.name, style);
    let width = usize::from(area.width);
    let lines: Vec<_> = chosen.text.iter().flat_map(|line| table::wrapped(line, width)).collect();
    let room = usize::from(rest.height);
    let most = lines.len().saturating_sub(room);
    let from = screen.scroll.min(most);
    for line in lines.iter().skip(from).take(room) {
        table::line(frame, rest, line, look(line, style));
        rest = table::below(rest, 1);
    }
    if from < most {
        let below = Rect { y: area.bottom() - 1, height: 1, ..area };
        let more = format!("({} lines more: space)", lines.len() - from - room + 1);
        table::line(frame, below, &format!("{more:<width$}"), style.faint());
    }
}

/// What comes and goes stands out; an agent's quoted words do not.
fn look(line: &str, style: Style) -> ratatui::style::Style {
    let said = line.trim_start().trim_start_matches("would").trim_start();
    match said.chars().next() {
        Some('+') => style.good(),
        Some('-') => style.bad(),
        Some('|') => style.faint(),
        _ if line.trim_start().starts_with("risks") => style.waiting(),
        _ => style.plain(),
    }
}
