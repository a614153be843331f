//! git-gate, the config model alone: what a bottle's `git:` section may say.
//!
//! The gate itself is not built yet, so the launcher refuses a manifest that has the section, with
//! [`NOT_BUILT`]. The form is read strictly all the same, so that a manifest's faults are found.

mod config;
mod push_ref;
mod upstream;

pub use self::config::{Git, Upstream};
pub use self::push_ref::{InvalidPushRef, PushRef};
pub use self::upstream::{InvalidUpstreamUrl, UpstreamUrl};

/// Why a manifest with a `git:` section is refused for now.
pub const NOT_BUILT: &str = "git upstreams are not available yet: remove the `git` section, and the agent works with the repository that its workspace holds";
