//! Mints the root that one bottle trusts and issues its leaves: the only home of certificates.
//!
//! This crate does no IO and asks no clock: time is an argument, files are values.

mod authority;
mod der;
mod sec1;

pub use self::authority::{Authority, CaError, Leaf, Subject};

/// The root's certificate, in a sidecar's folder.
pub const CERTIFICATE_FILE: &str = "ca.pem";
/// The root's key, in a sidecar's folder.
pub const KEY_FILE: &str = "ca-key.pem";
