//! `cargo xtask bench`: how long a start and the commands take, as a table and as JSON.

mod baseline;
mod commands;
mod figures;
mod start;

use crate::checkout::Checkout;

/// What to measure
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// A warm start, beside the same containers started by Docker alone, pair by pair
    Start {
        /// How many pairs
        #[arg(long, default_value_t = 20)]
        pairs: usize,
    },
    /// The commands that a person waits for
    Commands {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
}

/// Measures, prints a table and leaves the figures in `target/bench`.
pub(crate) fn run(checkout: &Checkout, bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Start { pairs } => start::run(checkout, *pairs),
        Bench::Commands { times } => commands::run(checkout, *times),
    }
}
