//! The interceptor in process, on loopback: an agent, the proxy, an origin.

mod drain;
mod forwarding;
mod framing;
mod identity;
mod limits;
mod support;
mod upstream;
