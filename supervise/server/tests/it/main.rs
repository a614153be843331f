//! supervise as an agent meets it: over TCP, well-behaved and not.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod world;
