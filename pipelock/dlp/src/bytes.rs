//! Classes of bytes, as tables.

/// A class: whether each byte is in it.
pub(crate) struct Class([bool; 256]);

impl Class {
    pub(crate) const fn new(alphanumeric: bool, more: &[u8]) -> Self {
        let mut made = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            made[byte as usize] = alphanumeric && byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < more.len() {
            made[more[at] as usize] = true;
            at += 1;
        }
        Self(made)
    }

    #[inline]
    pub(crate) const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }

    /// Whether all of a few are in it.
    #[inline]
    pub(crate) fn has_all(&self, bytes: &[u8]) -> bool {
        bytes.iter().fold(true, |all, &byte| all & self.has(byte))
    }

    /// Whether all are in it, and whether any is: without a branch for each.
    #[inline]
    pub(crate) fn all(&self, bytes: [u8; 8]) -> bool {
        bytes.iter().fold(true, |all, &byte| all & self.has(byte))
    }

    #[inline]
    pub(crate) fn any(&self, bytes: [u8; 8]) -> bool {
        bytes.iter().fold(false, |any, &byte| any | self.has(byte))
    }

    /// How many of the first bytes are in it.
    pub(crate) fn first(&self, text: &[u8]) -> usize {
        let whole = text.as_chunks::<8>().0.iter().take_while(|some| self.all(**some)).count() * 8;
        let rest = text.get(whole..).unwrap_or_default();
        whole + rest.iter().position(|&byte| !self.has(byte)).unwrap_or(rest.len())
    }

    /// Where the first byte of it stands.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        let whole = text.as_chunks::<8>().0.iter().take_while(|some| !self.any(**some)).count() * 8;
        let rest = text.get(whole..).unwrap_or_default();
        rest.iter().position(|&byte| self.has(byte)).map(|at| whole + at)
    }

    /// How many of the last bytes are in it.
    pub(crate) fn last(&self, text: &[u8]) -> usize {
        text.iter().rev().position(|&byte| !self.has(byte)).unwrap_or(text.len())
    }
}

/// What base64 of either alphabet is made of, with its padding.
pub(crate) static RUN: Class = Class::new(true, b"+/=_-");
/// What the long words of tokens are made of.
pub(crate) static WORD: Class = Class::new(true, b"_-");

/// What ends a word ends every credential without white space.
pub(crate) static ENDS: Class = Class::new(
    false,
    b"\0\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\
      \x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f \"'<>,;()[]{}`|",
);

/// What text is made of.
pub(crate) const fn is_text(byte: u8) -> bool {
    byte.wrapping_sub(b' ') < 95 || matches!(byte, b'\n' | b'\r' | b'\t')
}

/// Where the first byte beyond ASCII stands, eight at a time.
pub(crate) fn beyond_ascii(text: &[u8], from: usize) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let rest = text.get(from..)?;
    let (words, _) = rest.as_chunks::<8>();
    let clean = words.iter().take_while(|&&word| u64::from_le_bytes(word) & HIGH == 0).count() * 8;
    let at = rest.get(clean..)?.iter().position(|byte| !byte.is_ascii())?;
    Some(from + clean + at)
}
