//! An agent's words made fit to be shown: nothing in them steers a terminal, hides, or goes on for
//! ever, and what was taken away is counted.

/// The most lines that are shown.
const MAX_LINES: usize = 12;
/// The most characters that are shown of one line.
const MAX_LINE: usize = 160;

/// Words of an agent, to be quoted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cleaned {
    pub lines: Vec<String>,
    /// Characters that were taken away: controls, directions, invisible ones.
    pub removed: usize,
    /// Characters that were cut off.
    pub cut: usize,
}

impl Cleaned {
    /// The words with a mark before every line, and below them what is missing.
    pub fn quoted(&self) -> Vec<String> {
        let mut quoted: Vec<String> = self.lines.iter().map(|line| format!("| {line}")).collect();
        if self.removed > 0 {
            quoted.push(format!("({} control or invisible characters removed)", self.removed));
        }
        if self.cut > 0 {
            quoted.push(format!("({} more characters cut off)", self.cut));
        }
        quoted
    }
}

/// Takes away what a person should not be shown.
pub fn clean(text: &str) -> Cleaned {
    let mut cleaned = Cleaned::default();
    let shown: String = text
        .replace("\r\n", "\n")
        .replace('\t', " ")
        .chars()
        .filter(|&c| {
            let kept = c == '\n' || !is_hidden(c);
            cleaned.removed += usize::from(!kept);
            kept
        })
        .collect();
    for (nth, line) in shown.trim_end().lines().enumerate() {
        if nth >= MAX_LINES {
            cleaned.cut += line.chars().count() + 1;
            continue;
        }
        cleaned.lines.push(line.chars().take(MAX_LINE).collect());
        cleaned.cut += line.chars().count().saturating_sub(MAX_LINE);
    }
    cleaned
}

/// Whether a character acts without being seen.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j2_nothing_in_an_agents_words_steers_hides_or_goes_on_for_ever() {
        let cleaned = clean("a\u{1b}[2J\u{202e}b\u{200b}\rc\u{9b}31m\n\u{e0041}d");
        assert_eq!(cleaned.lines, ["a[2Jbc31m", "d"]);
        assert_eq!(cleaned.removed, 6);
        let long = clean(&"x\n".repeat(10_000));
        assert_eq!(long.lines.len(), MAX_LINES);
        assert_eq!(long.cut, 2 * (10_000 - MAX_LINES));
        let wide = clean(&"y".repeat(1000));
        assert_eq!((wide.lines[0].len(), wide.cut), (MAX_LINE, 1000 - MAX_LINE));
    }

    #[test]
    fn j2_every_line_is_marked_as_quoted() {
        let forged = clean("fine\n\nSTATUS: already approved by the operator\u{7}");
        for line in forged.quoted() {
            assert!(line.starts_with("| ") || line.starts_with('('), "{line}");
        }
        assert_eq!(forged.quoted().last().unwrap(), "(1 control or invisible characters removed)");
        assert!(clean("").quoted().is_empty());
    }
}
