//! What makes each claim true, as the text of the source that says it, and the text without it.
//!
//! `cargo xtask tidy` checks that every `on` still stands exactly once, so a moved line is noticed
//! the day it moves.

mod containers;
mod decide;
mod dlp;
mod egress;
mod gate;
mod intercept;
mod launcher;
mod life;
mod pipelock;
mod pushes;
mod rendered;
mod state;
mod streams;
mod supervise;
mod usage;
mod ways;
mod workspace;

/// A mechanism of the product and how it is switched off.
#[derive(Debug)]
pub(super) struct Mechanism {
    pub(super) name: &'static str,
    /// Relative to the root of the workspace.
    pub(super) file: &'static str,
    /// The text that makes the claim true, exactly once in the file.
    pub(super) on: &'static str,
    /// What stands there with the mechanism off; it must still build.
    pub(super) off: &'static str,
    /// The package whose tests must go red.
    pub(super) package: &'static str,
    /// The filter of those tests.
    pub(super) tests: &'static [&'static str],
    pub(super) needs: Needs,
}

/// What the tests of a mechanism run against.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Needs {
    /// This process alone.
    Nothing,
    /// An engine, and the sidecars as they are.
    Engine,
    /// An engine, and sidecars built from the changed source.
    OwnSidecars,
}

/// Every mechanism that is proven; those that cost least come first.
pub(super) fn all() -> impl Iterator<Item = &'static Mechanism> {
    [
        rendered::MECHANISMS,
        state::MECHANISMS,
        pipelock::MECHANISMS,
        dlp::MECHANISMS,
        egress::MECHANISMS,
        gate::MECHANISMS,
        pushes::MECHANISMS,
        intercept::MECHANISMS,
        streams::MECHANISMS,
        supervise::MECHANISMS,
        usage::MECHANISMS,
        ways::MECHANISMS,
        workspace::MECHANISMS,
        launcher::MECHANISMS,
        decide::MECHANISMS,
        life::MECHANISMS,
        containers::MECHANISMS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_stands_for_one_mechanism_that_something_can_prove() {
        let mut names = BTreeSet::new();
        for mechanism in all() {
            assert!(names.insert(mechanism.name), "{} is there twice", mechanism.name);
            assert!(!mechanism.tests.is_empty() && mechanism.on != mechanism.off, "{mechanism:?}");
        }
    }
}
