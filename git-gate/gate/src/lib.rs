//! git-gate's data plane: stock git serves a mirror of each upstream, and a hook of ours judges every
//! new object of a push before it goes on and before anybody is told that it arrived.
//!
//! Nothing here reads a pack, a diff or what somebody typed: objects and ref updates are what git
//! says they are.

mod address;
mod backend;
mod body;
mod cli;
mod contact;
mod gate;
mod ground;
mod hook;
mod judge;
mod mirror;
mod policy;
mod program;
mod relay;
mod report;
mod route;
mod serve;
mod trouble;
mod way;

pub use self::cli::{Cli, Command};
pub use self::gate::Gate;
pub use self::ground::Ground;
pub use self::hook::{HOOK, pre_receive};
pub use self::judge::measure;
pub use self::serve::{check, run};
