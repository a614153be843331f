//! The rules that no word of the list stands for: the text of each that is rarest elsewhere, to be
//! looked for in a text as it is, and what else must stand near.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem;

use super::needs::{LEAST, LONG, Need, read, worth};
use super::one_of::{Known, OneOf};

/// Those rules, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Unlisted {
    pub(crate) texts: Vec<Vec<u8>>,
    /// Of each text: whose it is.
    uses: Vec<Vec<usize>>,
    rules: Vec<Near>,
    /// What the rules need beside these texts, each once.
    needs: Vec<OneOf>,
}

/// What stands near the text of a rule.
#[derive(Debug)]
struct Near {
    /// The other needs, the rarest first.
    rest: Vec<usize>,
    longest: usize,
}

/// What is known of the text that is looked through.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    needs: Vec<Known>,
    /// Of each rule: which of its needs was missing last, and is most likely missing again.
    missing: Vec<usize>,
}

impl Unlisted {
    /// Of the rules that need none of the words.
    pub(super) fn of(expressions: &[String], words: &[&str]) -> Self {
        let mut uses = BTreeMap::<Vec<u8>, Vec<usize>>::new();
        let mut rules = Vec::new();
        let mut all: Vec<Need> = Vec::new();
        let listed =
            |text: &Vec<u8>| words.iter().any(|word| memmem::find(text, word.as_bytes()).is_some());
        for expression in expressions {
            let Some((mut needs, longest)) = read(expression) else { continue };
            if needs.iter().any(|need| need.iter().all(listed)) {
                continue;
            }
            needs.retain(|need| worth(need).0 >= LEAST);
            needs.sort_by_key(|need| Reverse(worth(need)));
            let Some((first, others)) =
                needs.split_first().filter(|(first, _)| worth(first).0 >= LONG)
            else {
                continue;
            };
            for text in first {
                uses.entry(text.clone()).or_default().push(rules.len());
            }
            let mut number = |need: &Need| {
                all.iter().position(|known| known == need).unwrap_or_else(|| {
                    all.push(need.clone());
                    all.len() - 1
                })
            };
            rules.push(Near { rest: others.iter().map(&mut number).collect(), longest });
        }
        let (texts, uses) = uses.into_iter().unzip();
        Self { texts, uses, rules, needs: all.iter().map(OneOf::new).collect() }
    }

    /// The part of a text in small letters that a match may lie in around one of the texts. `seen` is
    /// of this text alone.
    pub(crate) fn part(
        &self,
        text: usize,
        place: &Range<usize>,
        small: &[u8],
        seen: &mut Seen,
    ) -> Option<Range<usize>> {
        if seen.needs.is_empty() {
            seen.needs.resize(self.needs.len(), Known::default());
            seen.missing.resize(self.rules.len(), 0);
        }
        let around = |&rule: &usize| {
            let Near { rest, longest } = self.rules.get(rule)?;
            let part = place.end.saturating_sub(*longest)..(place.start + longest).min(small.len());
            let mut stands = |nth: usize| {
                let need = *rest.get(nth)?;
                Some(self.needs.get(need)?.stands(small, &part, seen.needs.get_mut(need)?))
            };
            let missing = seen.missing.get_mut(rule)?;
            let mut nths = std::iter::once(*missing).chain(0..rest.len());
            match nths.find(|&nth| stands(nth) == Some(false)) {
                Some(nth) => *missing = nth,
                None => return Some(part),
            }
            None
        };
        let parts = self.uses.get(text)?.iter().filter_map(around);
        parts.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
    }
}
