//! Words that are written with escapes, in 16-bit units or in letters of other scripts, made plain.

use std::ops::Range;
use std::sync::OnceLock;

use crate::bytes::{ENDS, beyond_ascii, is_text};

/// The longest word that is made plain to each side of what shows it.
const MOST: usize = 8192;

/// A text made plain, and the place of each of its bytes.
#[derive(Default)]
struct Plain {
    text: Vec<u8>,
    places: Vec<usize>,
}

impl Plain {
    fn push(&mut self, byte: u8, place: usize) {
        self.text.push(byte);
        self.places.push(place);
    }

    fn write(&mut self, written: &Written, place: usize) {
        match *written {
            Written::Byte(byte) => self.push(byte, place),
            Written::Character(c) => {
                let mut bytes = [0; 4];
                for &byte in c.encode_utf8(&mut bytes).as_bytes() {
                    self.push(byte, place);
                }
            }
        }
    }

    fn hand_over(mut self, end: usize, see: &mut impl FnMut(Vec<u8>, Vec<usize>)) {
        self.places.push(end);
        see(self.text, self.places);
    }
}

/// What an escape stands for.
enum Written {
    Byte(u8),
    Character(char),
}

/// Words with percent-encoding (RFC 3986, 2.1), decoded once; where plus signs stand in one, it is a
/// form's, and they are spaces in a second reading.
pub(crate) fn each_percent(text: &[u8], until: usize, mut see: impl FnMut(Vec<u8>, Vec<usize>)) {
    each_word_with(
        text,
        until,
        |from| memchr::memchr(b'%', text.get(from..)?).map(|at| from + at),
        |rest| percent(rest).is_some(),
        |word| {
            let plain = unescaped(text, word.clone(), percent);
            if plain.text.contains(&b'+') {
                let form = unescaped(text, word.clone(), |rest| match rest {
                    [b'+', ..] => Some((Written::Byte(b' '), 1)),
                    rest => percent(rest),
                });
                form.hand_over(word.end, &mut see);
            }
            plain.hand_over(word.end, &mut see);
        },
    );
}

/// A text without its percent-encoding.
pub(crate) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    unescaped(text, 0..text.len(), percent).text
}

fn percent(rest: &[u8]) -> Option<(Written, usize)> {
    let digits = rest.strip_prefix(b"%")?.get(..2)?;
    Some((Written::Byte(u8::try_from(number(digits)?).ok()?), 3))
}

/// Words with escapes that can hide a letter: `\u` and `\/` of JSON (RFC 8259, 7), `\x` and `\U` of
/// YAML (1.2, 5.7) and of most languages.
pub(crate) fn each_escape(text: &[u8], until: usize, mut see: impl FnMut(Vec<u8>, Vec<usize>)) {
    each_word_with(
        text,
        until,
        |from| next_escape(text, from),
        |rest| escape(rest).is_some(),
        |word| {
            unescaped(text, word.clone(), escape).hand_over(word.end, &mut see);
        },
    );
}

/// Where the next backslash stands behind which an escape may be that hides a letter. In JSON most are
/// of line breaks and quotes: where one is, the next few dozen bytes are judged together.
#[expect(clippy::needless_bitwise_bool, reason = "with branches each byte would be judged alone")]
fn next_escape(text: &[u8], from: usize) -> Option<usize> {
    const TOGETHER: usize = 64;
    let mut from = from;
    loop {
        let at = from + memchr::memchr(b'\\', text.get(from..)?)?;
        let rest = text.get(at..)?;
        let hides = |mark: u8, next: u8| {
            (mark == b'\\') & ((next == b'u') | (next == b'x') | (next == b'/') | (next == b'U'))
        };
        let some = rest.first_chunk::<TOGETHER>();
        let next = rest.get(1..).and_then(|rest| rest.first_chunk::<TOGETHER>());
        if let Some((some, next)) = some.zip(next)
            && !some.iter().zip(next).fold(false, |any, (&mark, &next)| any | hides(mark, next))
        {
            from = at + TOGETHER;
            continue;
        }
        let pairs = rest.get(..=TOGETHER).unwrap_or(rest);
        if let Some(nth) = pairs.windows(2).position(|pair| hides(pair[0], pair[1])) {
            return Some(at + nth);
        }
        from = at + TOGETHER;
    }
}

fn escape(rest: &[u8]) -> Option<(Written, usize)> {
    let character = |digits: &[u8], len: usize| {
        Some((Written::Character(char::from_u32(number(digits)?)?), len))
    };
    let hex = |count: usize| character(rest.get(2..2 + count)?, 2 + count);
    match rest {
        [b'\\', b'/', ..] => Some((Written::Byte(b'/'), 2)),
        [b'\\', b'u', b'{', digits @ ..] => {
            let count = digits.iter().take(6).take_while(|digit| digit.is_ascii_hexdigit()).count();
            let closed = digits.get(count) == Some(&b'}');
            character(digits.get(..count)?, 4 + count).filter(|_| closed)
        }
        [b'\\', b'u', ..] => hex(4),
        [b'\\', b'x', ..] => hex(2),
        [b'\\', b'U', ..] => hex(8),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, &digit| {
        Some(number.checked_mul(16)? + char::from(digit).to_digit(16)?)
    })
}

/// A word in which `one` says what stands at the beginning of a text and how long it is.
fn unescaped(
    text: &[u8],
    word: Range<usize>,
    one: impl Fn(&[u8]) -> Option<(Written, usize)>,
) -> Plain {
    let mut plain = Plain::default();
    let mut at = word.start;
    while let Some(rest @ [byte, ..]) = text.get(at..word.end) {
        let (written, len) = one(rest).unwrap_or((Written::Byte(*byte), 1));
        plain.write(&written, at);
        at += len;
    }
    plain
}

/// Calls `see` with the range of each word in which one of the places that `next` names from a place on
/// begins something.
fn each_word_with(
    text: &[u8],
    until: usize,
    next: impl Fn(usize) -> Option<usize>,
    begins: impl Fn(&[u8]) -> bool,
    mut see: impl FnMut(Range<usize>),
) {
    let (mut from, mut at) = (0, 0);
    while let Some(mark) = next(at) {
        at = mark + 1;
        if begins(text.get(mark..).unwrap_or_default()) {
            let word = word_round(text, mark, from);
            if word.start >= until {
                return;
            }
            from = word.end;
            at = at.max(from);
            see(word);
        }
    }
}

/// Where a word that holds this byte begins and ends.
fn word_round(text: &[u8], at: usize, from: usize) -> Range<usize> {
    let of_word = |byte: &&u8| !ENDS.has(**byte);
    let head = text.get(from..at).unwrap_or_default();
    let tail = text.get(at..).unwrap_or_default();
    let start = at - head.iter().rev().take(MOST).take_while(of_word).count();
    let end = at + tail.iter().take(2 * MOST).take_while(of_word).count();
    start..end.max(at + 1)
}

/// Letters as 16-bit units (RFC 2781) of either byte order, at least eight in a row.
pub(crate) fn each_wide(text: &[u8], until: usize, mut see: impl FnMut(Vec<u8>, Vec<usize>)) {
    let is_unit =
        |at: usize| text.get(at).is_some_and(|&b| is_text(b)) && text.get(at + 1) == Some(&0);
    let mut from = 0;
    for at in memchr::memchr_iter(0, text) {
        if at < from.max(1) || !is_unit(at - 1) {
            continue;
        }
        if at > until {
            return;
        }
        let count = (0..text.len()).take_while(|nth| is_unit(at - 1 + 2 * nth)).count();
        from = at + 2 * count;
        if count < 8 {
            continue;
        }
        let mut plain = Plain::default();
        let units = text.get(at - 1..from - 1).unwrap_or_default();
        for (nth, unit) in units.chunks(2).enumerate() {
            plain.push(unit.first().copied().unwrap_or_default(), at - 1 + 2 * nth);
        }
        // Of the other byte order the last letter has no zero behind it.
        let mut end = from - 1;
        if let Some(&last) = text.get(end).filter(|&&byte| is_text(byte)) {
            plain.push(last, end);
            end += 1;
        }
        plain.hand_over(end, &mut see);
    }
}

/// Words in which letters of other scripts, letters of other widths or invisible marks stand beside
/// ASCII ones, with those made plain and the marks dropped.
pub(crate) fn each_folded(text: &[u8], until: usize, mut see: impl FnMut(Vec<u8>, Vec<usize>)) {
    let mut from = 0;
    while let Some(at) = beyond_ascii(text, from) {
        let Some((c, len)) = character(text, at) else {
            from = at + 1;
            continue;
        };
        if matches!(folded(c), Folded::Itself) {
            from = at + len;
            continue;
        }
        let head = text.get(from..at).unwrap_or_default();
        let before = head.iter().rev().take(MOST).take_while(|&&byte| is_wordy(byte)).count();
        let start = at - before;
        if start >= until {
            return;
        }
        let mut plain = Plain::default();
        let mut end = start;
        while end - start < 2 * MOST {
            match text.get(end) {
                Some(&byte) if byte.is_ascii() && is_wordy(byte) => {
                    plain.push(byte, end);
                    end += 1;
                }
                Some(byte) if !byte.is_ascii() => {
                    let Some((c, len)) = character(text, end) else { break };
                    match folded(c) {
                        Folded::Letter(letter) => plain.push(letter, end),
                        Folded::Nothing => {}
                        Folded::Itself => break,
                    }
                    end += len;
                }
                _ => break,
            }
        }
        from = end;
        if plain.text.len() >= LEAST_FOLDED {
            plain.hand_over(end, &mut see);
        }
    }
}

/// A word of fewer letters holds no credential.
const LEAST_FOLDED: usize = 12;

fn is_wordy(byte: u8) -> bool {
    byte.is_ascii_graphic() && !ENDS.has(byte)
}

/// The character that begins there, and its length.
fn character(text: &[u8], at: usize) -> Option<(char, usize)> {
    let rest = |byte: &u8| (byte & 0xc0 == 0x80).then_some(u32::from(byte & 0x3f));
    let (number, len) = match text.get(at..)? {
        [first @ 0xc2..=0xdf, a, ..] => (u32::from(first & 0x1f) << 6 | rest(a)?, 2),
        [first @ 0xe0..=0xef, a, b, ..] => {
            (u32::from(first & 0x0f) << 12 | rest(a)? << 6 | rest(b)?, 3)
        }
        [first @ 0xf0..=0xf4, a, b, c, ..] => {
            (u32::from(first & 0x07) << 18 | rest(a)? << 12 | rest(b)? << 6 | rest(c)?, 4)
        }
        _ => return None,
    };
    Some((char::from_u32(number)?, len))
}

/// What a character beyond ASCII stands for.
enum Folded {
    Letter(u8),
    Nothing,
    Itself,
}

fn folded(c: char) -> Folded {
    // Latin with accents and the scripts of East Asia, in most texts all there is.
    if matches!(u32::from(c), 0xae..=0x130 | 0x132..=0x250 | 0x2e80..=0xa4cf | 0xac00..=0xd7ff) {
        return Folded::Itself;
    }
    if is_invisible(c) {
        return Folded::Nothing;
    }
    letter(c).map_or(Folded::Itself, Folded::Letter)
}

/// Zero-width, joining, direction, variation and combining marks, soft hyphen and tags.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x300..=0x36f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5
        | 0x180b..=0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x20d0..=0x20ff
        | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfeff | 0xe0000..=0xe01ef)
}

/// The ASCII letter that a character of another width, style or script looks like.
fn letter(c: char) -> Option<u8> {
    const STYLED: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let nth = |from: u32, count: u32| u8::try_from((u32::from(c) - from) % count).ok();
    match u32::from(c) {
        // Full-width.
        wide @ 0xff01..=0xff5e => u8::try_from(wide - 0xfee0).ok(),
        // Mathematical alphabets and digits.
        0x1d400..=0x1d6a3 => STYLED.get(usize::from(nth(0x1d400, 52)?)).copied(),
        0x1d7ce..=0x1d7ff => Some(b'0' + nth(0x1d7ce, 10)?),
        // In circles and squares.
        0x24b6..=0x24cf => Some(b'A' + nth(0x24b6, 26)?),
        0x24d0..=0x24e9 => Some(b'a' + nth(0x24d0, 26)?),
        0x1f130..=0x1f149 => Some(b'A' + nth(0x1f130, 26)?),
        0x1f150..=0x1f169 => Some(b'A' + nth(0x1f150, 26)?),
        0x1f170..=0x1f189 => Some(b'A' + nth(0x1f170, 26)?),
        _ => alike(c),
    }
}

/// Letters of Cyrillic, Greek, Armenian and Cherokee that look like a Latin one, and small capitals.
const ALIKE: &[(u8, &str)] = &[
    (b'A', "АΑᎪᴀ"),
    (b'B', "ВΒᏴʙ"),
    (b'C', "СϹᏟᴄ"),
    (b'D', "ᎠᴅԀ"),
    (b'E', "ЕΕᎬᴇ"),
    (b'F', "Ϝꜰ"),
    (b'G', "ԌᏀɢ"),
    (b'H', "НΗᎻʜ"),
    (b'I', "ІΙӀɪ"),
    (b'J', "ЈᎫᴊ"),
    (b'K', "КΚᏦᴋ"),
    (b'L', "Ꮮʟ"),
    (b'M', "МΜᎷᴍ"),
    (b'N', "Νɴ"),
    (b'O', "ОΟՕᴏ"),
    (b'P', "РΡᏢᴘ"),
    (b'Q', "Ԛ"),
    (b'R', "Ꭱʀ"),
    (b'S', "ЅՏᏚꜱ"),
    (b'T', "ТΤᎢᴛ"),
    (b'U', "Սᴜ"),
    (b'V', "ѴᏙᴠ"),
    (b'W', "ԜᎳᴡ"),
    (b'X', "ХΧ"),
    (b'Y', "ΥҮʏ"),
    (b'Z', "ΖᏃᴢ"),
    (b'a', "аɑα"),
    (b'b', "Ь"),
    (b'c', "сϲ"),
    (b'd', "ԁ"),
    (b'e', "е"),
    (b'g', "ɡ"),
    (b'h', "һհ"),
    (b'i', "іıι"),
    (b'j', "јϳ"),
    (b'k', "κ"),
    (b'l', "ӏ"),
    (b'n', "ո"),
    (b'o', "оοօ"),
    (b'p', "рρ"),
    (b'q', "ԛ"),
    (b's', "ѕ"),
    (b'u', "սυ"),
    (b'v', "ѵν"),
    (b'w', "ԝ"),
    (b'x', "хχ"),
    (b'y', "уγ"),
    (b'-', "‐‑‒–−"),
    (b'_', "‿"),
    (b'.', "․"),
    (b':', "։"),
    (b'/', "⁄∕"),
];

/// The same by the number of the letter that looks like it, 0 where none does, and what lies beyond.
struct Letters {
    direct: Vec<u8>,
    others: Vec<(char, u8)>,
}

/// The Latin letter that a letter of another script looks like.
fn alike(c: char) -> Option<u8> {
    /// Nearly all of them have a smaller number, and are found by it alone.
    const DIRECT: u32 = 0x2800;
    static LETTERS: OnceLock<Letters> = OnceLock::new();
    let Letters { direct, others } = LETTERS.get_or_init(|| {
        let each = |&(letter, those): &(u8, &'static str)| those.chars().map(move |c| (c, letter));
        let (mut direct, mut others) = (vec![0; DIRECT as usize], Vec::new());
        for (c, letter) in ALIKE.iter().flat_map(each) {
            match direct.get_mut(c as usize) {
                Some(place) => *place = letter,
                None => others.push((c, letter)),
            }
        }
        Letters { direct, others }
    });
    if let Some(&letter) = direct.get(c as usize) {
        return (letter != 0).then_some(letter);
    }
    others.iter().find(|&&(other, _)| other == c).map(|&(_, letter)| letter)
}

#[cfg(test)]
mod tests;
