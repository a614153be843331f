//! What this crate does to a real engine, and what it leaves: nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod images;
mod networks;
mod process;
mod standalone;
