//! Long runs of the bytes that codes are made of, and numbers in groups; both by samples, since
//! what is long covers a sample.

use std::ops::Range;

use crate::bytes::{Class, RUN, WORD};

/// Fewer encoded bytes than this hold no credential of any rule.
pub(crate) const LEAST: usize = 20;
/// Where a run is looked for: one of [`LEAST`] covers eight bytes from one such place on.
const STEP: usize = LEAST + 1 - SEEN;
const SEEN: usize = 8;
/// Where a number is looked for: one of 15 bytes covers eight from one such place on.
const NUMBER_STEP: usize = 8;

/// Of cards and accounts: capitals, digits, the space and the dash between groups.
static NUMBER: Class = Class::new(false, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -");

/// Calls `see` with every run of at least [`LEAST`] bytes that begins before `until`.
pub(crate) fn each(text: &[u8], until: usize, mut see: impl FnMut(Range<usize>)) {
    each_of(&RUN, text, until, LEAST, &mut see);
}

/// Calls `see` with every row of at least `least` bytes of a class that begins before `until`. At
/// least [`LEAST`] bytes: shorter ones might cover no sample.
pub(crate) fn each_of(
    class: &Class,
    text: &[u8],
    until: usize,
    least: usize,
    mut see: impl FnMut(Range<usize>),
) {
    let mut at = 0;
    while let Some(sample) = text.get(at..).and_then(|rest| rest.first_chunk::<SEEN>()) {
        if !is_dense(*sample) || !class.all(*sample) {
            at += STEP;
            continue;
        }
        let run = round(class, text, at);
        if run.start >= until {
            return;
        }
        at = (run.end / STEP + 1) * STEP;
        if run.len() >= least {
            see(run);
        }
    }
}

/// Several classes at once: of each byte, in which of them it is, a bit for each.
pub(crate) struct Kinds<const N: usize> {
    of: [u8; 256],
    classes: [&'static Class; N],
    least: [usize; N],
}

impl<const N: usize> Kinds<N> {
    /// With the fewest bytes of a row of each, [`LEAST`] or more.
    pub(crate) const fn new(classes: [&'static Class; N], least: [usize; N]) -> Self {
        let mut of = [0; 256];
        let mut byte = 0_u8;
        loop {
            let mut nth = 0;
            while nth < N {
                of[byte as usize] |= (classes[nth].has(byte) as u8) << nth;
                nth += 1;
            }
            if byte == u8::MAX {
                return Self { of, classes, least };
            }
            byte += 1;
        }
    }

    /// Calls `see` with the class and the place of every row of one that begins before `until`.
    pub(crate) fn each(&self, text: &[u8], until: usize, mut see: impl FnMut(usize, Range<usize>)) {
        let (mut at, mut next) = (0, [0; N]);
        // What begins before covers a sample by there.
        let last = until.saturating_add(LEAST);
        let sample = |at: usize| text.get(at..).and_then(|rest| rest.first_chunk::<SEEN>());
        while let Some(sample) = sample(at).filter(|_| at < last) {
            let all = sample.iter().fold(u8::MAX, |all, &byte| all & self.of[usize::from(byte)]);
            if all != 0 {
                for nth in (0..N).filter(|nth| all >> nth & 1 == 1) {
                    if at < next[nth] {
                        continue;
                    }
                    let run = round(self.classes[nth], text, at);
                    next[nth] = run.end;
                    if run.start < until && run.len() >= self.least[nth] {
                        see(nth, run);
                    }
                }
            }
            at += STEP;
        }
    }
}

/// All bytes of a class around a place.
fn round(class: &Class, text: &[u8], at: usize) -> Range<usize> {
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
    at - class.last(head)..at + class.first(tail)
}

/// Whether all are ASCII from the plus sign on, in one step: white space, quotes, parentheses are not.
fn is_dense(bytes: [u8; 8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const TO_HIGH: u64 = 0x0101_0101_0101_0101 * (0x80 - b'+' as u64);
    let bytes = u64::from_le_bytes(bytes);
    // No byte is carried into the next: of each only the lower seven bits are added to.
    let from_plus = (bytes & !HIGH) + TO_HIGH;
    from_plus & !bytes & HIGH == HIGH
}

/// Whether at least three of the bytes are digits.
fn has_digits(bytes: [u8; 8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const TO_HIGH: u64 = 0x0101_0101_0101_0101 * (0x80 - 10);
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let value = u64::from_le_bytes(bytes) ^ ZEROS;
    let none = ((value & !HIGH) + TO_HIGH) | value;
    // Two of them are struck out.
    let digits = !none & HIGH;
    let digits = digits & digits.wrapping_sub(1);
    digits & digits.wrapping_sub(1) != 0
}

/// Calls `see` with every word (`[A-Za-z0-9_-]`) within a run that begins before `until`.
pub(crate) fn each_word(
    text: &[u8],
    run: Range<usize>,
    until: usize,
    mut see: impl FnMut(Range<usize>),
) {
    let start = run.start;
    let bytes = text.get(run).unwrap_or_default();
    each_of(&WORD, bytes, until.saturating_sub(start), LEAST, |word| {
        see(start + word.start..start + word.end);
    });
}

/// Calls `see` with every place at which a number in groups could begin.
pub(crate) fn each_number(text: &[u8], until: usize, mut see: impl FnMut(usize)) {
    let samples = text.as_chunks::<NUMBER_STEP>().0;
    let mut nth = 0;
    while let Some(sample) = samples.get(nth) {
        if !has_digits(*sample) || !NUMBER.all(*sample) {
            nth += 1;
            continue;
        }
        let run = round(&NUMBER, text, nth * NUMBER_STEP);
        if run.start >= until {
            return;
        }
        nth = run.end / NUMBER_STEP + 1;
        each_group(text, run, &mut see);
    }
}

/// Calls `see` with every place in the end of a text at which a number could begin that goes on.
pub(crate) fn each_number_at_the_end(text: &[u8], mut see: impl FnMut(usize)) {
    each_group(text, text.len() - NUMBER.last(text)..text.len(), &mut see);
}

fn each_group(text: &[u8], number: Range<usize>, see: &mut impl FnMut(usize)) {
    let (start, number) = (number.start, text.get(number).unwrap_or_default());
    let mut before = start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
    for (nth, &byte) in number.iter().enumerate() {
        if byte.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric() {
            see(start + nth);
        }
        before = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_judged_eight_at_a_time_as_they_are_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = *b"a7+}~z0-";
                bytes[at] = byte;
                let dense = bytes.iter().all(|byte| (b'+'..0x80).contains(byte));
                assert_eq!(is_dense(bytes), dense, "{bytes:?}");
                let count = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
                assert_eq!(has_digits(bytes), count >= 3, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_run_is_found_wherever_it_stands() {
        for before in 0..40 {
            for len in 17..60 {
                let text = [vec![b' '; before], vec![b'a'; len], vec![b' '; 40]].concat();
                let mut seen = Vec::new();
                each(&text, text.len(), |run| seen.push(run));
                let expected: Vec<_> =
                    (len >= LEAST).then_some(before..before + len).into_iter().collect();
                assert_eq!(seen, expected);
            }
        }
    }

    #[test]
    fn rows_of_several_classes_are_found_as_those_of_each_alone() {
        static SMALL: Class = Class::new(false, b"abcdef");
        static DIGITS: Class = Class::new(false, b"abc0123456789");
        static KINDS: Kinds<2> = Kinds::new([&SMALL, &DIGITS], [LEAST, LEAST + 4]);
        for nth in 0..60 {
            let text = ["x".repeat(nth % 13), "abc".repeat(9), "0123".repeat(nth), "def".repeat(9)];
            let text = [text.concat(), "zz0".repeat(7)].concat().into_bytes();
            let mut seen = Vec::new();
            KINDS.each(&text, text.len(), |kind, run| seen.push((kind, run)));
            let mut alone = Vec::new();
            each_of(&SMALL, &text, text.len(), LEAST, |run| alone.push((0, run)));
            each_of(&DIGITS, &text, text.len(), LEAST + 4, |run| alone.push((1, run)));
            seen.sort_by_key(|(kind, run)| (*kind, run.start));
            assert_eq!(seen, alone, "{nth}");
        }
    }

    #[test]
    fn a_number_is_found_wherever_it_stands() {
        for before in 0..20 {
            let text = [vec![b'x'; before], b":378282246310005.".to_vec()].concat();
            let mut seen = Vec::new();
            each_number(&text, text.len(), |start| seen.push(start));
            assert_eq!(seen, [before + 1]);
        }
    }
}
