//! `bottle` as people run it: what it prints, what it makes, how it leaves.

#[cfg(test)]
mod adversary;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod apply;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod deciding;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod hands;
#[cfg(test)]
mod installed;
#[cfg(test)]
mod life;
#[cfg(test)]
mod links;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod mounted;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod own_engine;
#[cfg(test)]
mod program;
#[cfg(test)]
mod pushes;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod turn;
#[cfg(test)]
mod vanished;
#[cfg(test)]
mod workspace;
