//! Text that is written in digits: base64, base32, hexadecimal. Wherever in a row of digits it begins,
//! and whatever stands around it: the row is packed into bits once, a byte of ASCII has its highest bit
//! clear, and six of them in a row are seen by one mask.

mod packed;

use self::packed::{Packed, is_like};

/// A way of writing bits as digits.
pub(crate) struct Digits {
    /// How many bits a digit has.
    pub(crate) bits: usize,
    /// The value of each digit at each place of four in a row; 0 also of what is none, which is never
    /// asked for.
    four: [[u32; 256]; 4],
    /// Digits from one look to the next: whole bytes of all their beginnings.
    step: usize,
}

/// How many bytes are looked at together.
const LOOK: usize = 6;
const HIGH: u64 = 0x8080_8080_8080;
/// Less text than this in a row holds no credential.
pub(crate) const LEAST_TEXT: usize = 12;

const BASE64_VALUES: [u8; 256] =
    table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", b"-_", 62);
pub(crate) static BASE64: Digits = Digits { bits: 6, four: at_places(&BASE64_VALUES, 6), step: 8 };
const BASE32_VALUES: [u8; 256] =
    table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz", 0);
pub(crate) static BASE32: Digits = Digits { bits: 5, four: at_places(&BASE32_VALUES, 5), step: 8 };
const HEX_VALUES: [u8; 256] = table(b"0123456789abcdef", b"ABCDEF", 10);
pub(crate) static HEX: Digits = Digits { bits: 4, four: at_places(&HEX_VALUES, 4), step: 12 };

const fn table(digits: &[u8], others: &[u8], from: u8) -> [u8; 256] {
    let mut made = [0; 256];
    let mut value = 0_u8;
    while (value as usize) < digits.len() {
        made[digits[value as usize] as usize] = value;
        value += 1;
    }
    let mut nth = 0_u8;
    while (nth as usize) < others.len() {
        made[others[nth as usize] as usize] = from + nth;
        nth += 1;
    }
    made
}

const fn at_places(values: &[u8; 256], bits: usize) -> [[u32; 256]; 4] {
    let mut made = [[0; 256]; 4];
    let mut at = 0;
    while at < 4 * 256 {
        made[at / 256][at % 256] = (values[at % 256] as u32) << (bits * (3 - at / 256));
        at += 1;
    }
    made
}

impl Digits {
    /// Calls `see` with every text in a row of digits, and the bit in which it begins. What begins
    /// at or behind the digit `until` may be left out.
    pub(crate) fn each_text(&self, row: &[u8], until: usize, see: impl FnMut(usize, Vec<u8>)) {
        // The numbers of each as constants: the loop is unrolled for each.
        match self.bits {
            6 => self.each_text_of::<6, 4>(row, until, see),
            5 => self.each_text_of::<5, 8>(row, until, see),
            _ => self.each_text_of::<4, 2>(row, until, see),
        }
    }

    /// With digits of so many bits, in which a byte can begin in so many ways.
    fn each_text_of<const BITS: usize, const WAYS: usize>(
        &self,
        row: &[u8],
        until: usize,
        mut see: impl FnMut(usize, Vec<u8>),
    ) {
        let packed = self.packed::<BITS>(row);
        let mut done = [0_usize; WAYS];
        let mut at = 0;
        while at < until.min(row.len()) {
            let look = packed.eight(at * BITS);
            for (nth, done) in done.iter_mut().enumerate() {
                let begins = nth * (8 / WAYS);
                let six = look << begins >> 16;
                if six & HIGH != 0 {
                    continue;
                }
                let bit = at * BITS + begins;
                if *done > bit || !is_like(six) {
                    continue;
                }
                let (first, text) = packed.text_round(bit, *done);
                *done = first + 8 * text.len().max(1);
                if text.len() >= LEAST_TEXT {
                    see(first, text);
                }
            }
            at += self.step;
        }
    }

    /// All whole bytes of a row.
    pub(crate) fn bytes(&self, row: &[u8]) -> Vec<u8> {
        let Packed { mut bytes, bits } = match self.bits {
            6 => self.packed::<6>(row),
            5 => self.packed::<5>(row),
            _ => self.packed::<4>(row),
        };
        bytes.truncate(bits / 8);
        bytes
    }

    /// The bits of a row: those of eight digits are whole bytes.
    fn packed<const BITS: usize>(&self, row: &[u8]) -> Packed {
        let mut bytes = Vec::with_capacity(row.len() * BITS / 8 + 16);
        let (eights, rest) = row.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in eights {
            let bits = self.four([a, b, c, d]) << (4 * BITS) | self.four([e, f, g, h]);
            let some = (bits << (64 - 8 * BITS)).to_be_bytes();
            bytes.extend_from_slice(some.split_at(BITS).0);
        }
        let [.., values] = &self.four;
        let add = |bits: u64, digit: &u8| bits << BITS | u64::from(values[usize::from(*digit)]);
        let last = rest.iter().fold(0, add) << (63 - rest.len() * BITS) << 1;
        // Behind the last digit are zeros.
        bytes.extend_from_slice(&last.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        Packed { bytes, bits: row.len() * BITS }
    }

    #[inline]
    fn four(&self, [a, b, c, d]: [u8; 4]) -> u64 {
        let [of_a, of_b, of_c, of_d] = &self.four;
        let [a, b, c, d] = [a, b, c, d].map(usize::from);
        u64::from(of_a[a] | of_b[b] | of_c[c] | of_d[d])
    }
}

#[cfg(test)]
mod tests;
