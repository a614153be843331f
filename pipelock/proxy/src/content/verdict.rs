//! What the reading of a body came to, shared by the body and whoever writes the request's line.

use super::coding::Undecodable;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Why a body was stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stopped {
    /// By this rule.
    Secret(&'static str),
    /// By this rule, in a response.
    Injection(&'static str),
    /// It cannot be read.
    Unreadable(Undecodable),
}

impl From<Undecodable> for Stopped {
    fn from(why: Undecodable) -> Self {
        Self::Unreadable(why)
    }
}

/// The state of one body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stopped: Option<Stopped>,
    noted: BTreeMap<&'static str, u64>,
    doubted: BTreeMap<&'static str, u64>,
    /// What was overwritten on its way.
    overwritten: BTreeMap<&'static str, u64>,
    /// What the policy makes an exception of.
    spared: BTreeMap<&'static str, u64>,
    /// Of responses: what stands there as somebody's quotation.
    quoted: BTreeMap<&'static str, u64>,
    /// Of responses: why nothing was looked for.
    unscanned: Option<&'static str>,
}

impl Verdict {
    pub(super) fn stop(&self, why: Stopped) {
        self.lock().stopped.get_or_insert(why);
    }

    /// Counts a finding that does not stop the body.
    pub(super) fn note(&self, rule: &'static str) {
        *self.lock().noted.entry(rule).or_default() += 1;
    }

    /// Counts a finding that was overwritten.
    pub(super) fn overwritten(&self, rule: &'static str) {
        *self.lock().overwritten.entry(rule).or_default() += 1;
    }

    /// How many findings of each rule were overwritten.
    pub(crate) fn overwrites(&self) -> BTreeMap<&'static str, u64> {
        self.lock().overwritten.clone()
    }

    /// The rules that found what counts, sorted.
    pub(crate) fn found(&self) -> Vec<&'static str> {
        let state = self.lock();
        let mut names: Vec<_> =
            state.noted.keys().chain(state.overwritten.keys()).copied().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Counts a finding that the policy makes an exception of.
    pub(super) fn spare(&self, rule: &'static str) {
        *self.lock().spared.entry(rule).or_default() += 1;
    }

    /// How many findings of each rule were exceptions.
    pub(crate) fn spared(&self) -> BTreeMap<&'static str, u64> {
        self.lock().spared.clone()
    }

    /// Counts a finding that is quoted.
    pub(super) fn quoted(&self, rule: &'static str) {
        *self.lock().quoted.entry(rule).or_default() += 1;
    }

    /// Says that the body passes unread, and why.
    pub(super) fn unscanned(&self, why: &'static str) {
        self.lock().unscanned.get_or_insert(why);
    }

    /// Why the body passed unread.
    pub(crate) fn why_unscanned(&self) -> Option<&'static str> {
        self.lock().unscanned
    }

    /// How many findings of each rule were quotations.
    pub(crate) fn quotations(&self) -> BTreeMap<&'static str, u64> {
        self.lock().quoted.clone()
    }

    /// Counts a finding that is too uncertain to do anything about.
    pub(super) fn doubt(&self, rule: &'static str) {
        *self.lock().doubted.entry(rule).or_default() += 1;
    }

    /// How many findings of each rule were too uncertain.
    pub(crate) fn doubted(&self) -> BTreeMap<&'static str, u64> {
        self.lock().doubted.clone()
    }

    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.lock().stopped
    }

    /// How many findings of each rule did not stop the body.
    pub(crate) fn noted(&self) -> BTreeMap<&'static str, u64> {
        self.lock().noted.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
