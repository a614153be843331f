//! Decoders that give up rather than guess.

use std::ops::Range;

/// Base64 of either alphabet (RFC 4648, 4 and 5), padded or not; stops at the padding.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.split(|&b| b == b'=').next().unwrap_or_default();
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 3);
    let (groups, rest) = digits.as_chunks::<4>();
    for group in groups {
        let [a, b, c, d] = group.map(|digit| SIX_BITS[usize::from(digit)]);
        if (a | b | c | d) > 63 {
            return None;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, one, two, three] = bits.to_be_bytes();
        out.extend_from_slice(&[one, two, three]);
    }
    out.extend(fold(rest.iter(), 6, six_bits).unwrap_or_default());
    (!out.is_empty()).then_some(out)
}

/// Whether it is a digit of either alphabet.
pub(crate) fn is_base64(digit: u8) -> bool {
    SIX_BITS[usize::from(digit)] < 64
}

/// A group of four digits; what is none counts as some.
pub(crate) fn four(digits: [u8; 4]) -> [u8; 3] {
    let [a, b, c, d] = digits.map(|digit| u32::from(SIX_BITS[usize::from(digit)] & 63));
    let [_, one, two, three] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
    [one, two, three]
}

fn six_bits(digit: u8) -> Option<u8> {
    Some(SIX_BITS[usize::from(digit)]).filter(|&value| value < 64)
}

/// The value of every digit of both alphabets; 64 for what is none.
static SIX_BITS: [u8; 256] = {
    let mut table = [64; 256];
    let mut value = 0;
    while value < 62 {
        let digit = match value {
            0..=25 => b'A' + value,
            26..=51 => b'a' + value - 26,
            _ => b'0' + value - 52,
        };
        table[digit as usize] = value;
        value += 1;
    }
    table[b'+' as usize] = 62;
    table[b'-' as usize] = 62;
    table[b'/' as usize] = 63;
    table[b'_' as usize] = 63;
    table
};

/// Base32 (RFC 4648, 6).
pub(crate) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().take_while(|&&b| b != b'=');
    fold(digits, 5, |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    })
}

/// Hexadecimal, an even number of digits; an odd last one is dropped.
pub(crate) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    fold(text.iter(), 4, |b| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
}

fn fold<'a>(
    digits: impl Iterator<Item = &'a u8>,
    bits: u32,
    value: impl Fn(u8) -> Option<u8>,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut held, mut count) = (0_u32, 0_u32);
    for &digit in digits {
        held = held << bits | u32::from(value(digit)?);
        count += bits;
        if count >= 8 {
            count -= 8;
            out.push((held >> count & 0xff) as u8);
            held &= (1 << count) - 1;
        }
    }
    (!out.is_empty()).then_some(out)
}

/// Where the bytes of a decoded text stand in the text it was decoded from.
pub(crate) enum Mapped {
    /// Digits of so many bits each, from this place on.
    Digits(usize, usize),
    /// The place of each byte, and the place behind the last.
    Places(Vec<usize>),
}

impl Mapped {
    pub(crate) const fn digits(start: usize, bits: usize) -> Self {
        Self::Digits(start, bits)
    }

    pub(crate) fn start(&self, at: usize) -> usize {
        match self {
            Self::Digits(start, bits) => start + at * 8 / bits,
            Self::Places(places) => places.get(at).copied().unwrap_or_default(),
        }
    }

    pub(crate) fn end(&self, at: usize) -> usize {
        match self {
            Self::Digits(start, bits) => start + (at * 8).div_ceil(*bits),
            Self::Places(places) => places.get(at).or(places.last()).copied().unwrap_or_default(),
        }
    }
}

/// A decoded text and where its bytes stood.
type Found = (Vec<u8>, Mapped);

/// Decodes a range byte by byte: `one` says what stands there and how long it is.
fn walk(
    text: &[u8],
    range: Range<usize>,
    mut one: impl FnMut(&[u8]) -> Option<(u8, usize)>,
) -> Found {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let mut at = range.start;
    while let Some((&byte, rest)) = text.get(at..range.end).and_then(<[u8]>::split_first) {
        let (byte, len) = one(text.get(at..range.end).unwrap_or(rest)).unwrap_or((byte, 1));
        out.push(byte);
        places.push(at);
        at += len;
    }
    places.push(range.end);
    (out, Mapped::Places(places))
}

/// Words with percent-encoding (RFC 3986, 2.1), decoded once.
pub(crate) fn each_percent(text: &[u8], mut see: impl FnMut(Found)) {
    let escape = |rest: &[u8]| match rest {
        [b'%', high, low, ..] => Some((hex_digit(*high)? << 4 | hex_digit(*low)?, 3)),
        _ => None,
    };
    each_word_with(
        text,
        b'%',
        |rest| escape(rest).is_some(),
        |word| {
            see(walk(text, word, escape));
        },
    );
}

/// Words with escapes of JSON (RFC 8259, 7) that can hide a letter: `\u` and `\/`.
pub(crate) fn each_escape(text: &[u8], mut see: impl FnMut(Found)) {
    let escape = |rest: &[u8]| match rest {
        [b'\\', b'/', ..] => Some((b'/', 2)),
        [b'\\', b'u', b'0', b'0', high, low, ..] => {
            Some((hex_digit(*high)? << 4 | hex_digit(*low)?, 6))
        }
        _ => None,
    };
    each_word_with(
        text,
        b'\\',
        |rest| escape(rest).is_some(),
        |word| {
            see(walk(text, word, escape));
        },
    );
}

/// Calls `see` with the range of each word in which the mark begins something.
fn each_word_with(
    text: &[u8],
    mark: u8,
    begins: impl Fn(&[u8]) -> bool,
    mut see: impl FnMut(Range<usize>),
) {
    let mut from = 0;
    for at in memchr::memchr_iter(mark, text) {
        if at >= from && begins(text.get(at..).unwrap_or_default()) {
            let word = crate::view::word_round(text, at);
            from = word.end;
            see(word);
        }
    }
}

/// Letters as 16-bit units (RFC 2781) of either byte order, at least eight in a row.
pub(crate) fn each_wide(text: &[u8], mut see: impl FnMut(Found)) {
    let is_unit =
        |at: usize| text.get(at).is_some_and(u8::is_ascii_graphic) && text.get(at + 1) == Some(&0);
    let mut from = 0;
    for at in memchr::memchr_iter(0, text) {
        if at < from.max(1) || !is_unit(at - 1) {
            continue;
        }
        let count = (0..text.len()).take_while(|nth| is_unit(at - 1 + 2 * nth)).count();
        from = at + 2 * count;
        // Of the other byte order the last letter has no zero behind it.
        let end =
            if text.get(from - 1).is_some_and(u8::is_ascii_graphic) { from } else { from - 1 };
        if count >= 8 {
            see(walk(text, at - 1..end, |rest| Some((*rest.first()?, 2))));
        }
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The words in which letters of other scripts, full-width letters or invisible marks stand beside
/// ASCII ones, with those made plain and the marks dropped.
pub(crate) fn each_folded(text: &[u8], mut see: impl FnMut(Found)) {
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.iter().position(|b| !b.is_ascii())) {
        let wordy = |byte: &&u8| {
            !byte.is_ascii() || byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
        };
        let before =
            text.get(at..at + next).unwrap_or_default().iter().rev().take_while(wordy).count();
        let start = at + next - before;
        let len = text.get(start..).unwrap_or_default().iter().take_while(wordy).count();
        let word = text.get(start..start + len).unwrap_or_default();
        // What is no text at all has long "words" everywhere.
        if word.len() >= SHORTEST_WORD && std::str::from_utf8(word).is_ok() {
            see(folded(word, start));
        }
        at = start + len.max(1);
    }
}

fn folded(word: &[u8], start: usize) -> Found {
    let (mut out, mut places) = (Vec::new(), Vec::new());
    let mut at = start;
    for chunk in word.utf8_chunks() {
        for c in chunk.valid().chars() {
            if !is_invisible(c) {
                let c = plain(c);
                out.push(if c.is_ascii() { u8::try_from(c).unwrap_or(b'?') } else { b'?' });
                places.push(at);
            }
            at += c.len_utf8();
        }
        at += chunk.invalid().len();
    }
    places.push(start + word.len());
    (out, Mapped::Places(places))
}

/// A word with fewer bytes than this holds no credential.
const SHORTEST_WORD: usize = 16;

fn plain(c: char) -> char {
    match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => confusable(c),
    }
}

/// Zero-width, joining, direction and variation marks, soft hyphen and tags.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180e
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe0000..=0xe007f)
}

/// Letters of other scripts that look like a Latin one.
fn confusable(c: char) -> char {
    match c {
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'Υ' | 'Ү' => 'Y',
        'Ζ' => 'Z',
        'а' => 'a',
        'с' => 'c',
        'е' => 'e',
        'һ' => 'h',
        'і' => 'i',
        'ј' => 'j',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'х' => 'x',
        'у' => 'y',
        other => other,
    }
}
