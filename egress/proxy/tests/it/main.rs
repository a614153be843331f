//! egress against a pipelock and an origin of the tests' own, on loopback.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod container;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod denials;
#[cfg(test)]
mod echo;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod websockets;
#[cfg(test)]
mod world;
