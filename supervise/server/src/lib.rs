//! supervise's data plane: it takes what the agent asks for and writes it down, and reads what a
//! person answered. Nothing in it can answer: answers are files in a folder it sees read-only.

mod cli;
mod denials;
mod exchange;
mod mcp;
mod queue;
mod run;
mod tools;

pub use self::cli::{Cli, Command};
pub use self::exchange::serve;
pub use self::queue::Queue;
pub use self::run::{Desk, check, run};
