//! The model in process, asked over TLS on a port of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod model;
