//! Finds instructions to an agent in what the agent only reads: bytes in, findings out, no IO.
//!
//! Text is looked at in one plain form, whatever letters, escapes and marks it is written with. A
//! quick search for what rules cannot do without comes first; only round that the plain form
//! is made and the rules are run.

mod filter;
mod letters;
mod plain;
mod quoted;
#[cfg(test)]
mod reference;
mod rule;
mod rules;
mod sniff;
mod spots;
mod stream;
mod words;

pub use self::rule::Finding;
pub use self::rules::names;
pub use self::sniff::{Content, sniff};
pub use self::stream::{LONGEST, Stream};
