//! Decoders that give up rather than guess.

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

/// Percent-encoding (RFC 3986, 2.1), once; `None` where there is nothing to decode.
pub(crate) fn percent(text: &[u8]) -> Option<Vec<u8>> {
    if !text.contains(&b'%') {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        if let Some(decoded) = digits.and_then(hex).and_then(|bytes| bytes.first().copied()) {
            out.push(decoded);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    Some(out)
}

/// A JSON string's escapes (RFC 8259, 7) resolved where they stand, the rest as it is.
pub(crate) fn json_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let code = match (byte, text.get(at + 1)) {
            (b'\\', Some(b'u')) => text.get(at + 2..at + 6).and_then(code_unit),
            (b'\\', Some(b'/')) => Some((b'/', 2)),
            _ => None,
        };
        if let Some((decoded, len)) = code {
            out.push(decoded);
            at += len;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    out
}

fn code_unit(digits: &[u8]) -> Option<(u8, usize)> {
    match hex(digits)?.as_slice() {
        [0, low] if digits.len() == 4 => Some((*low, 6)),
        _ => None,
    }
}

/// Whether a JSON escape that can hide a letter is there: `\u` or `\/`.
pub(crate) fn has_json_escape(text: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', text).any(|at| matches!(text.get(at + 1), Some(b'u' | b'/')))
}

/// Whether four ASCII letters stand there as 16-bit units (RFC 2781), of either byte order.
pub(crate) fn has_wide_units(text: &[u8]) -> bool {
    let unit = |at: usize| {
        matches!(text.get(at), Some(0)) && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
    };
    memchr::memchr_iter(0, text).any(|at| unit(at) && unit(at + 2) && unit(at + 4) && unit(at + 6))
}

/// The words in which letters of other scripts, full-width letters or invisible marks stand beside
/// ASCII ones, with those made plain and the marks dropped; `None` where no word has any.
pub(crate) fn folded(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.iter().position(|b| !b.is_ascii())) {
        let wordy = |byte: &&u8| {
            !byte.is_ascii() || byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
        };
        let before =
            text.get(at..at + next).unwrap_or_default().iter().rev().take_while(wordy).count();
        let start = at + next - before;
        let len = text.get(start..).unwrap_or_default().iter().take_while(wordy).count();
        let word = text.get(start..start + len).unwrap_or_default();
        if word.len() >= SHORTEST_WORD
            && let Ok(word) = std::str::from_utf8(word)
        {
            let plain: String = word.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
            out.extend_from_slice(plain.as_bytes());
            out.push(b' ');
        }
        at = start + len.max(1);
    }
    (!out.is_empty()).then_some(out)
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
