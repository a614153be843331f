//! `WebSockets` (RFC 6455) as requests: an upgrade is answered as any GET, and the frames of either
//! side are a body.
//!
//! So whatever judges, counts, looks through and ends requests does so here, too. In a body the
//! frames are whole, in their one form: without masks, for those are of one hop, and without
//! extensions, for the handshake offers none. What is no frame ends the connection.

mod frame;
mod handshake;
mod inspect;
mod relay;

pub use self::frame::Kind;

pub(crate) use self::frame::PIECE;
pub use self::handshake::{Asked, is_asked};
pub use self::inspect::{Inspector, inspected};

pub(crate) use self::handshake::{asked, in_answer, in_request};
pub(crate) use self::relay::{Switched, to_agent, to_upstream};
