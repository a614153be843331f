//! The plain form of a text: small Latin letters, single spaces, no marks, and where each byte of it
//! came from.

use crate::letters::{Letter, leet, read};

/// Stands for a quotation mark that belongs to JSON and not to its text.
pub(crate) const STRUCTURE: u8 = 1;

/// A part of a text in its plain form.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub(crate) text: Vec<u8>,
    /// Where the text's bytes begin in the part; one more for the end.
    at: Vec<u32>,
    /// Letters that no eye can see were written here.
    pub(crate) hidden: bool,
    /// The last letter of another alphabet was taken for a Latin one.
    folding: bool,
    /// The last letter was one that cannot be seen.
    tagged: bool,
}

impl Plain {
    /// Makes it. In JSON a bare quotation mark ends a value and quotes nothing.
    pub(crate) fn of(part: &[u8], json: bool) -> Self {
        let mut plain = Self::default();
        let mut at = 0;
        while let Some(&byte) = part.get(at) {
            let rest = part.get(at..).unwrap_or_default();
            at += match byte {
                b'\\' => plain.escape(rest, at, json),
                b'&' => plain.entity(rest, at),
                b'%' => plain.percent(rest, at),
                0x80.. => plain.wide(rest, at),
                b'"' if json => plain.push(STRUCTURE, at),
                _ => plain.ascii(byte, rest.get(1).copied(), at),
            };
        }
        plain.at.push(u32::try_from(part.len()).unwrap_or(u32::MAX));
        plain
    }

    /// Where a range of the plain text lies in the part.
    pub(crate) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        let at = |index: usize| self.at.get(index).map_or(0, |&at| at as usize);
        (at(start), at(end))
    }

    fn push(&mut self, byte: u8, at: usize) -> usize {
        self.text.push(byte);
        self.at.push(u32::try_from(at).unwrap_or(u32::MAX));
        self.folding = false;
        1
    }

    fn ascii(&mut self, byte: u8, next: Option<u8>, at: usize) -> usize {
        let last = self.text.last().copied().unwrap_or(b' ');
        let beside_a_letter =
            last.is_ascii_alphabetic() || next.is_some_and(|next| next.is_ascii_alphabetic());
        match byte {
            0..=b' ' | 0x7f => {
                if last == b' ' {
                    1
                } else {
                    self.push(b' ', at)
                }
            }
            b'A'..=b'Z' => self.push(byte.to_ascii_lowercase(), at),
            // Marks of emphasis inside and round words.
            b'*' | b'~' if beside_a_letter || next == Some(byte) => 1,
            b'_' if !(last.is_ascii_alphanumeric()
                && next.is_some_and(|next| next.is_ascii_alphanumeric())) =>
            {
                1
            }
            // Both sides, for a number at a word's end is a number.
            _ if last.is_ascii_alphabetic()
                && (byte != b'!' && byte != b'$')
                && next.is_some_and(|next| next.is_ascii_alphabetic() || leet(next).is_some()) =>
            {
                self.push(leet(byte).unwrap_or(byte), at)
            }
            _ if !last.is_ascii_alphanumeric()
                && next.is_some_and(|next| next.is_ascii_alphabetic())
                && matches!(byte, b'1' | b'0' | b'3' | b'5' | b'7' | b'4') =>
            {
                self.push(leet(byte).unwrap_or(byte), at)
            }
            _ => self.push(byte, at),
        }
    }

    /// A backslash and what it stands for.
    fn escape(&mut self, rest: &[u8], at: usize, json: bool) -> usize {
        match rest.get(1) {
            Some(b'n' | b'r' | b't') => {
                if self.text.last() != Some(&b' ') {
                    self.push(b' ', at);
                }
                2
            }
            Some(b'"') => {
                self.push(if json { b'"' } else { STRUCTURE }, at);
                2
            }
            Some(b'u') => match rest.get(2..6).and_then(hex) {
                Some(unit) if (0xd800..0xdc00).contains(&unit) => {
                    let low = rest.get(6..8).filter(|mark| *mark == b"\\u");
                    let low = low.and_then(|_| rest.get(8..12)).and_then(hex);
                    let low = low.filter(|low| (0xdc00..0xe000).contains(low));
                    let whole = low.map(|low| 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
                    self.character(whole.and_then(char::from_u32), rest.get(12..), at);
                    if whole.is_some() { 12 } else { 6 }
                }
                Some(unit) => {
                    self.character(char::from_u32(unit), rest.get(6..), at);
                    6
                }
                None => self.push(b'\\', at),
            },
            Some(_) | None => self.push(b'\\', at),
        }
    }

    /// `&#105;`, `&nbsp;` and their like.
    fn entity(&mut self, rest: &[u8], at: usize) -> usize {
        const LONGEST: usize = 10;
        let end = rest.iter().take(LONGEST).position(|&byte| byte == b';');
        let Some((end, name)) = end.and_then(|end| Some((end, rest.get(1..end)?))) else {
            return self.push(b'&', at);
        };
        let c = match name {
            [b'#', b'x' | b'X', digits @ ..] => hex(digits).and_then(char::from_u32),
            [b'#', digits @ ..] => std::str::from_utf8(digits)
                .ok()
                .and_then(|text| text.parse().ok())
                .and_then(char::from_u32),
            b"nbsp" => Some(' '),
            b"quot" | b"ldquo" | b"rdquo" => Some('\u{201c}'),
            b"apos" | b"lsquo" | b"rsquo" => Some('\''),
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"amp" => Some('&'),
            b"shy" | b"zwj" | b"zwnj" => Some('\u{200b}'),
            _ => None,
        };
        if c.is_none() {
            return self.push(b'&', at);
        }
        self.character(c, rest.get(end + 1..), at);
        end + 1
    }

    fn percent(&mut self, rest: &[u8], at: usize) -> usize {
        match rest.get(1..3).and_then(hex).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) if byte.is_ascii() => {
                self.ascii(byte, rest.get(3).copied(), at);
                3
            }
            _ => self.push(b'%', at),
        }
    }

    /// A character of more than one byte.
    fn wide(&mut self, rest: &[u8], at: usize) -> usize {
        let len = match rest.first() {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf4) => 4,
            _ => 1,
        };
        let c = rest.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let Some(c) = c.and_then(|text| text.chars().next()) else {
            return self.push(rest.first().copied().unwrap_or(b'?'), at);
        };
        self.character(Some(c), rest.get(len..), at);
        len
    }

    fn character(&mut self, c: Option<char>, after: Option<&[u8]>, at: usize) {
        let Some(c) = c else { return };
        let next = after.and_then(next_seen);
        let tagged = std::mem::replace(&mut self.tagged, false);
        if c.is_ascii() {
            self.ascii(u8::try_from(c).unwrap_or(b'?'), next, at);
            return;
        }
        match read(c) {
            Letter::Ascii(b' ') => {
                if self.text.last() != Some(&b' ') {
                    self.push(b' ', at);
                }
            }
            Letter::Ascii(byte) => {
                self.push(byte, at);
            }
            Letter::LooksLike(byte)
                if self.folding
                    || self.text.last().is_some_and(u8::is_ascii_alphabetic)
                    || next.is_some_and(|next| next.is_ascii_alphabetic()) =>
            {
                self.push(byte, at);
                self.folding = true;
            }
            Letter::Invisible => {}
            Letter::Tag(byte) => {
                self.hidden = true;
                if !tagged {
                    // It begins a text of its own, whatever stands before it.
                    self.push(b' ', at);
                }
                self.tagged = true;
                self.ascii(byte, None, at);
            }
            Letter::LooksLike(_) | Letter::Other => {
                let mut bytes = [0; 4];
                for &byte in c.encode_utf8(&mut bytes).as_bytes() {
                    self.push(byte, at);
                }
            }
        }
    }

    /// The same with letters that stand apart put together again: `i g n o r e`.
    pub(crate) fn joined(&self) -> Option<Self> {
        /// So many letters in a row, one by one, are a word.
        const LETTERS: usize = 6;
        let mut joined = Self { hidden: self.hidden, ..Self::default() };
        let (mut at, mut any) = (0, false);
        while let Some(&byte) = self.text.get(at) {
            let run = apart(self.text.get(at..).unwrap_or_default());
            let begins = at.checked_sub(1).is_none_or(|before| {
                self.text.get(before).is_none_or(|byte| !byte.is_ascii_alphanumeric())
            });
            let count = if begins && run >= LETTERS { run } else { 1 };
            any |= count > 1;
            for number in 0..count {
                let index = at + 2 * number;
                let byte = if count > 1 { self.text.get(index).copied() } else { Some(byte) };
                joined.text.push(byte.unwrap_or(b' '));
                joined.at.push(self.at.get(index).copied().unwrap_or(0));
            }
            at += if count > 1 { 2 * count - 1 } else { 1 };
        }
        joined.at.push(self.at.last().copied().unwrap_or(0));
        any.then_some(joined)
    }
}

/// How many letters stand there one by one, parted by the same sign.
fn apart(text: &[u8]) -> usize {
    let Some(&sign) = text.get(1).filter(|sign| b" -._|/".contains(sign)) else { return 1 };
    let pairs = text.chunks(2);
    pairs
        .take_while(|pair| match pair {
            [letter, parted] => letter.is_ascii_alphabetic() && *parted == sign,
            [letter] => letter.is_ascii_alphabetic(),
            _ => false,
        })
        .count()
        + usize::from(ends_with_a_letter(text, sign))
}

/// Whether the letter after the last pair stands alone, too.
fn ends_with_a_letter(text: &[u8], sign: u8) -> bool {
    let pairs = text
        .as_chunks::<2>()
        .0
        .iter()
        .take_while(|[letter, parted]| letter.is_ascii_alphabetic() && *parted == sign)
        .count();
    let last = text.get(2 * pairs);
    let after = text.get(2 * pairs + 1);
    pairs > 0
        && last.is_some_and(u8::is_ascii_alphabetic)
        && after.is_some_and(|after| !after.is_ascii_alphanumeric() && *after != sign)
}

/// The first byte that can be seen.
fn next_seen(rest: &[u8]) -> Option<u8> {
    const LOOKED_AT: usize = 16;
    let first = *rest.first()?;
    if first < 0x80 {
        return Some(first);
    }
    let near = rest.get(..LOOKED_AT).unwrap_or(rest);
    let text = near.utf8_chunks().next()?.valid();
    let c = text.chars().find(|&c| read(c) != Letter::Invisible)?;
    u8::try_from(c).ok().filter(u8::is_ascii)
}

fn hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.starts_with('+') || text.len() > 6 { None } else { u32::from_str_radix(text, 16).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        String::from_utf8(Plain::of(text.as_bytes(), false).text).unwrap()
    }

    #[test]
    fn every_way_of_writing_is_one() {
        let same = "ignore the previous";
        for text in [
            "Ignore  the\n\tprevious",
            "**Ignore** the _previous_",
            "Ig\u{200b}nore\u{a0}the pre\u{ad}vious",
            "іgnоrе thе prеvіоus",
            "ｉｇｎｏｒｅ ｔｈｅ ｐｒｅｖｉｏｕｓ",
            "𝐢𝐠𝐧𝐨𝐫𝐞 𝐭𝐡𝐞 𝐩𝐫𝐞𝐯𝐢𝐨𝐮𝐬",
            "\\u0069gnore\\nthe previous",
            "&#105;gnore&nbsp;the previous",
            "1gn0re the pr3v1ous",
            "ignore%20the%20previous",
            "ìgnörë thé prêvíous",
        ] {
            assert_eq!(plain(text), same, "{text}");
        }
    }

    #[test]
    fn other_scripts_and_numbers_stay_what_they_are() {
        assert_eq!(plain("忽略 3 x86 игнорируй"), "忽略 3 x86 игнорируй");
        assert_eq!(plain("snake_case 2fa"), "snake_case 2fa");
    }

    #[test]
    fn letters_that_stand_apart_are_put_together() {
        let spaced = Plain::of(b"now i g n o r e this, a b c", false).joined().unwrap();
        assert_eq!(String::from_utf8(spaced.text).unwrap(), "now ignore this, a b c");
        assert!(Plain::of(b"a plain text", false).joined().is_none());
    }

    #[test]
    fn a_place_leads_back_to_the_text_as_written() {
        let text = "x \u{200b}і\u{200b}gnore y".as_bytes();
        let plain = Plain::of(text, false);
        let at = plain.text.windows(6).position(|window| window == b"ignore").unwrap();
        let (start, end) = plain.place(at, at + 6);
        assert_eq!(&text[start..end], "і\u{200b}gnore".as_bytes());
    }
}
