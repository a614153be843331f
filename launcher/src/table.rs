//! Columns for people: as wide as what stands in them.

use unicode_width::UnicodeWidthStr as _;

use crate::ui::plain;

/// Rows under a heading, each column as wide as its widest entry; nothing in them can steer the
/// terminal.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading = heading.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = std::iter::once(&heading)
        .chain(rows)
        .map(|row| row.iter().map(|cell| plain(cell).replace(['\n', '\t'], " ")).collect())
        .collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| {
            let gap = width.saturating_sub(cell.width());
            format!("{cell}{}", " ".repeat(gap))
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_steers_the_terminal() {
        let rows = [
            vec!["fix".to_owned(), "running".to_owned()],
            vec!["a\u{1b}[2J".to_owned(), "x".to_owned()],
        ];
        insta::assert_snapshot!(table(&["BOTTLE", "IS"], &rows), @r"
        BOTTLE  IS
        fix     running
        a�[2J   x
        ");
    }
}
