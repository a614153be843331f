//! The rules that no word of the list stands for: the text of each that is rarest elsewhere, to be
//! looked for in a text as it is, and what else must stand near.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem::{self, Finder};

use super::needs::{LEAST, LONG, Need, read, worth};

/// Those rules, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Unlisted {
    pub(crate) texts: Vec<Vec<u8>>,
    /// Of each text: whose it is.
    uses: Vec<Vec<usize>>,
    rules: Vec<Near>,
}

/// What stands near the text of a rule.
#[derive(Debug)]
struct Near {
    /// The other needs, the rarest first.
    rest: Vec<Vec<Finder<'static>>>,
    longest: usize,
}

impl Unlisted {
    /// Of the rules that need none of the words.
    pub(super) fn of(expressions: &[String], words: &[&str]) -> Self {
        let mut uses = BTreeMap::<Vec<u8>, Vec<usize>>::new();
        let mut rules = Vec::new();
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
            let finders =
                |need: &Need| need.iter().map(|text| Finder::new(text).into_owned()).collect();
            rules.push(Near { rest: others.iter().map(finders).collect(), longest });
        }
        let (texts, uses) = uses.into_iter().unzip();
        Self { texts, uses, rules }
    }

    /// The part of a text in small letters that a match may lie in around one of the texts.
    pub(crate) fn part(
        &self,
        text: usize,
        place: &Range<usize>,
        small: &[u8],
    ) -> Option<Range<usize>> {
        let around = |rule: &usize| {
            let Near { rest, longest } = self.rules.get(*rule)?;
            let part = place.end.saturating_sub(*longest)..(place.start + longest).min(small.len());
            let near = small.get(part.clone())?;
            let stands = |need: &Vec<Finder<'_>>| need.iter().any(|text| text.find(near).is_some());
            rest.iter().all(stands).then_some(part)
        };
        let parts = self.uses.get(text)?.iter().filter_map(around);
        parts.reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
    }
}
