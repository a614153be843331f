//! Decoders that give up rather than guess.

/// Base64 of either alphabet (RFC 4648, 4 and 5), padded or not; stops at the padding.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().take_while(|&&b| b != b'=');
    groups(digits, 6, |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    })
}

/// Base32 (RFC 4648, 6).
pub(crate) fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().take_while(|&&b| b != b'=');
    groups(digits, 5, |b| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    })
}

/// Hexadecimal, an even number of digits; an odd last one is dropped.
pub(crate) fn hex(text: &[u8]) -> Option<Vec<u8>> {
    groups(text.iter(), 4, |b| {
        char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
    })
}

fn groups<'a>(
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

/// Invisible characters dropped and full-width ones made plain; what is no UTF-8 stays away.
pub(crate) fn folded(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let chars = text.chars().filter(|c| !is_invisible(*c)).map(|c| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => confusable(c),
    });
    chars.collect::<String>().into_bytes()
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
