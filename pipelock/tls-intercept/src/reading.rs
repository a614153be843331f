//! How bytes are read before rustls and hyper read them, for whoever holds the one reading against the
//! other: `cargo xtask fuzz` does.

pub use crate::serve::hello::{First, Hello, read as hello};

use crate::Limits;
use crate::serve::{guard::Guard, io::Activity};
use tokio::io::AsyncRead;

/// What hyper is given of an HTTP/1 stream: heads with one reading, bodies written anew. In place of a
/// head that is refused comes one of ours, and then nothing.
pub fn http1(stream: impl AsyncRead + Unpin, limits: Limits) -> impl AsyncRead + Unpin {
    Guard::new(stream, limits, Activity::new())
}
