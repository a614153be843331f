//! The formats of credentials as their issuers publish them, and values drawn from them: real in shape
//! and random, so that none was ever anybody's. `<a:36>` are 36 letters and digits, `<h:8-40>` some of
//! hexadecimal; what carries a checksum or an encoding is made by a function.

#[path = "formats/draw.rs"]
mod draw;
#[path = "formats/table.rs"]
mod table;

pub(crate) use draw::{Drawn, value};

/// The formats of one rule.
pub(crate) fn of(rule: &str) -> impl Iterator<Item = &'static str> {
    table::FORMATS.iter().filter(move |(of, _)| *of == rule).map(|&(_, format)| format)
}
