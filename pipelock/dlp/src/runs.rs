//! Long runs of the bytes that codes are made of, and numbers in groups; both by samples, since
//! what is long covers a sample.

use std::ops::Range;

/// Fewer encoded bytes than this hold no credential of any rule.
pub(crate) const LEAST: usize = 20;
/// Where a run is looked for: one of [`LEAST`] covers five bytes from one such place on.
const STEP: usize = 16;
const SEEN: usize = LEAST - STEP + 1;
/// Where a number is looked for: one of 15 bytes covers eight from one such place on.
const NUMBER_STEP: usize = 8;

/// `[A-Za-z0-9+/=_-]`.
pub(crate) fn is_run(byte: u8) -> bool {
    RUN[usize::from(byte)]
}

static RUN: [bool; 256] = table(b"+/=_-");
static WORD: [bool; 256] = table(b"_-");
/// Of cards and accounts: capitals, digits, the space and the dash between groups.
static NUMBER: [bool; 256] = {
    let mut made = [false; 256];
    let mut c = 0_u8;
    while c < 128 {
        made[c as usize] = c.is_ascii_uppercase() || c.is_ascii_digit() || c == b' ' || c == b'-';
        c += 1;
    }
    made
};

const fn table(more: &[u8]) -> [bool; 256] {
    let mut made = [false; 256];
    let mut c = 0_u8;
    while c < 128 {
        made[c as usize] = c.is_ascii_alphanumeric();
        c += 1;
    }
    let mut at = 0;
    while at < more.len() {
        made[more[at] as usize] = true;
        at += 1;
    }
    made
}

/// Calls `see` with every run of at least [`LEAST`] bytes.
pub(crate) fn each(text: &[u8], mut see: impl FnMut(Range<usize>)) {
    let mut at = 0;
    while let Some(sample) = text.get(at..at + SEEN) {
        if !sample.iter().all(|&byte| is_run(byte)) {
            at += STEP;
            continue;
        }
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
        let start = at - head.iter().rev().take_while(|&&byte| is_run(byte)).count();
        let end = at + tail.iter().take_while(|&&byte| is_run(byte)).count();
        if end - start >= LEAST {
            see(start..end);
        }
        at = (end / STEP + 1) * STEP;
    }
}

/// Calls `see` with every word (`[A-Za-z0-9_-]`) within a run.
pub(crate) fn each_word(text: &[u8], run: Range<usize>, mut see: impl FnMut(Range<usize>)) {
    let mut start = run.start;
    let bytes = text.get(run.clone()).unwrap_or_default();
    for word in bytes.split(|&byte| !WORD[usize::from(byte)]) {
        if word.len() >= LEAST {
            see(start..start + word.len());
        }
        start += word.len() + 1;
    }
}

/// Calls `see` with every place at which a number in groups could begin.
pub(crate) fn each_number(text: &[u8], mut see: impl FnMut(usize)) {
    let of_number = |&byte: &u8| NUMBER[usize::from(byte)];
    let mut at = 0;
    while let Some(sample) = text.get(at..at + NUMBER_STEP) {
        let [first, second, ..] = sample else { return };
        let digits = || sample.iter().filter(|byte| byte.is_ascii_digit()).count();
        if !of_number(first) || !of_number(second) || !sample.iter().all(of_number) || digits() < 3
        {
            at += NUMBER_STEP;
            continue;
        }
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
        let start = at - head.iter().rev().take_while(|byte| of_number(byte)).count();
        let end = at + tail.iter().take_while(|byte| of_number(byte)).count();
        let number = text.get(start..end).unwrap_or_default();
        let mut before = start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
        for (nth, &byte) in number.iter().enumerate() {
            if byte.is_ascii_alphanumeric() && !before.is_ascii_alphanumeric() {
                see(start + nth);
            }
            before = byte;
        }
        at = (end / NUMBER_STEP + 1) * NUMBER_STEP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_wherever_it_stands() {
        for before in 0..40 {
            for len in 17..60 {
                let text = [vec![b' '; before], vec![b'a'; len], vec![b' '; 40]].concat();
                let mut seen = Vec::new();
                each(&text, |run| seen.push(run));
                let expected: Vec<_> =
                    (len >= LEAST).then_some(before..before + len).into_iter().collect();
                assert_eq!(seen, expected);
            }
        }
    }

    #[test]
    fn a_number_is_found_wherever_it_stands() {
        for before in 0..20 {
            let text = [vec![b'x'; before], b":378282246310005.".to_vec()].concat();
            let mut seen = Vec::new();
            each_number(&text, |start| seen.push(start));
            assert_eq!(seen, [before + 1]);
        }
    }
}
