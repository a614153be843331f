//! pipelock's data plane in this process, on loopback, with upstreams and name servers of the
//! test's; and its image, started alone.

mod client;
mod container;
mod identity;
mod names;
mod policy;
mod reload;
mod requests;
mod targets;
mod upstream;
mod world;
