//! `cargo xtask bench`: every figure of the product beside what it is held against, as a table and as JSON.

mod approvals;
mod baseline;
mod chain;
mod commands;
mod dashboard;
mod detection;
mod figures;
mod git;
mod ground;
mod life;
mod many;
mod memory;
mod proxy;
pub(crate) mod soak;
mod start;
mod together;

use serde_json::Value;

use crate::checkout::Checkout;

/// What to measure
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// A warm start, beside the same containers started by Docker alone, pair by pair; then bottles
    /// one after another, and at once
    Start {
        /// How many pairs
        #[arg(long, default_value_t = 20)]
        pairs: usize,
        /// Only this: so many bottles whose agent sleeps, up together and down again
        #[arg(long, value_name = "N", conflicts_with_all = ["pairs", "soak"])]
        many: Option<usize>,
        /// Only this: so many starts and stops in a row [default: 1000]
        #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000", conflicts_with = "pairs")]
        soak: Option<usize>,
    },
    /// From an agent's question to its first allowed request, and what the dashboard takes
    Approvals {
        /// Only what the dashboard takes
        #[arg(long)]
        dashboard: bool,
    },
    /// The commands that a person waits for
    Commands {
        /// How often each is run
        #[arg(long, default_value_t = 20)]
        times: usize,
    },
    /// egress and pipelock in a row beside one mitmproxy that replaces a header, and beside two nginx
    Chain {
        /// How often each row is measured
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// In a network of its own already
        #[arg(long, hide = true)]
        inside: bool,
    },
    /// What the scanner finds: recall by rule, false alarms over public packages, memory
    Detection,
    /// Clones and pushes through git-gate beside git alone, in containers on one network
    Git {
        /// How often each is measured
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// pipelock beside mitmproxy and beside no proxy: the same client, origin and work
    Proxy {
        /// How often each row is measured
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// In a network of its own already
        #[arg(long, hide = true)]
        inside: bool,
    },
}

/// Measures, prints a table and leaves the figures in `target/bench`.
pub(crate) fn run(checkout: &Checkout, bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Start { many: Some(many), .. } => many::run(checkout, *many),
        Bench::Start { soak: Some(soak), .. } => soak::run(checkout, *soak),
        Bench::Start { pairs, .. } => start::run(checkout, *pairs),
        Bench::Approvals { dashboard } => approvals::run(checkout, *dashboard),
        Bench::Commands { times } => commands::run(checkout, *times),
        Bench::Chain { rounds, inside } => chain::run(checkout, *rounds, *inside),
        Bench::Detection => detection::run(checkout),
        Bench::Git { rounds } => git::run(checkout, *rounds),
        Bench::Proxy { rounds, inside } => proxy::run(checkout, *rounds, *inside),
    }
}

/// Leaves what was measured where whoever compares runs finds it.
fn keep(checkout: &Checkout, name: &str, figures: &Value) -> anyhow::Result<()> {
    let folder = checkout.target.join("bench");
    fs_err::create_dir_all(&folder)?;
    Ok(fs_err::write(folder.join(format!("{name}.json")), figures.to_string())?)
}
