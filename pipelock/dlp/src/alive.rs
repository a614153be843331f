//! Whether the end of a text may still become a match: asked of the expression's automaton.

use std::sync::{Mutex, PoisonError};

use regex_automata::Anchored;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;

use crate::set::of_bytes;

/// An expression's automaton, and the states that it has found out about so far.
pub(crate) struct Alive {
    dfa: DFA,
    /// Kept between two questions: making a cache costs more than most answers.
    spare: Mutex<Option<Box<Cache>>>,
}

impl Alive {
    pub(crate) fn of(expression: &str) -> Option<Self> {
        let dfa = DFA::builder().syntax(of_bytes()).build(expression).ok()?;
        Some(Self { dfa, spare: Mutex::new(None) })
    }

    /// Whether a match that begins with this text could go on behind it; nothing where that cannot be told.
    pub(crate) fn goes_on(&self, text: &[u8]) -> Option<bool> {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = spare().take();
        let mut cache = taken.unwrap_or_else(|| Box::new(self.dfa.create_cache()));
        let goes_on = self.walk(&mut cache, text);
        *spare() = Some(cache);
        goes_on
    }

    fn walk(&self, cache: &mut Cache, text: &[u8]) -> Option<bool> {
        let begin = start::Config::new().anchored(Anchored::Yes);
        let mut state = self.dfa.start_state(cache, &begin).ok()?;
        for &byte in text {
            state = self.dfa.next_state(cache, state, byte).ok()?;
            if state.is_dead() {
                return Some(false);
            }
        }
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_become_a_match_goes_on_whoever_asked_before() {
        let alive = Alive::of(r"key\s{0,4}[:=]\s{0,4}[a-z]{8}").unwrap();
        for _ in 0..3 {
            for text in ["", "k", "key  ", "key = ", "key = abcdefg"] {
                assert_eq!(alive.goes_on(text.as_bytes()), Some(true), "{text}");
            }
            for text in ["x", "key      ", "key = abc1", "key = abcdefghij"] {
                assert_eq!(alive.goes_on(text.as_bytes()), Some(false), "{text}");
            }
        }
    }
}
