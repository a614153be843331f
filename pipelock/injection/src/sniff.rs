//! What a body is, by its first bytes: what it says of itself is a hint and no more.

/// What there is to be looked through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content {
    /// Text, and whether its first sign makes it JSON.
    Text { json: bool },
    /// Text in units of 16 bits.
    Wide,
    /// A picture, an archive, a program: no model reads it as words.
    Binary,
}

/// How many bytes decide.
const LOOKED_AT: usize = 512;

/// Formats that hold readable bytes at their beginning.
const MAGIC: [&[u8]; 14] = [
    b"%PDF-",
    b"PK\x03\x04",
    b"\x7fELF",
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"RIFF",
    b"OggS",
    b"\0asm",
    b"!<arch>\n",
];

/// Bytes that no text has, in any of the encodings that hold ASCII.
static ODD: [bool; 256] = {
    let mut odd = [false; 256];
    let mut byte = 0;
    while byte < 0x80 {
        odd[byte] = matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
        byte += 1;
    }
    odd
};

/// Looks at the beginning of a body.
pub fn sniff(first: &[u8]) -> Content {
    let first = first.get(..LOOKED_AT).unwrap_or(first);
    if first.starts_with(b"\xff\xfe") || first.starts_with(b"\xfe\xff") {
        return Content::Wide;
    }
    if MAGIC.iter().any(|magic| first.starts_with(magic)) {
        return Content::Binary;
    }
    let odd: usize = first.iter().map(|&byte| usize::from(ODD[usize::from(byte)])).sum();
    if odd * 32 > first.len() {
        return Content::Binary;
    }
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    let sign = text.iter().find(|byte| !byte.is_ascii_whitespace());
    Content::Text { json: matches!(sign, Some(b'{' | b'[' | b'"')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell_text_from_what_is_none() {
        assert_eq!(sniff(b"<!doctype html>"), Content::Text { json: false });
        assert_eq!(sniff(b" \n{\"a\": 1}"), Content::Text { json: true });
        assert_eq!(sniff("Grüße, 世界".as_bytes()), Content::Text { json: false });
        assert_eq!(sniff(b""), Content::Text { json: false });
        for binary in [&b"%PDF-1.7\n"[..], b"\x89PNG\r\n", b"\x1f\x8b\x08\0", &[0, 1, 2, 3, 4]] {
            assert_eq!(sniff(binary), Content::Binary);
        }
        assert_eq!(sniff(b"\xff\xfeI\0g\0"), Content::Wide);
    }
}
