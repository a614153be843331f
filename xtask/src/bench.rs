//! `cargo xtask bench`: how long a start and the commands take.

use crate::checkout::Checkout;

/// What to measure
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// A warm start, beside the same containers started by Docker alone
    Start,
}

pub(crate) fn run(_checkout: &Checkout, _bench: &Bench) -> anyhow::Result<()> {
    anyhow::bail!("nothing to measure yet")
}
