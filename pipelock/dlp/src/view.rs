//! The ways in which a credential is written other than plainly, each looked through.

use crate::decode;
use crate::set::{Hit, Rules};

/// How often a decoded text is decoded again.
const DEPTH: usize = 3;
/// Fewer encoded bytes than this hold no credential of any rule.
const LEAST: usize = 20;

/// What the callers of this module are told: what was found, and how it was written.
pub(crate) type See<'a> = &'a mut dyn FnMut(Hit, &'static str);

/// Looks through every encoded run of a settled text.
pub(crate) fn each(rules: &Rules, text: &[u8], see: See<'_>) {
    through(rules, text, DEPTH, see);
}

fn through(rules: &Rules, text: &[u8], depth: usize, see: See<'_>) {
    if depth == 0 {
        return;
    }
    each_run(text, &mut |start, run, marks| {
        let end = start + run.len();
        for (encoding, decoded) in decodings(run, marks) {
            within(rules, &decoded, depth, &mut |hit| see(Hit { start, end, ..hit }, encoding));
        }
    });
    for (encoding, rewritten) in rewritings(text) {
        let len = text.len();
        within(rules, &rewritten, depth, &mut |hit| {
            see(Hit { start: 0, end: len, ..hit }, encoding);
        });
    }
}

/// What a decoded text holds, plainly or encoded once more.
fn within(rules: &Rules, decoded: &[u8], depth: usize, see: &mut dyn FnMut(Hit)) {
    for hit in rules.pass(decoded, false).hits {
        see(hit);
    }
    through(rules, decoded, depth - 1, &mut |hit, _| see(hit));
}

/// What the bytes of a run are, as bits: which decoders can have a say.
mod mark {
    pub(super) const UPPER: u8 = 1;
    pub(super) const LOWER: u8 = 2;
    pub(super) const DIGIT: u8 = 4;
    pub(super) const BEYOND_HEX: u8 = 8;
    pub(super) const PERCENT: u8 = 16;
    pub(super) const BEYOND_BASE64: u8 = 32;
    pub(super) const SIGN: u8 = 64;
    pub(super) const RUN: u8 = 128;
}

/// The marks of every byte; 0 for what ends a run.
static MARKS: [u8; 256] = {
    let mut table = [0; 256];
    let mut c = 0_u8;
    while c < 128 {
        table[c as usize] = mark::RUN
            | match c {
                b'A'..=b'F' => mark::UPPER,
                b'G'..=b'Z' => mark::UPPER | mark::BEYOND_HEX,
                b'a'..=b'f' => mark::LOWER,
                b'g'..=b'z' => mark::LOWER | mark::BEYOND_HEX,
                b'0'..=b'9' => mark::DIGIT,
                b'+' | b'/' | b'-' | b'_' | b'=' => mark::SIGN | mark::BEYOND_HEX,
                b'%' => mark::PERCENT | mark::BEYOND_HEX | mark::BEYOND_BASE64,
                b'.' | b'~' | b'*' | b':' | b'&' => mark::BEYOND_HEX | mark::BEYOND_BASE64,
                _ => 0,
            };
        if table[c as usize] == mark::RUN {
            table[c as usize] = 0;
        }
        c += 1;
    }
    table
};

fn each_run(text: &[u8], see: &mut dyn FnMut(usize, &[u8], u8)) {
    let (mut start, mut marks) = (0, 0);
    for (at, &byte) in text.iter().enumerate() {
        let of_byte = MARKS[usize::from(byte)];
        if of_byte == 0 {
            if at - start >= LEAST {
                see(start, text.get(start..at).unwrap_or_default(), marks);
            }
            (start, marks) = (at + 1, 0);
        } else {
            marks |= of_byte;
        }
    }
    if text.len() >= start + LEAST {
        see(start, text.get(start..).unwrap_or_default(), marks);
    }
}

/// Everything a run may be, decoded. A run of one case without a digit is a name, not a code.
fn decodings(run: &[u8], marks: u8) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    let mut push = |encoding, decoded: Option<Vec<u8>>| {
        found.extend(decoded.map(|decoded| (encoding, decoded)));
    };
    if marks & mark::PERCENT != 0 {
        push("percent", decode::percent(run));
    }
    if marks & mark::BEYOND_BASE64 != 0 {
        // The parts of a run such as `key:AAAA` or `a=b&c=AAAA`, each looked at alone.
        for part in run.split(|&b| matches!(b, b'%' | b'.' | b'~' | b'*' | b':' | b'&')) {
            let marks = part.iter().fold(0, |marks, &b| marks | MARKS[usize::from(b)]);
            if part.len() >= LEAST {
                codes(part, marks, &mut push);
            }
        }
    } else {
        codes(run, marks, &mut push);
    }
    found
}

fn codes(run: &[u8], marks: u8, push: &mut dyn FnMut(&'static str, Option<Vec<u8>>)) {
    let mixed = marks & mark::UPPER != 0 && marks & (mark::LOWER | mark::DIGIT) != 0;
    if marks & mark::BEYOND_HEX == 0 && marks & mark::DIGIT != 0 {
        push("hex", decode::hex(run));
    }
    if mixed && marks & mark::LOWER == 0 {
        push("base32", decode::base32(run));
    }
    if mixed {
        // It may begin in the middle of a run; of its four beginnings one is right.
        for shift in 0..4 {
            push("base64", run.get(shift..).and_then(decode::base64));
        }
        for part in run.split(|&b| b == b'=').skip(1).filter(|part| part.len() >= LEAST) {
            push("base64", decode::base64(part));
        }
    }
}

/// The text as a whole, written differently: each only where its mark is there at all.
fn rewritings(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    if decode::has_json_escape(text) {
        found.push(("json", decode::json_escapes(text)));
    }
    if decode::has_wide_units(text) {
        found.push(("utf-16", text.iter().copied().filter(|&byte| byte != 0).collect()));
    }
    if let Some(folded) = decode::folded(text) {
        found.push(("unicode", folded));
    }
    found
}

#[cfg(test)]
mod tests;
