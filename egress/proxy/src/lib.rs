//! egress's data plane: looks into the requests that a route names, puts the credential in, takes
//! its echo out, and sends everything on through pipelock.
//!
//! A credential leaves this process in one place, `inject`, after the verdict and inside TLS that
//! pipelock's authority vouches for.

mod echo;
mod encode;
mod inject;
