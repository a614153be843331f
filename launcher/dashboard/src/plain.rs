//! Text of anybody, made fit for one line of a terminal.

/// One line without a character that acts without being seen; each of them shows as a mark.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => shown.push_str("  "),
            '\n' => shown.push(' '),
            c if is_hidden(c) => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether a character steers, hides, turns the direction of text round or joins to another.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        // Marks that pile up above and below a line.
        || matches!(c, '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j2_nothing_in_a_line_steers_or_hides() {
        assert_eq!(
            plain("a\u{1b}[2J\u{202e}b\u{200b}\rc\td\ne"),
            "a\u{fffd}[2J\u{fffd}b\u{fffd}\u{fffd}c  d e"
        );
        assert_eq!(plain("z\u{0336}\u{0336}"), "z\u{fffd}\u{fffd}");
        assert_eq!(plain("größe 漢字"), "größe 漢字");
    }
}
