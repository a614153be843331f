//! Whether one of some texts stands in a part, asked for parts that overlap: what an answer taught is
//! kept, so that no byte is looked at twice.

use std::ops::Range;

use aho_corasick::packed::{Config, MatchKind, Searcher};

use super::needs::Need;

/// The texts, ready to be looked for.
#[derive(Debug)]
pub(super) struct OneOf {
    /// None where the processor has no fast way: then it is as if one stood everywhere.
    searcher: Option<Searcher>,
    longest: usize,
}

/// What is known of one text that is looked through.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// One stands here.
    stands: Option<Range<usize>>,
    /// None lies in this.
    free: Range<usize>,
}

impl OneOf {
    pub(super) fn new(need: &Need) -> Self {
        let config = Config::new().match_kind(MatchKind::LeftmostFirst).clone();
        let longest = need.iter().map(Vec::len).max().unwrap_or_default();
        Self { searcher: config.builder().extend(need).build(), longest }
    }

    /// Whether one lies in that part of a text.
    pub(super) fn stands(&self, text: &[u8], part: &Range<usize>, known: &mut Known) -> bool {
        let within = |found: &Range<usize>| part.start <= found.start && found.end <= part.end;
        if known.stands.as_ref().is_some_and(within) {
            return true;
        }
        let Some(searcher) = &self.searcher else { return true };
        let mut from = part.start;
        if known.free.contains(&from) {
            if part.end <= known.free.end {
                return false;
            }
            // Whatever begins before that ends in what is free.
            let open = (known.free.end + 1).saturating_sub(self.longest);
            if open < from {
                // What begins between the two is not looked for now.
                known.free.start = from;
            }
            from = from.max(open);
        } else {
            known.free = from..from;
        }
        // Parts come from left to right: what lies behind this one is mostly asked for next.
        let ahead = (part.end + part.len() / 4).min(text.len());
        let found = searcher.find_in(text, (from..ahead).into()).map(|found| found.span().range());
        known.free.end = found.as_ref().map_or(ahead, |found| found.start);
        // A longer one may reach out of the part that a shorter one lies in.
        let reaches_out = |found: &Range<usize>| found.start < part.end && part.end < found.end;
        let is_shorter_one = found.as_ref().is_some_and(reaches_out)
            && searcher.find_in(text, (from..part.end).into()).is_some();
        let stands = found.as_ref().is_some_and(within) || is_shorter_one;
        known.stands = found;
        stands
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn what_an_answer_taught_never_changes_another(
            need in prop::collection::vec("[ab]{4,7}", 1..4),
            text in "[abc]{0,300}",
            parts in prop::collection::vec((0..9_usize, 0..40_usize), 1..60),
        ) {
            let need: Need = need.into_iter().map(String::into_bytes).collect();
            let (one_of, mut known) = (OneOf::new(&need), Known::default());
            let mut start = 0;
            for (step, len) in parts {
                // Now and then back to the outset.
                start = if step == 0 { 0 } else { (start + step).min(text.len()) };
                let part = start..(start + len).min(text.len());
                let near = &text.as_bytes()[part.clone()];
                let stands = need.iter().any(|text| near.windows(text.len()).any(|part| part == text));
                prop_assert_eq!(one_of.stands(text.as_bytes(), &part, &mut known), stands);
            }
        }
    }
}
