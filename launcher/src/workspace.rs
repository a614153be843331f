//! The user's folder: what of it goes into a bottle, and how what the agent made comes out again.
//!
//! Nothing of a repository ever runs on the host. No git is started in it: its index and its
//! configuration are read by the small readers here, and what goes into the bottle is chosen by list.

mod archive;
mod beneath;
mod changes;
pub(crate) mod clone;
mod credentials;
mod derived;
mod entry;
mod executed;
mod export;
mod git_config;
mod git_folder;
mod git_index;
mod mounted;
pub(crate) mod place;
mod pushed;
mod record;
mod refusals;
mod save;
mod saved;
mod seal;
mod select;
mod watched;

use std::time::Duration;

pub(crate) use self::archive::archive;
pub(crate) use self::changes::{Change, What, changes};
pub(crate) use self::derived::{derived, remove_derived};
pub(crate) use self::export::export;
pub(crate) use self::git_config::value as config_value;
pub(crate) use self::mounted::mounts;
pub(crate) use self::pushed::{CloneReport, pushed};
pub(crate) use self::record::Record;
pub(crate) use self::refusals::{check, mount_owner};
pub(crate) use self::save::save;
pub(crate) use self::seal::{seal, unseal};
pub(crate) use self::select::{Selection, select};
pub(crate) use self::watched::Watched;

/// The file of a bottle's folder that holds its saved workspace.
pub(crate) const SAVED: &str = "workspace.tar";

/// And those that say how it began: `bottle diff` compares with them, and `show` with what was pushed.
pub(crate) const BEGINNINGS: [&str; 2] = [record::FILE, clone::FILE];

/// The most that is saved of a workspace.
pub(crate) const SAVE_LIMIT: u64 = 4 << 30;
/// As long as that may take, on a disk that is busy.
pub(crate) const SAVE_PATIENCE: Duration = Duration::from_mins(20);
