//! Bytes of a body that are held back, and the overwriting of what was found in them.

use bytes::Bytes;
use std::collections::VecDeque;

/// The end of a body as far as it came, not yet let go.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    parts: VecDeque<Bytes>,
    /// Where the first part begins, in bytes from the start of the body.
    start: u64,
    len: usize,
}

impl Kept {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.parts.push_back(bytes);
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Takes out all but the last `held` bytes.
    pub(crate) fn release(&mut self, held: usize, mut to: impl FnMut(Bytes)) {
        let mut free = self.len.saturating_sub(held);
        while free > 0 {
            let Some(first) = self.parts.front_mut() else { return };
            let part = first.split_to(free.min(first.len()));
            if first.is_empty() {
                self.parts.pop_front();
            }
            free -= part.len();
            self.len -= part.len();
            self.start += part.len() as u64;
            to(part);
        }
    }

    /// Overwrites a finding with as many `*`, but for what gives the text its form. Says whether it
    /// did: of what was let go already nothing can be overwritten.
    pub(crate) fn overwrite(&mut self, offset: u64, len: usize) -> bool {
        let mut all = Vec::with_capacity(self.len);
        for part in self.parts.drain(..) {
            all.extend_from_slice(&part);
        }
        let here = overwrite(&mut all, self.start, (offset, len));
        self.parts.push_back(Bytes::from(all));
        here
    }
}

/// The same of bytes that begin at that place.
pub(super) fn overwrite(bytes: &mut [u8], start: u64, (offset, len): (u64, usize)) -> bool {
    let place = |offset: u64| usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
    let end = place(offset.saturating_add(len as u64)).min(bytes.len());
    let found = bytes.get_mut(place(offset)..end).filter(|found| !found.is_empty());
    found.map(mask).is_some()
}

/// Stars for every byte but white space, quotes, brackets and the like: JSON, forms and YAML stay
/// what they are. A JSON escape stays one, of a star.
fn mask(found: &mut [u8]) {
    let mut at = 0;
    while let Some(&byte) = found.get(at) {
        match byte {
            b'\\' if found.get(at + 1) == Some(&b'u') && at + 6 <= found.len() => {
                if let Some(unit) = found.get_mut(at + 2..at + 6) {
                    unit.copy_from_slice(b"002a");
                }
                at += 6;
            }
            b'\\' => at += 2,
            byte if byte <= b' ' || b"\"'`{}[]()<>,;:&=|".contains(&byte) => at += 1,
            _ => {
                if let Some(byte) = found.get_mut(at) {
                    *byte = b'*';
                }
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_is_overwritten_keeps_its_form() {
        assert_eq!(masked("AKIA-x_1.2/+%41"), "***************");
        assert_eq!(masked(r#""k": "v\n\u0041""#), r#""*": "*\n\u002a""#);
        assert_eq!(masked("a=é&b"), "*=**&*");
    }

    #[test]
    fn bytes_leave_in_order_and_what_is_held_can_be_overwritten() {
        let mut kept = Kept::default();
        let mut out = Vec::new();
        kept.push(Bytes::from_static(b"one secr"));
        kept.release(4, |part| out.extend_from_slice(&part));
        assert_eq!(out, b"one ");
        kept.push(Bytes::from_static(b"et two"));
        assert!(kept.overwrite(4, 6) && !kept.overwrite(0, 4));
        kept.release(0, |part| out.extend_from_slice(&part));
        assert_eq!((out.as_slice(), kept.len()), (&b"one ****** two"[..], 0));
    }
}
