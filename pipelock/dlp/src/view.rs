//! The ways in which a credential is written other than plainly, each looked through.

use crate::bytes::Class;
use crate::digits::{self, BASE32, BASE64, Digits, HEX};
use crate::places::{Origin, Places};
use crate::rewrite;
use crate::rows::Row;
use crate::runs::{Kinds, LEAST};
use crate::set::{Hit, Part, Pass, Rules};

/// Fewer digits of hexadecimal or base32 than these hold too little text.
const LEAST_HEX: usize = 2 * digits::LEAST_TEXT;
const LEAST_BASE32: usize = LEAST;

static OF_HEX: Class = Class::new(false, b"0123456789abcdefABCDEF");
static OF_BASE32: [Class; 2] = [
    Class::new(false, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    Class::new(false, b"abcdefghijklmnopqrstuvwxyz234567"),
];

/// Their rows within one of base64.
static CODES: Kinds<3> =
    Kinds::new([&OF_HEX, &OF_BASE32[0], &OF_BASE32[1]], [LEAST_HEX, LEAST_BASE32, LEAST_BASE32]);

/// Looks through a row of `[A-Za-z0-9+/=_-]` for text that is encoded in it.
pub(crate) fn row(rules: &Rules, row: &Row<'_>, depth: usize, pass: &mut Pass) {
    let mut skip = 0;
    while let Some(rest) = row.digits.get(skip..).filter(|_| skip < row.until) {
        let len = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        if let Some(part) = rest.get(..len).filter(|part| part.len() >= LEAST) {
            coded(rules, (&BASE64, "base64"), (row, part, skip), depth, pass);
        }
        skip += len + 1;
    }
    CODES.each(row.digits, row.until, |nth, run| {
        let how = [(&HEX, "hex"), (&BASE32, "base32"), (&BASE32, "base32")][nth];
        let part = row.digits.get(run.clone()).unwrap_or_default();
        coded(rules, how, (row, part, run.start), depth, pass);
    });
    if row.run().is_none()
        && let Some(own) = rules.own()
    {
        // A key in lines, as PEM has it, is known by its digits alone.
        let place = row.origin.digits(0);
        own.each(row.digits, row.until, |secret, at, len| {
            pass.own(secret, place(at)..place(at + len - 1) + 1);
        });
    }
}

/// Part of a row, from the digit `skip` on, in one way of writing.
fn coded(
    rules: &Rules,
    (how, encoding): (&Digits, &'static str),
    (row, part, skip): (&Row<'_>, &[u8], usize),
    depth: usize,
    pass: &mut Pass,
) {
    how.each_text(part, row.until.saturating_sub(skip), |bit, text| {
        let origin: Origin<'_> = row.origin;
        let first_bit = bit + skip * how.bits;
        let places = Places::Digits { origin, bits: how.bits, first_bit };
        // What begins behind the last digit that is asked for is told when those are.
        let until = (row.until * how.bits).saturating_sub(first_bit).div_ceil(8);
        within(rules, (&text, until), &places, encoding, depth, pass);
    });
}

/// Parts of a text that are written differently: percent-encoding, escapes, 16-bit units, letters of
/// other scripts. Each is looked for by a byte that it cannot do without.
pub(crate) fn rewritten(rules: &Rules, text: &[u8], until: usize, depth: usize, pass: &mut Pass) {
    let mut inside = |encoding, decoded: Vec<u8>, places: Vec<usize>| {
        // A policy's own rules may be of any length.
        if decoded.len() >= digits::LEAST_TEXT || rules.has_custom() {
            let until = decoded.len();
            within(rules, (&decoded, until), &Places::Each(places), encoding, depth, pass);
        }
    };
    rewrite::each_percent(text, until, |text, places| inside("percent", text, places));
    rewrite::each_escape(text, until, |text, places| inside("json", text, places));
    rewrite::each_wide(text, until, |text, places| inside("utf-16", text, places));
    rewrite::each_folded(text, until, |text, places| inside("unicode", text, places));
}

/// What a decoded text holds, told at the places where it was encoded.
fn within(
    rules: &Rules,
    (decoded, until): (&[u8], usize),
    places: &Places<'_>,
    encoding: &'static str,
    depth: usize,
    pass: &mut Pass,
) {
    let mut inner = Pass::default();
    let part = Part { text: decoded, until: until.min(decoded.len()), more: false, depth };
    rules.pass(part, &mut inner);
    pass.hits.extend(inner.hits.into_iter().map(|hit| Hit {
        start: places.start(hit.start),
        end: places.end(hit.end),
        encoding,
        ..hit
    }));
}

#[cfg(test)]
mod tests;
