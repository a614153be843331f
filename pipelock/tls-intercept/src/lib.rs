//! TLS interception, once, for pipelock and egress: one `Destination`, one pipeline.
//!
//! Whatever way a request comes (CONNECT, absolute form, steered), its destination is built once,
//! everything that names a host must name that one, and what is not understood is closed.

pub mod body;
pub mod client;
pub mod headers;
pub mod path;
pub mod reading;
pub mod websocket;

mod address;
mod bounds;
mod connection;
mod denial;
mod destination;
mod interceptor;
mod request_id;
mod serve;
mod write_through;

pub use self::body::{Body, BodyError};
pub use self::bounds::{Bound, bounds};
pub use self::connection::{Arrival, Connection, HopSecret, Proxy};
pub use self::denial::{DENIED_HEADER, Denial, Layer, Propose, Reason};
pub use self::destination::{Destination, Host, InvalidDestination, Name, Scheme};
pub use self::interceptor::{Interceptor, Limits};
pub use self::request_id::RequestId;
pub use self::serve::{Mode, serve};
