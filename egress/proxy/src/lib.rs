//! egress's data plane: looks into the requests that a route names, puts the credential in, takes
//! its echo out, and sends everything on through pipelock.
//!
//! A credential leaves this process in one place, `inject`, after the verdict and inside TLS that
//! pipelock's authority vouches for.

mod cli;
mod credentials;
mod echo;
mod encode;
mod in_flight;
mod inject;
mod jar;
mod misplaced;
mod plane;
mod policy;
mod proxy;
mod renew;
mod serve;
mod sockets;
mod upstream;
mod usage;
mod vault;

pub use self::cli::{Cli, Command};
pub use self::credentials::give;
pub use self::plane::Plane;
pub use self::serve::{check, run};
