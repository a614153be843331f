//! What requests and answers used, by route: counted as they pass, judged against budgets, and kept
//! over a restart.

mod events;
mod ledger;
mod scan;
mod tally;

pub(crate) use self::ledger::{Account, Ledger};
pub(crate) use self::tally::Tally;
