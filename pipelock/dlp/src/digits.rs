//! Text that is written in digits: base64, base32, hexadecimal. Wherever in a row of digits it begins,
//! and whatever stands around it: a byte of ASCII has its highest bit clear, six of them in a row are
//! seen by one mask, and only then is anything decoded.

use crate::bytes::{Class, is_text};

/// A way of writing bits as digits.
pub(crate) struct Digits {
    /// How many bits a digit has.
    pub(crate) bits: usize,
    /// The value of each digit; 0 also of what is none, which is never asked for.
    values: [u8; 256],
    /// The same at each place of four in a row.
    four: [[u32; 256]; 4],
    /// Digits from one look to the next: whole bytes of all their beginnings.
    step: usize,
    /// Where in the look the first byte can begin.
    beginnings: &'static [usize],
}

/// How many bytes are looked at together.
const LOOK: usize = 6;
const HIGH: u64 = 0x8080_8080_8080;
/// Less text than this in a row holds no credential.
pub(crate) const LEAST_TEXT: usize = 12;

const BASE64_VALUES: [u8; 256] =
    table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", b"-_", 62);
pub(crate) static BASE64: Digits = Digits {
    bits: 6,
    values: BASE64_VALUES,
    four: at_places(&BASE64_VALUES, 6),
    step: 8,
    beginnings: &[0, 2, 4, 6],
};
const BASE32_VALUES: [u8; 256] =
    table(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz", 0);
pub(crate) static BASE32: Digits = Digits {
    bits: 5,
    values: BASE32_VALUES,
    four: at_places(&BASE32_VALUES, 5),
    step: 8,
    beginnings: &[0, 1, 2, 3, 4, 5, 6, 7],
};
const HEX_VALUES: [u8; 256] = table(b"0123456789abcdef", b"ABCDEF", 10);
pub(crate) static HEX: Digits = Digits {
    bits: 4,
    values: HEX_VALUES,
    four: at_places(&HEX_VALUES, 4),
    step: 12,
    beginnings: &[0, 4],
};

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
            6 => self.each_text_of::<6, 9>(row, until, see),
            5 => self.each_text_of::<5, 11>(row, until, see),
            _ => self.each_text_of::<4, 13>(row, until, see),
        }
    }

    /// With digits of so many bits, looking at so many of them: six bytes from every beginning.
    fn each_text_of<const BITS: usize, const WINDOW: usize>(
        &self,
        row: &[u8],
        until: usize,
        mut see: impl FnMut(usize, Vec<u8>),
    ) {
        let mut done = [0_usize; 8];
        let total = WINDOW * BITS;
        let mut at = 0;
        while at < until.min(row.len()) {
            let look = self.look::<BITS, WINDOW>(row, at);
            for (nth, &begins) in self.beginnings.iter().enumerate() {
                let six = look >> (total - begins - 8 * LOOK);
                if six & HIGH != 0 {
                    continue;
                }
                let bit = at * BITS + begins;
                let Some(done) = done.get_mut(nth).filter(|done| **done <= bit) else { continue };
                if !is_like(six) {
                    continue;
                }
                let (first, text) = self.text_round::<BITS, WINDOW>(row, bit, *done);
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
        (0..row.len() * self.bits).step_by(8).map_while(|bit| self.byte(row, bit)).collect()
    }

    /// The bits of the digits from there on; behind the last they are zeros.
    #[inline]
    fn look<const BITS: usize, const WINDOW: usize>(&self, row: &[u8], at: usize) -> u64 {
        let rest = row.get(at..).unwrap_or_default();
        let add = |bits, &digit: &u8| bits << BITS | u64::from(self.values[usize::from(digit)]);
        if let Some(all) = rest.first_chunk::<WINDOW>() {
            let (fours, rest) = all.as_chunks::<4>();
            let bits = fours.iter().fold(0, |bits, four| bits << (4 * BITS) | self.four(*four));
            return rest.iter().fold(bits, add);
        }
        rest.iter().fold(0, add) << ((WINDOW - rest.len()) * BITS)
    }

    #[inline]
    fn four(&self, [a, b, c, d]: [u8; 4]) -> u64 {
        let [of_a, of_b, of_c, of_d] = &self.four;
        let [a, b, c, d] = [a, b, c, d].map(usize::from);
        u64::from(of_a[a] | of_b[b] | of_c[c] | of_d[d])
    }

    /// All the text in which the byte of that bit stands, back to the bit `from`.
    fn text_round<const BITS: usize, const WINDOW: usize>(
        &self,
        row: &[u8],
        bit: usize,
        from: usize,
    ) -> (usize, Vec<u8>) {
        let mut first = bit;
        while let Some(before) = first.checked_sub(8).filter(|before| *before >= from) {
            if !self.byte(row, before).is_some_and(is_written) {
                break;
            }
            first = before;
        }
        (first, self.text_from::<BITS, WINDOW>(row, first))
    }

    /// The text that begins in that bit: as many bytes in one step as whole digits hold, then one by one.
    fn text_from<const BITS: usize, const WINDOW: usize>(&self, row: &[u8], bit: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(64);
        let (step, skip) = (self.step * BITS / 8, bit % BITS);
        let mut at = bit / BITS;
        while row.len() - at.min(row.len()) >= WINDOW {
            let look = self.look::<BITS, WINDOW>(row, at);
            let bytes = (look << (64 - WINDOW * BITS + skip)).to_be_bytes();
            let Some(bytes) = bytes.get(..step).filter(|some| WRITTEN.has_all(some)) else { break };
            text.extend_from_slice(bytes);
            at += self.step;
        }
        let mut bit = at * BITS + skip;
        while let Some(byte) = self.byte(row, bit).filter(|byte| is_written(*byte)) {
            text.push(byte);
            bit += 8;
        }
        text
    }

    /// The byte that begins in that bit.
    #[inline]
    fn byte(&self, row: &[u8], bit: usize) -> Option<u8> {
        let (digit, skip) = (bit / self.bits, bit % self.bits);
        let count = (skip + 8).div_ceil(self.bits);
        let digits = row.get(digit..digit + count)?;
        let bits = digits.iter().fold(0_u32, |bits, &digit| {
            bits << self.bits | u32::from(self.values[usize::from(digit)])
        });
        Some((bits >> (count * self.bits - skip - 8) & 0xff) as u8)
    }
}

static WRITTEN: Class = Class::new(true, b"\0\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

/// Text, or the zeros of text in 16-bit units.
const fn is_written(byte: u8) -> bool {
    is_text(byte) || byte == 0
}

/// Six bytes of text, plainly or in 16-bit units.
fn is_like(six: u64) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(digits: &Digits, bytes: &[u8], alphabet: &[u8]) -> Vec<u8> {
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let value = |nth: usize| {
            (0..digits.bits).fold(0, |value, at| value << 1 | bit(nth * digits.bits + at))
        };
        let count = (bytes.len() * 8).div_ceil(digits.bits);
        (0..count).map(|nth| alphabet[usize::from(value(nth))]).collect()
    }

    #[test]
    fn what_is_written_is_one_class_in_one_step_and_one_by_one() {
        assert!((0..=u8::MAX).all(|byte| WRITTEN.has(byte) == is_written(byte)));
    }

    #[test]
    fn text_is_seen_wherever_it_begins_in_digits_of_any_kind() {
        const TEXT: &[u8] = b"fifteen letters";
        let all: [(&Digits, &[u8]); 3] = [
            (&BASE64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            (&BASE32, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            (&HEX, b"0123456789ABCDEF"),
        ];
        for (digits, alphabet) in all {
            for before in 0..40 {
                let noise = vec![0xf5; before];
                let bytes = [&noise, TEXT, &[0xff; 9]].concat();
                for shift in 0..8 {
                    let some = vec![alphabet[alphabet.len() - 1]; shift];
                    let row = [some, written(digits, &bytes, alphabet)].concat();
                    let mut seen = Vec::new();
                    digits.each_text(&row, row.len(), |bit, text| seen.push((bit, text)));
                    let bit = shift * digits.bits + before * 8;
                    assert!(seen.contains(&(bit, TEXT.to_vec())), "{before} {shift} {seen:?}");
                }
            }
        }
    }
}
