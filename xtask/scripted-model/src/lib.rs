//! A model that follows a script, so that the genuine agent does a whole piece of work with no
//! account and no internet.
//!
//! It speaks as much of the Messages API as the agent needs, answers over TLS under the names its
//! setting gives, and notes everything that arrives. It judges the credential by its digest and
//! never keeps or prints the value of a header.

mod body;
mod control;
mod conversation;
mod events;
mod mint;
mod mirror;
mod model;
mod record;
mod responses;
mod server;
mod setting;
mod tls;

pub use self::{
    control::ask,
    conversation::ToolResult,
    mint::{AUTHORITY, CERTIFICATE, KEY, mint},
    model::Model,
    record::{Arrival, Credential, Record, Report, Seen, digest},
    server::Server,
    setting::{Expected, Setting, Step, Token, Tool},
    tls::server as tls_server,
};
