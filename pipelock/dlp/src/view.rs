//! The ways in which a credential is written other than plainly, each looked through.

use std::ops::Range;

use crate::decode::{self, Mapped};
use crate::runs::LEAST;
use crate::set::{Hit, Pass, Rules};

/// The most digits of base64 that are decoded for one anchor: what a stream holds back.
const MOST: usize = crate::MAX_HELD;
/// How much of a code is decoded to see whether it is text: a sample every so many digits.
const SAMPLE_STEP: usize = 16;

/// What stands in base64 where an anchor of that rule was seen: `at` its first digit that is its
/// own, `skip` the byte of the group in which it begins, `before` the group's digits before `at`.
pub(crate) fn in_base64(
    rules: &Rules,
    rule: usize,
    text: &[u8],
    (at, skip, before): (usize, usize, usize),
) -> Option<Hit> {
    let group = at.checked_sub(before)?;
    // A look first: nearly all that is found here by chance decodes to noise.
    let look = text.get(group..group + 16)?.as_chunks::<4>().0;
    let all_text = |&group: &[u8; 4]| decode::four(group).iter().all(|&byte| is_text(byte));
    if !look.iter().skip(1).all(all_text) {
        return None;
    }
    let back =
        text.get(..group)?.rchunks(4).take(8).take_while(|four| {
            four.len() == 4 && four.iter().all(|&digit| decode::is_base64(digit))
        });
    let start = group - 4 * back.count();
    let digits = text.get(start..)?.iter().take(MOST);
    let end = start + digits.take_while(|&&digit| decode::is_base64(digit)).count();
    let decoded = decode::base64(text.get(start..end)?)?;
    let mut pass = Pass::default();
    rules.try_at(rule, &decoded, (group - start) / 4 * 3 + skip, false, &mut pass);
    let hit = pass.hits.pop()?;
    let place = Mapped::digits(start, 6);
    Some(Hit { start: place.start(hit.start), end: place.end(hit.end), encoding: "base64", ..hit })
}

/// Looks through a run of `[A-Za-z0-9+/=_-]` for text that is encoded in it.
pub(crate) fn run(rules: &Rules, text: &[u8], run: Range<usize>, depth: usize, pass: &mut Pass) {
    let bytes = text.get(run.clone()).unwrap_or_default();
    let mut start = run.start;
    for part in bytes.split(|&byte| byte == b'=') {
        if part.len() >= LEAST {
            code(rules, part, start, depth, pass);
        }
        start += part.len() + 1;
    }
}

fn code(rules: &Rules, part: &[u8], start: usize, depth: usize, pass: &mut Pass) {
    let kind = Kind::of(part);
    let mut inside = |encoding, bits, shift, decoded: Option<Vec<u8>>| {
        if let Some(decoded) = decoded {
            let place = Mapped::digits(start + shift, bits);
            within(rules, &decoded, &place, encoding, depth, pass);
        }
    };
    if kind.hex {
        for shift in 0..2 {
            if samples(part, shift, 12).any(|some| decode::hex(some).is_some_and(|d| is_like(&d))) {
                inside("hex", 4, shift, part.get(shift..).and_then(decode::hex));
            }
        }
    }
    if kind.base32 {
        let upper = part.to_ascii_uppercase();
        for shift in 0..8 {
            inside("base32", 5, shift, upper.get(shift..).and_then(decode::base32));
        }
    }
    if kind.base64 {
        for shift in 0..4 {
            if samples(part, shift, 24).any(looks_like_text) {
                inside("base64", 6, shift, part.get(shift..).and_then(decode::base64));
            }
        }
    }
}

fn samples(part: &[u8], shift: usize, len: usize) -> impl Iterator<Item = &[u8]> {
    (shift..part.len())
        .step_by(SAMPLE_STEP)
        .map(move |at| part.get(at..at + len).or_else(|| part.get(at..)).unwrap_or_default())
}

/// Whether digits of base64 are text: the first four, the next four, and then the rest.
fn looks_like_text(digits: &[u8]) -> bool {
    let groups = digits.as_chunks::<4>().0;
    groups.len() >= 2
        && groups.iter().take(2).all(|&group| may_be_text(decode::four(group)))
        && decode::base64(digits).is_some_and(|all| is_like(&all))
}

/// Three bytes of text, or of text in 16-bit units: then every other one is a zero.
fn may_be_text([a, b, c]: [u8; 3]) -> bool {
    match (is_text(a), is_text(b), is_text(c)) {
        (true, true, true) => true,
        (true, false, true) => b == 0,
        (false, true, false) => a == 0 && c == 0,
        _ => false,
    }
}

/// Text, plainly or in 16-bit units.
fn is_like(bytes: &[u8]) -> bool {
    let wide = |odd: usize| {
        bytes.iter().enumerate().all(|(at, &b)| if at % 2 == odd { b == 0 } else { is_text(b) })
    };
    bytes.iter().all(|&byte| is_text(byte)) || wide(0) || wide(1)
}

fn is_text(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') < 95) | matches!(byte, b'\n' | b'\r' | b'\t')
}

/// Which codes a part can be at all.
#[derive(Clone, Copy, Debug)]
struct Kind {
    hex: bool,
    base32: bool,
    base64: bool,
}

impl Kind {
    fn of(part: &[u8]) -> Self {
        let marks = part.iter().fold(0, |marks, &byte| marks | MARKS[usize::from(byte)]);
        let has = |mark: u8| marks & mark != 0;
        let one_case = has(mark::UPPER) != has(mark::LOWER);
        Self {
            hex: has(mark::DIGIT) && !has(mark::BEYOND_HEX),
            base32: has(mark::DIGIT) && one_case && !has(mark::BEYOND_BASE32),
            base64: has(mark::UPPER) && (has(mark::LOWER) || has(mark::DIGIT)),
        }
    }
}

mod mark {
    pub(super) const UPPER: u8 = 1;
    pub(super) const LOWER: u8 = 2;
    pub(super) const DIGIT: u8 = 4;
    pub(super) const BEYOND_HEX: u8 = 8;
    pub(super) const BEYOND_BASE32: u8 = 16;
}

static MARKS: [u8; 256] = {
    let mut made = [mark::BEYOND_HEX | mark::BEYOND_BASE32; 256];
    let mut c = 0_u8;
    while c < 128 {
        made[c as usize] = match c {
            b'A'..=b'F' => mark::UPPER,
            b'G'..=b'Z' => mark::UPPER | mark::BEYOND_HEX,
            b'a'..=b'f' => mark::LOWER,
            b'g'..=b'z' => mark::LOWER | mark::BEYOND_HEX,
            b'2'..=b'7' => mark::DIGIT,
            b'0'..=b'9' => mark::DIGIT | mark::BEYOND_BASE32,
            _ => mark::BEYOND_HEX | mark::BEYOND_BASE32,
        };
        c += 1;
    }
    made
};

/// Parts of a text that are written differently: percent-encoding, JSON's escapes, 16-bit units,
/// letters of other scripts. Each is looked for by a byte that it cannot do without.
pub(crate) fn rewritten(rules: &Rules, text: &[u8], depth: usize, pass: &mut Pass) {
    let mut inside = |encoding, (decoded, place): (Vec<u8>, Mapped)| {
        if decoded.len() >= LEAST.min(15) {
            within(rules, &decoded, &place, encoding, depth, pass);
        }
    };
    decode::each_percent(text, |found| inside("percent", found));
    decode::each_escape(text, |found| inside("json", found));
    decode::each_wide(text, |found| inside("utf-16", found));
    if !text.is_ascii() {
        decode::each_folded(text, |found| inside("unicode", found));
    }
}

/// What a decoded text holds, told at the places where it was encoded.
fn within(
    rules: &Rules,
    decoded: &[u8],
    place: &Mapped,
    encoding: &'static str,
    depth: usize,
    pass: &mut Pass,
) {
    let mut inner = Pass::default();
    rules.through(decoded, false, depth, &mut inner);
    pass.hits.extend(inner.hits.into_iter().map(|hit| Hit {
        start: place.start(hit.start),
        end: place.end(hit.end),
        encoding,
        ..hit
    }));
}

/// Where a word that holds this byte begins and ends.
pub(crate) fn word_round(text: &[u8], at: usize) -> Range<usize> {
    let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
    let of_word = |byte: &&u8| !matches!(byte, 0..=b' ' | b'"' | b'\'' | b'<' | b'>' | b'`');
    let start = at - head.iter().rev().take(MOST).take_while(of_word).count();
    let end = at + tail.iter().take(MOST).take_while(of_word).count();
    start..end.max(at + 1)
}

#[cfg(test)]
mod tests;
