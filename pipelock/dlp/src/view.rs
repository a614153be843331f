//! The ways in which a credential is written other than plainly, each looked through.

use crate::decode;
use crate::set::{Hit, Rules};

/// How often a decoded text is decoded again.
const DEPTH: usize = 3;
/// Fewer encoded bytes than this hold no credential of any rule.
const LEAST: usize = 20;

type Decoder = fn(&[u8]) -> Option<Vec<u8>>;
type Alphabet = fn(u8) -> bool;

/// What a run of an alphabet may be decoded as.
const RUNS: [(&str, Alphabet, Decoder); 4] = [
    ("base64", is_base64, decode::base64),
    ("hex", is_hex, decode::hex),
    ("base32", is_base32, decode::base32),
    ("percent", is_percent, decode::percent),
];

/// Looks through every encoded run of a settled text.
pub(crate) fn each(rules: &Rules, text: &[u8], see: &mut impl FnMut(Hit, &'static str)) {
    through(rules, text, DEPTH, &mut |hit, encoding| see(hit, encoding));
}

fn through(rules: &Rules, text: &[u8], depth: usize, see: &mut dyn FnMut(Hit, &'static str)) {
    if depth == 0 {
        return;
    }
    for (encoding, of_alphabet, decoder) in RUNS {
        for (start, end) in runs(text, of_alphabet) {
            let run = text.get(start..end).unwrap_or_default();
            for shift in shifts(encoding, run) {
                let Some(decoded) = run.get(shift..).and_then(decoder) else { continue };
                within(rules, &decoded, depth, &mut |hit| {
                    see(Hit { start, end, ..hit }, encoding);
                });
            }
        }
    }
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

/// Base64 may begin in the middle of a run; of its four beginnings one is right.
fn shifts(encoding: &str, run: &[u8]) -> std::ops::Range<usize> {
    if encoding == "base64" { 0..4.min(run.len()) } else { 0..1 }
}

fn runs(text: &[u8], of_alphabet: fn(u8) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, &byte) in text.iter().enumerate() {
        match (of_alphabet(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                if at - from >= LEAST {
                    found.push((from, at));
                }
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    if let Some(from) = start.filter(|from| text.len() - from >= LEAST) {
        found.push((from, text.len()));
    }
    found
}

/// The text as a whole, written differently: each only where its mark is there at all.
fn rewritings(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut found = Vec::new();
    if text.windows(2).any(|pair| pair == b"\\u" || pair == b"\\/") {
        found.push(("json", decode::json_escapes(text)));
    }
    if text.contains(&0) {
        found.push(("utf-16", text.iter().copied().filter(|&byte| byte != 0).collect()));
    }
    if text.iter().any(|&byte| byte >= 0xc2) {
        let folded = decode::folded(text);
        if folded != text {
            found.push(("unicode", folded));
        }
    }
    found
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7' | b'=')
}

/// A run with percent signs: what URLs and forms hold.
fn is_percent(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'%' | b'-' | b'_' | b'.' | b'~' | b'+' | b'*' | b'/' | b':' | b'=' | b'&'
        )
}

#[cfg(test)]
mod tests;
