//! What can be said of a rule's matches without running its expression: which bytes may stand in
//! each of the first places, and how long a match is.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::bytes::ENDS;

/// How many places are known.
const PLACES: usize = 32;

/// The outline of an expression.
pub(crate) struct Shape {
    /// For each byte, in which of the first places it may stand; a bit for each place.
    places: Box<[u32; 256]>,
    /// The fewest bytes of a match.
    pub(crate) least: usize,
    /// Whether a match may hold white space, quotes or the like, and go on past the end of a word.
    pub(crate) spans: bool,
}

impl Shape {
    /// Of an expression of bytes; nothing where it is none.
    pub(crate) fn of(expression: &str) -> Option<Self> {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(expression).ok()?;
        let least = hir.properties().minimum_len()?;
        let mut shape = Self { places: Box::new([0; 256]), least, spans: false };
        // What follows a match may be anything.
        let ends = shape.walk(&hir, 1);
        let free = (0..PLACES).filter(|end| ends >> end & 1 == 1).min();
        if let Some(free) = free {
            shape.places.iter_mut().for_each(|places| *places |= u32::MAX << free);
        }
        Some(shape)
    }

    /// Whether a match may begin with these bytes, as far as there are any.
    pub(crate) fn allows(&self, text: &[u8]) -> bool {
        let mut bit = 1_u32;
        for &byte in text.iter().take(PLACES) {
            if self.places[usize::from(byte)] & bit == 0 {
                return false;
            }
            bit <<= 1;
        }
        true
    }

    /// What may stand in one of the first places.
    pub(crate) fn allowed(&self, place: usize) -> Vec<u8> {
        let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place));
        // Beyond the places that are known it may be anything.
        let may = |byte: &u8| bit.is_none_or(|bit| self.places[usize::from(*byte)] & bit != 0);
        (0..=u8::MAX).filter(may).collect()
    }

    /// Takes in what may stand from these places on, and returns where it may end. The sets have a
    /// bit for each place; what ends beyond the last is left out.
    fn walk(&mut self, hir: &Hir, from: u64) -> u64 {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => from,
            HirKind::Literal(text) => text.0.iter().fold(from, |from, &b| self.step(from, b..=b)),
            HirKind::Class(Class::Bytes(class)) => {
                let ends =
                    class.ranges().iter().map(|range| self.step(from, range.start()..=range.end()));
                ends.fold(0, |ends, end| ends | end)
            }
            // The expressions are of bytes: should there be one of characters, anything may follow.
            HirKind::Class(Class::Unicode(_)) => {
                self.step(from, 0..=u8::MAX);
                u64::MAX >> from.trailing_zeros() << from.trailing_zeros()
            }
            HirKind::Capture(capture) => self.walk(&capture.sub, from),
            HirKind::Concat(parts) => parts.iter().fold(from, |from, part| self.walk(part, from)),
            HirKind::Alternation(parts) => {
                parts.iter().fold(0, |ends, part| ends | self.walk(part, from))
            }
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(u32::MAX);
                let (mut ends, mut at, mut nth) = (0, from, 0);
                loop {
                    if nth >= repetition.min {
                        ends |= at;
                    }
                    // Beyond the last place, or nothing new: the rest says no more.
                    if nth == most || (at == 0 && nth > 0) || nth > 2 * 64 {
                        return ends;
                    }
                    at = self.walk(&repetition.sub, at);
                    nth += 1;
                }
            }
        }
    }

    fn step(&mut self, from: u64, bytes: std::ops::RangeInclusive<u8>) -> u64 {
        let places = u32::try_from(from & u64::from(u32::MAX)).unwrap_or_default();
        for byte in bytes {
            self.places[usize::from(byte)] |= places;
            self.spans |= ENDS.has(byte);
        }
        (from << 1) & ((1 << PLACES) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_says_no_only_where_the_expression_does() {
        let shape = Shape::of("ab(?:c|de)[0-9]{2,40}x").unwrap();
        assert_eq!(shape.least, 6);
        for text in ["abc12x", "abde12345678x", "abc1", "a", ""] {
            assert!(shape.allows(text.as_bytes()), "{text}");
        }
        for text in ["abx", "abc1?", "abdc"] {
            assert!(!shape.allows(text.as_bytes()), "{text}");
        }
        assert!(!shape.spans && Shape::of("a{60}[a ]").unwrap().spans);
        let behind = Shape::of("ab{2}").unwrap();
        assert!(behind.allows(b"abb and anything") && !behind.allows(b"ab!"));
    }
}
