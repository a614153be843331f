//! pipelock's data plane: the one door to the internet, from `accept` to the line in the log.

pub mod check;
pub mod cli;
pub mod dial;
pub mod door;
pub mod judge;
pub mod limits;
pub mod names;
pub mod nowhere;
pub mod resolve;
pub mod rules;
pub mod run;
pub mod ssrf;

mod budgets;
mod content;
mod in_flight;
mod passage;
mod record;
mod refusal;
mod side_door;

#[cfg(test)]
mod testing;
