//! Finds credentials in streams of bytes.
//!
//! Bytes in, findings out: this crate does no IO, and no finding carries the value it found.

mod alive;
mod bytes;
mod check;
#[cfg(test)]
mod chunks;
mod custom;
mod digits;
#[cfg(test)]
mod drawn;
mod filter;
mod own;
mod places;
mod published;
mod rewrite;
mod rows;
mod rule;
mod rules;
mod runs;
mod seed;
mod set;
mod shape;
mod stream;
mod view;

pub use self::custom::{Custom, InvalidExpression, LONGEST_EXPRESSION, Validator};
pub use self::own::{Fingerprint, Key, LEAST as LEAST_SECRET, Own};
pub use self::rule::Severity;
pub use self::set::{Finding, Rules};
pub use self::stream::{MAX_HELD, Stream};
