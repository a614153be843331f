//! The bits of a row of digits, and the text that is read off them.

use super::{HIGH, LOOK};
use crate::bytes::{Class, is_text};

/// The bits of a row of digits, and zeros behind them.
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    pub(super) bits: usize,
}

impl Packed {
    /// Bits from there on: 57 at least.
    #[inline]
    pub(super) fn eight(&self, bit: usize) -> u64 {
        let bytes = self.bytes.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes) << (bit % 8))
    }

    /// The byte that begins in that bit.
    #[inline]
    fn byte(&self, bit: usize) -> Option<u8> {
        (bit + 8 <= self.bits).then(|| self.eight(bit).to_be_bytes()[0])
    }

    /// All the text in which the byte of that bit stands, back to the bit `from`.
    pub(super) fn text_round(&self, bit: usize, from: usize) -> (usize, Vec<u8>) {
        let mut first = bit;
        while let Some(before) = first.checked_sub(8).filter(|before| *before >= from) {
            if !self.byte(before).is_some_and(is_written) {
                break;
            }
            first = before;
        }
        (first, self.text_from(first))
    }

    /// The text that begins in that bit: six bytes in one step, then one by one.
    fn text_from(&self, mut bit: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(64);
        while bit + 8 * LOOK <= self.bits {
            let eight = self.eight(bit);
            let [six @ .., _, _] = eight.to_be_bytes();
            if !are_visible(eight >> 16) && !WRITTEN.has_all(&six) {
                break;
            }
            text.extend_from_slice(&six);
            bit += 8 * LOOK;
        }
        while let Some(byte) = self.byte(bit).filter(|byte| is_written(*byte)) {
            text.push(byte);
            bit += 8;
        }
        text
    }
}

pub(super) static WRITTEN: Class = Class::new(true, b"\0\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

/// Text, or the zeros of text in 16-bit units.
pub(super) const fn is_written(byte: u8) -> bool {
    is_text(byte) || byte == 0
}

/// Whether six bytes are letters and the like or spaces, without a look at each.
pub(super) const fn are_visible(six: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101;
    // No byte is carried into the next where the highest bits are clear; where one is not, that decides.
    let low = six & !HIGH;
    (six | !(low + ONES * 0x60) | (low + ONES)) & HIGH == 0
}

/// Six bytes of text, plainly or in 16-bit units.
pub(super) fn is_like(six: u64) -> bool {
    let bytes = six.to_be_bytes();
    let [odd, even] = [2, 3].map(|from| [bytes[from], bytes[from + 2], bytes[from + 4]]);
    let text = |three: [u8; 3]| three.iter().all(|&byte| is_text(byte));
    let zeros = [0; 3];
    match (text(odd), text(even)) {
        (true, true) => true,
        (true, false) => even == zeros,
        (false, true) => odd == zeros,
        (false, false) => false,
    }
}
