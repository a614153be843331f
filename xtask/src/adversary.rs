//! `cargo xtask adversary`: every row of the threat model, what was sent, what came back.
//!
//! A test belongs to a row by its name (`a1_…`). `--prove` switches each mechanism off in turn, in
//! a copy of the sources, and fails if no test goes red.

mod cargo;
mod copy;
mod ground;
mod mechanisms;
mod prove;
mod receipts;
mod rows;
mod run;

use anyhow::Result;

use crate::checkout::Checkout;

/// Run the tests of the threat model, row by row
#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Switch each mechanism off in turn, in a copy, and fail if no test goes red
    #[arg(long)]
    prove: bool,

    /// Prove what was proven on these sources once more
    #[arg(long, requires = "prove")]
    again: bool,

    /// Prove what is in this commit, whatever lies in the checkout
    #[arg(long, requires = "prove", value_name = "COMMIT")]
    commit: Option<String>,

    /// Only the rows (`A1`) or, with --prove, the mechanisms of that row, or whose name holds this,
    /// or whose file begins with it
    #[arg(value_name = "WORD")]
    only: Vec<String>,
}

/// Names each mechanism whose text moved: switched off, it would prove nothing.
pub(crate) fn faults(checkout: &Checkout) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for mechanism in mechanisms::all() {
        let source = fs_err::read_to_string(checkout.root.join(mechanism.file))?;
        if let Err(error) = copy::switched_off(&source, mechanism) {
            faults.push(format!("mechanism `{}`: {error}", mechanism.name));
        }
    }
    Ok(faults)
}

/// Runs what was asked for; an `Err` when a row does not hold or a mechanism is not proven.
pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> Result<()> {
    let Arguments { prove, again, commit, only } = arguments;
    if *prove {
        prove::prove(checkout, &prove::Order { only, commit: commit.as_deref(), again: *again })
    } else {
        run::rows(checkout, only)
    }
}
