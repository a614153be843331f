//! What a match of a rule cannot do without, read off its expression: short texts in their order,
//! and how far apart they may stand. Only where all of them stand is the expression run.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem::{self, Finder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};

/// The most that is asked of a rule.
const MOST: usize = 4;
/// With so many of some length, nothing shorter is asked: it stands everywhere.
const ENOUGH: usize = 2;
/// Texts of such lengths tell something; shorter ones tell little, and single bytes nothing.
const LONG: usize = 4;
const LEAST: usize = 2;

/// One of these texts.
type Need = Vec<Vec<u8>>;

/// The needs of all rules, ready to be looked for in a plain text.
#[derive(Debug)]
pub(super) struct Needs {
    texts: AhoCorasick,
    rows: Rows,
}

/// Of those rules that no word of a list stands for: the text that is rarest elsewhere, to be looked
/// for in a text as it is, and what else must stand near.
#[derive(Debug, Default)]
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

/// Where needs stand in their order.
#[derive(Debug, Default)]
struct Rows {
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
        let (mut texts, mut rows) = (Vec::new(), Rows::default());
        for expression in expressions {
            let (needs, longest) = read(expression)?;
            let needs = chosen(needs);
            if needs.is_empty() {
                return None;
            }
            rows.add(needs, longest, &mut texts);
        }
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        let texts = AhoCorasick::builder().kind(kind).build(texts).ok()?;
        Some(Self { texts, rows: rows.sorted() })
    }

    /// The parts of a plain text that a match of a rule may lie in; of each rule in their order and
    /// apart.
    pub(super) fn parts(&self, text: &[u8]) -> Vec<(usize, Range<usize>)> {
        let found = self.texts.find_overlapping_iter(text);
        self.rows.parts(found.map(|found| (found.pattern().as_usize(), found.range())), text.len())
    }
}

impl Unlisted {
    /// Of the rules that need none of the words.
    pub(super) fn of(expressions: &[String], words: &[&str]) -> Self {
        let mut unlisted = Self::default();
        for expression in expressions {
            let Some((mut needs, longest)) = read(expression) else { continue };
            let listed = |text: &Vec<u8>| {
                words.iter().any(|word| memmem::find(text, word.as_bytes()).is_some())
            };
            if needs.iter().any(|need| need.iter().all(listed)) {
                continue;
            }
            needs.retain(|need| worth(need).0 >= LEAST);
            needs.sort_by_key(|need| std::cmp::Reverse(worth(need)));
            let Some((first, others)) =
                needs.split_first().filter(|(first, _)| worth(first).0 >= LONG)
            else {
                continue;
            };
            let finders =
                |need: &Need| need.iter().map(|text| Finder::new(text).into_owned()).collect();
            let rest = others.iter().map(finders).collect();
            for text in first {
                unlisted.add(text);
            }
            unlisted.rules.push(Near { rest, longest });
        }
        unlisted
    }

    /// Another text of the rule that comes next.
    fn add(&mut self, text: &[u8]) {
        let at = self.texts.iter().position(|known| known == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.uses.push(Vec::new());
            self.texts.len() - 1
        });
        if let Some(uses) = self.uses.get_mut(at) {
            uses.push(self.rules.len());
        }
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

impl Rows {
    fn add(&mut self, needs: Vec<Need>, longest: usize, texts: &mut Vec<Vec<u8>>) {
        let rule = self.rules.len();
        self.rules.push(Asked { needs: needs.len(), longest });
        for (nth, need) in needs.into_iter().enumerate() {
            for text in need {
                let at = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                    texts.push(text);
                    self.uses.push(Vec::new());
                    texts.len() - 1
                });
                if let Some(uses) = self.uses.get_mut(at) {
                    uses.push((rule, nth));
                }
            }
        }
    }

    /// The last need first, so that one place does not stand for two.
    fn sorted(mut self) -> Self {
        for uses in &mut self.uses {
            uses.sort_unstable_by(|one, other| other.cmp(one));
        }
        self
    }

    /// Where a match of each rule may lie, from the places of texts in the order of their ends.
    fn parts(
        &self,
        found: impl Iterator<Item = (usize, Range<usize>)>,
        len: usize,
    ) -> Vec<(usize, Range<usize>)> {
        // Of each rule and need: where the last row of needs up to it began.
        let mut begun = vec![[None::<usize>; MOST]; self.rules.len()];
        let mut last: Vec<Option<Range<usize>>> = vec![None; self.rules.len()];
        let mut parts = Vec::new();
        for (text, place) in found {
            for &(rule, nth) in self.uses.get(text).into_iter().flatten() {
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
                    let end = (start + asked.longest).min(len);
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
fn read(expression: &str) -> Option<(Vec<Need>, usize)> {
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
fn worth(need: &Need) -> (usize, std::cmp::Reverse<usize>) {
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
