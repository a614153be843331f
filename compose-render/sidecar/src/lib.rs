//! The sidecar contract from inside the container: hardened process, signals, logs, health, drain.
//!
//! One `run` for every sidecar's binary, so that none of them forgets a part of it.

mod admin;
mod chain;
pub mod clock;
mod environment;
mod harden;
mod log;
mod replace;
mod run;
mod shutdown;
mod status;

pub use self::admin::{ADMIN_ADDRESS, healthcheck, print_status, serve_admin};
pub use self::chain::chain;
pub use self::environment::Environment;
pub use self::harden::harden;
pub use self::log::{Event, Line, Log};
pub use self::replace::replace;
pub use self::run::{Reload, Running, run};
pub use self::shutdown::Shutdown;
pub use self::status::Status;
