//! For tests alone: throwaway projects that leave nothing behind, a client and a sink to stand in
//! their containers, and the filters of snapshots.
//!
//! A test that needs Docker fails where there is none, and names the remedy: a test that skips
//! proves nothing.

mod binaries;
mod container;
mod eventually;
mod filters;
mod git_host;
mod outside;
mod record;
mod stack;
mod sweep;

pub use self::binaries::{compose_v2, probe_client, sidecars};
pub use self::container::{Container, Said};
pub use self::eventually::eventually;
pub use self::filters::filters;
pub use self::git_host::GitHost;
pub use self::outside::{Outside, Sink};
pub use self::record::{record, told};
pub use self::stack::Stack;
