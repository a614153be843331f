//! What this crate does to a real engine, and what it leaves: nothing.

mod images;
mod networks;
mod process;
mod standalone;
