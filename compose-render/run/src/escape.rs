//! Makes text out of a container safe to show and to keep.

use std::io::{self, Write};

/// Escapes every control character but the line's end, so that no text can move the cursor,
/// clear a line, or pass for a line of another service: `\r`, ESC, C1 controls, and the
/// characters that reorder what is shown.
pub fn escape_controls(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_safe(c) { safe.push(c) } else { safe.extend(c.escape_default()) }
    }
    safe
}

fn is_safe(c: char) -> bool {
    let reorders =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\n' || c == '\t' || !(c.is_control() || reorders || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// A writer that escapes what passes through it, line by line and in bounded memory.
#[derive(Debug)]
pub struct EscapeControls<W: Write> {
    inner: W,
    prefix: String,
    line: Vec<u8>,
}

/// Compose v2 begins every line of its logs by erasing the terminal's, whatever it was told of
/// colours and terminals. There it is Compose's own; anywhere else in a line it is escaped.
const ERASE: &[u8] = b"\x1b[2K";

/// A longer line is passed on in parts.
const LINE_LIMIT: usize = 64 << 10;

impl<W: Write> EscapeControls<W> {
    /// Escapes what goes to `inner`. Call `finish` for the last line.
    pub const fn new(inner: W) -> Self {
        Self { inner, prefix: String::new(), line: Vec::new() }
    }

    /// The same, with that text before each line.
    pub fn with_prefix(inner: W, prefix: &str) -> Self {
        Self { prefix: escape_controls(prefix), ..Self::new(inner) }
    }

    /// Writes what is left and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_line()?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn write_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_prefix(ERASE).unwrap_or(&line);
        if line.is_empty() {
            return Ok(());
        }
        self.inner.write_all(self.prefix.as_bytes())?;
        self.inner.write_all(escape_controls(&String::from_utf8_lossy(line)).as_bytes())
    }
}

impl<W: Write> Write for EscapeControls<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|&b| b == b'\n') {
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") || self.line.len() > LINE_LIMIT {
                self.write_line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_nothing_moves_the_cursor_or_reorders() {
        let hostile = "a\rb\x1b[2Jc\u{9b}d\u{202e}e\0\u{7f}\tf\n";
        let safe = escape_controls(hostile);
        insta::assert_snapshot!(safe.trim_end(), @r"a\rb\u{1b}[2Jc\u{9b}d\u{202e}e\u{0}\u{7f}	f");
        assert!(safe.ends_with('\n'));
    }

    #[test]
    fn a_stream_is_escaped_like_a_text_however_it_is_cut() {
        let text = "é \x1b[31mred\r\nsecond ü";
        let mut out = EscapeControls::new(Vec::new());
        for byte in text.as_bytes() {
            out.write_all(&[*byte]).unwrap();
        }
        assert_eq!(String::from_utf8(out.finish().unwrap()).unwrap(), escape_controls(text));
    }

    #[test]
    fn the_erasing_that_compose_begins_a_line_with_is_dropped_and_any_other_is_shown() {
        let mut out = EscapeControls::new(Vec::new());
        out.write_all(b"\x1b[2Ka | one\x1b[2K\n\x1b[2Kb | two").unwrap();
        let text = String::from_utf8(out.finish().unwrap()).unwrap();
        assert_eq!(text, "a | one\\u{1b}[2K\nb | two");
    }
}
