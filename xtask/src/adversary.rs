//! `cargo xtask adversary`: every row of the threat model, what was sent, what came back.
//!
//! A test belongs to a row by its name (`a1_…`). `--prove` switches each mechanism off in turn, in
//! a copy of the sources, and fails if no test goes red.

mod copy;
mod mechanisms;
mod prove;
mod rows;
mod run;

pub(crate) use self::mechanisms::{MECHANISMS, Mechanism};

use anyhow::Result;

/// Run the tests of the threat model, row by row
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Switch each mechanism off in turn, in a copy, and fail if no test goes red
    #[arg(long)]
    prove: bool,

    /// Only the rows (`A1`) or, with --prove, the mechanisms whose name holds this
    #[arg(value_name = "WORD")]
    only: Vec<String>,
}

/// Runs what was asked for; an `Err` when a row does not hold or a mechanism is not proven.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.prove { prove::prove(&args.only) } else { run::rows(&args.only) }
}
