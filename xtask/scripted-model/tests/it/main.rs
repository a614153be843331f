//! The model in process, asked over TLS on a port of its own.

mod model;
