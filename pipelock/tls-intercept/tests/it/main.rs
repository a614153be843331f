//! The interceptor in process, on loopback: an agent, the proxy, an origin.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::disallowed_methods, reason = "no drain waits for a test's origins and agents")]

mod drain;
mod forwarding;
mod framing;
mod identity;
mod limits;
mod support;
mod upstream;
mod websockets;
