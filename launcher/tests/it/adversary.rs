//! The rows of the threat model against a bottle that runs: the agent is hostile, and what it tries
//! comes from its own container. Each claim has a control that arrives, so that the test can fail.

#[cfg(test)]
mod attacker;
#[cfg(test)]
mod hardening;
#[cfg(test)]
mod neighbours;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod syscalls;
#[cfg(test)]
mod topology;
