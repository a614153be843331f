//! What a match of a rule cannot do without, read off its expression: short texts in their order,
//! and how far apart they may stand. Only where all of them stand is the expression run.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// The most that is asked of a rule.
const MOST: usize = 4;
/// With so many of some length, nothing shorter is asked: it stands everywhere.
const ENOUGH: usize = 2;
/// Texts of such lengths tell something; shorter ones tell little, and single bytes nothing.
pub(super) const LONG: usize = 4;
pub(super) const LEAST: usize = 2;

/// One of these texts.
pub(super) type Need = Vec<Vec<u8>>;

/// The needs of all rules, ready to be looked for in a plain text.
#[derive(Debug)]
pub(super) struct Needs {
    texts: AhoCorasick,
    /// Of each text: the rules that need it, and as which of their needs.
    uses: Vec<Vec<(usize, usize)>>,
    rules: Vec<Asked>,
}

/// What one rule asks for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    needs: usize,
    /// Of a match, in bytes.
    longest: usize,
}

impl Needs {
    /// None where an expression cannot be read or asks for nothing: then all is looked at.
    pub(super) fn of(expressions: &[String]) -> Option<Self> {
        let mut uses = BTreeMap::<Vec<u8>, Vec<(usize, usize)>>::new();
        let mut rules = Vec::new();
        for (rule, expression) in expressions.iter().enumerate() {
            let (needs, longest) = read(expression)?;
            let needs = chosen(needs);
            if needs.is_empty() {
                return None;
            }
            rules.push(Asked { needs: needs.len(), longest });
            // The last need first, so that one place does not stand for two.
            for (nth, need) in needs.into_iter().enumerate().rev() {
                for text in need {
                    uses.entry(text).or_default().push((rule, nth));
                }
            }
        }
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let texts = AhoCorasick::builder().kind(kind).build(uses.keys()).ok()?;
        Some(Self { texts, uses: uses.into_values().collect(), rules })
    }

    /// The parts of a plain text that a match of a rule may lie in; of each rule in their order and
    /// apart.
    pub(super) fn parts(&self, text: &[u8]) -> Vec<(usize, Range<usize>)> {
        // Of each rule and need: where the last row of needs up to it began.
        let mut begun = vec![[None::<usize>; MOST]; self.rules.len()];
        let mut last: Vec<Option<Range<usize>>> = vec![None; self.rules.len()];
        let mut parts = Vec::new();
        for found in self.texts.find_overlapping_iter(text) {
            let place = found.range();
            for &(rule, nth) in self.uses.get(found.pattern().as_usize()).into_iter().flatten() {
                let (Some(asked), Some(begun), Some(last)) =
                    (self.rules.get(rule), begun.get_mut(rule), last.get_mut(rule))
                else {
                    continue;
                };
                let before = nth.checked_sub(1).map(|last| begun.get(last).copied().flatten());
                let Some(start) = before.unwrap_or(Some(place.start)) else { continue };
                if let Some(begun) = begun.get_mut(nth) {
                    *begun = Some(start);
                }
                if nth + 1 == asked.needs && place.end <= start + asked.longest {
                    let end = (start + asked.longest).min(text.len());
                    let part = place.end.saturating_sub(asked.longest)..end;
                    if let Some(apart) = last.take_if(|last| last.end < part.start) {
                        parts.push((rule, apart));
                    }
                    let from = last.as_ref().map_or(part.start, |last| last.start);
                    *last = Some(from..part.end);
                }
            }
        }
        parts.extend(last.into_iter().enumerate().filter_map(|(rule, part)| Some((rule, part?))));
        parts
    }
}

/// The needs of an expression, and the longest match in bytes.
pub(super) fn read(expression: &str) -> Option<(Vec<Need>, usize)> {
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(expression).ok()?;
    Some((in_order(&hir), hir.properties().maximum_len()?))
}

/// The needs of which one stands behind the other in every match.
fn in_order(hir: &Hir) -> Vec<Need> {
    match hir.kind() {
        HirKind::Literal(text) => vec![vec![text.0.to_vec()]],
        HirKind::Concat(parts) => parts.iter().flat_map(in_order).collect(),
        HirKind::Capture(capture) => in_order(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => in_order(&repetition.sub),
        HirKind::Alternation(ways) => {
            let best = |way: &Hir| in_order(way).into_iter().max_by_key(worth);
            ways.iter()
                .map(best)
                .collect::<Option<Vec<_>>>()
                .map(|ways| ways.concat())
                .into_iter()
                .collect()
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => {
            Vec::new()
        }
    }
}

/// The longer its shortest text, the rarer.
pub(super) fn worth(need: &Need) -> (usize, std::cmp::Reverse<usize>) {
    (need.iter().map(Vec::len).min().unwrap_or_default(), std::cmp::Reverse(need.len()))
}

/// The best of them, still in their order.
fn chosen(needs: Vec<Need>) -> Vec<Need> {
    let mut needs: Vec<_> = needs.into_iter().enumerate().collect();
    needs.sort_by_key(|(_, need)| std::cmp::Reverse(worth(need)));
    let long = needs.iter().filter(|(_, need)| worth(need).0 >= LONG).count();
    let (least, most) = if long < ENOUGH { (LEAST, ENOUGH + 1) } else { (LONG, MOST) };
    needs.retain(|(_, need)| worth(need).0 >= least);
    needs.truncate(most);
    needs.sort_by_key(|(nth, _)| *nth);
    needs.into_iter().map(|(_, need)| need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(expression: &str, text: &str) -> Vec<(usize, Range<usize>)> {
        Needs::of(&[expression.to_owned()]).unwrap().parts(text.as_bytes())
    }

    #[test]
    fn all_that_a_match_needs_stands_there_in_its_order_and_near() {
        let rule = r"\b(?:ignore|forget) (?:the |all ){0,2}(?:rules?|prompts?)\b";
        assert_eq!(parts(rule, "ignore all rules").len(), 1);
        assert_eq!(parts(rule, "we forget all prompts of ours, and all rules").len(), 1);
        assert!(parts(rule, "rules that ignore").is_empty());
        assert!(parts(rule, "ignore all of it, since there are other rules").is_empty());
        assert!(parts(rule, "ignore ignore forget").is_empty());
    }

    #[test]
    fn one_way_without_a_text_makes_it_no_need() {
        assert!(Needs::of(&[r"(?:ignore|[a-z]{3})x".to_owned()]).is_none());
        assert!(Needs::of(&["ignore.*".to_owned()]).is_none(), "a match of any length");
    }
}
