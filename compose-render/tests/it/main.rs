//! What leaves this crate: the rendered compose files, reviewed as snapshots.

mod profile;
