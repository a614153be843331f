//! git-gate with a real git on both sides of it.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lfs;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod refs;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod taken_back;
#[cfg(test)]
mod world;
