//! pipelock's data plane: the one door to the internet, from `accept` to the line in the log.

pub mod dial;
pub mod judge;
pub mod names;
pub mod resolve;
mod side_door;
pub mod ssrf;

#[cfg(test)]
mod testing;
