//! pipelock's data plane in this process, on loopback, with upstreams and name servers of the
//! test's; and its image, started alone.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod client;
#[cfg(test)]
mod container;
#[cfg(test)]
mod content;
#[cfg(test)]
mod exceptions;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod large;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod names;
#[cfg(test)]
mod origin;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod websockets;
#[cfg(test)]
mod world;
