//! Changing the policy of a bottle that runs: all of it is checked first, then files are replaced and
//! the sidecars told, and it counts only once each of them says that it is in force. Else every file
//! is put back.
//!
//! What is going to happen is written down before it begins, so that the next command on the bottle
//! finishes or undoes what a crash left.

mod config;
mod difference;
mod edit;
mod followed;
mod from_manifest;
mod grant;
mod granted;
mod history;
mod intent;
mod lock;
mod risk;
mod sidecars;
mod started;
mod target;

pub(crate) use self::config::Config;
pub(crate) use self::difference::{Difference, told};
pub(crate) use self::from_manifest::from_manifest;
pub(crate) use self::grant::{grant, together};
pub(crate) use self::granted::Grant;
pub(crate) use self::history::History;
pub(crate) use self::intent::Why;
pub(crate) use self::risk::{Risk, never_observed};
pub(crate) use self::started::{Started, absolute};
pub(crate) use self::target::{Target, settle};
