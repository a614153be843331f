//! What is read from escapes, digits and letters that look alike, against the slow way of each.

use super::*;
use crate::drawn::Drawn;

#[test]
fn escapes_are_seen_many_bytes_at_a_time_as_they_are_one_by_one() {
    let parts =
        ["\\n", "\\u0061", "\\", "\\\\", "\\/", "x", "some words of a text", "\\x61", "\"", "\\U"];
    let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
    for _ in 0..300 {
        let text: String = (0..20)
            .map(|_| {
                // Mostly such as hide nothing.
                let nth = drawn.below(usize::MAX);
                if nth % 7 < 6 { ["\\n", "and so on"][nth % 2] } else { parts[nth % parts.len()] }
            })
            .collect();
        let hides = |pair: &[u8]| pair[0] == b'\\' && b"ux/U".contains(&pair[1]);
        for from in 0..=text.len() {
            let rest = &text.as_bytes()[from..];
            let slow = rest.windows(2).position(hides).map(|at| from + at);
            assert_eq!(next_escape(text.as_bytes(), from), slow, "{text:?} {from}");
        }
    }
}

#[test]
fn every_letter_that_looks_like_another_is_known_by_its_number() {
    for &(letter, those) in ALIKE {
        assert!(those.chars().all(|c| alike(c) == Some(letter)), "{those}");
    }
    let all: usize = ALIKE.iter().map(|(_, those)| those.chars().count()).sum();
    let known = (char::MIN..=char::MAX).filter(|c| alike(*c).is_some()).count();
    assert_eq!(known, all);
}
