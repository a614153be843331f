//! `bottle` as people run it: what it prints, what it makes, how it leaves.

#[cfg(test)]
mod program;
#[cfg(test)]
mod reading;
