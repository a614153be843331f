//! A buffer as a picture.
#![expect(clippy::cast_precision_loss, reason = "places in a window")]

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// The size of a character.
const WIDE: f32 = 8.4;
const HIGH: usize = 18;
const MARGIN: usize = 14;

pub(super) fn of(buffer: &Buffer, view: &str) -> String {
    let area = buffer.area;
    let (wide, high) = (f32::from(area.width) * WIDE, usize::from(area.height) * HIGH);
    let mut svg = String::new();
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{:.0}\" height=\"{}\" \
         font-family=\"ui-monospace,Menlo,Consolas,monospace\" font-size=\"14\">",
        wide + 2.0 * MARGIN as f32,
        high + 2 * MARGIN
    )
    .unwrap();
    writeln!(svg, "<title>bottle dashboard: {view}</title>").unwrap();
    writeln!(svg, "<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>").unwrap();
    for (y, row) in buffer.content.chunks(usize::from(area.width)).enumerate() {
        for (x, run) in runs(row) {
            draw(&mut svg, x, y, run);
        }
    }
    svg + "</svg>\n"
}

/// Cells that look the same, and where each run begins.
fn runs(row: &[Cell]) -> Vec<(usize, &[Cell])> {
    let same = |a: &Cell, b: &Cell| (a.fg, a.modifier) == (b.fg, b.modifier);
    let mut at = 0;
    row.chunk_by(same)
        .map(|run| {
            at += run.len();
            (at - run.len(), run)
        })
        .collect()
}

fn draw(svg: &mut String, x: usize, y: usize, run: &[Cell]) {
    let modifier = run[0].modifier;
    let reversed = modifier.contains(Modifier::REVERSED);
    let text: String = run.iter().map(Cell::symbol).collect();
    if text.trim().is_empty() && !reversed {
        return;
    }
    let left = x as f32 * WIDE + MARGIN as f32;
    let top = y * HIGH + MARGIN;
    if reversed {
        let wide = run.len() as f32 * WIDE;
        let shape = format!("x=\"{left:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{HIGH}\"");
        writeln!(svg, "<rect {shape} fill=\"#c8ccd4\"/>").unwrap();
    }
    let fill = match run[0].fg {
        _ if reversed => "#16181d",
        Color::Cyan => "#7fc7d9",
        Color::Green => "#8fd18b",
        Color::Red => "#e88388",
        Color::Yellow => "#e5c07b",
        _ if modifier.contains(Modifier::DIM) => "#8b93a3",
        _ => "#c8ccd4",
    };
    let weight = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Its length is said, since fonts differ.
    let long = run.len() as f32 * WIDE;
    writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{}\" textLength=\"{long:.1}\" fill=\"{fill}\"{weight} \
         xml:space=\"preserve\">{text}</text>",
        top + 13
    )
    .unwrap();
}
