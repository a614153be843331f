//! Makes it so on this host: Docker, Compose, networks, images, the state folder, other programs.
//!
//! Each mechanism has its one home here: child processes in `process`, file replacement in
//! [`replace()`], waiting in [`wait`]. No child process of ours is reached by a terminal's Ctrl-C
//! unless it was attached on purpose, and no secret is ever in an argument or an error.

pub mod cancel;
pub mod containers;
pub mod images;
pub mod networks;
pub mod program;
pub mod ready;
pub mod standalone;
pub mod wait;

mod compose;
mod docker;
mod escape;
mod owner;
mod process;
mod read_plain;
mod replace;
mod state_dir;
mod undo;

pub use self::compose::{Compose, ComposeError, ComposeProject, Flavour, Secrets};
pub use self::docker::{Docker, Engine, Limits};
pub use self::escape::{EscapeControls, escape_controls};
pub use self::owner::Owner;
pub use self::process::{Attached, Call, Outcome, RunError};
pub use self::read_plain::{Piece, ReadPlainError, read_plain, read_plain_from};
pub use self::replace::{replace, replace_owned, replace_with};
pub use self::state_dir::{
    BottleDir, Claim, Found, Metadata, Phase, ServiceDirs, StateDir, StateError, owned_folder,
    write_files,
};
pub use self::undo::{Leftover, Undo};
