//! Every rule with examples: random values of the issuer's shape, and near misses.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::Rules;
use crate::bytes::ENDS;
use crate::rule::{Rule, Trigger};

#[test]
fn every_expression_compiles_and_every_name_is_one() {
    let mut names = BTreeSet::new();
    for rule in super::all() {
        assert!(crate::set::expression(rule.expression).is_some(), "{}", rule.id);
        if let Trigger::Anchors(anchors) = &rule.trigger {
            assert!(anchors.iter().all(|anchor| anchor.len() >= 3), "{}", rule.id);
            // What a chunk's edge cuts is seen again only from the last word on.
            let word = |anchor: &&str| !anchor.bytes().any(|byte| ENDS.has(byte));
            assert!(anchors.iter().all(word), "{}", rule.id);
        }
        assert!(names.insert(rule.id), "{} twice", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
    }
    assert!(names.len() >= 110, "{}", names.len());
}

#[test]
fn builtin_is_the_table() {
    assert_eq!(Rules::builtin().names().count(), super::all().count());
}

/// Numbers that look drawn and are the same every time.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 33).unwrap() % end
    }

    /// A text that the expression matches.
    fn of(&mut self, hir: &Hir, out: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(text) => out.extend_from_slice(&text.0),
            HirKind::Class(Class::Bytes(class)) => {
                let visible: Vec<u8> = class
                    .ranges()
                    .iter()
                    .flat_map(|range| range.start()..=range.end())
                    .filter(|byte| byte.is_ascii_graphic() || *byte == b' ')
                    .collect();
                let nth = self.below(u32::try_from(visible.len()).unwrap());
                out.push(visible[usize::try_from(nth).unwrap()]);
            }
            HirKind::Class(Class::Unicode(_)) => panic!("an expression of bytes"),
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap().min(repetition.min + 40);
                for _ in 0..repetition.min + self.below(most - repetition.min + 1) {
                    self.of(&repetition.sub, out);
                }
            }
            HirKind::Capture(capture) => self.of(&capture.sub, out),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.of(part, out)),
            HirKind::Alternation(parts) => {
                let nth = self.below(u32::try_from(parts.len()).unwrap());
                self.of(&parts[usize::try_from(nth).unwrap()], out);
            }
        }
    }
}

/// Values that the rule's expression matches and its checks, if any, accept.
fn examples(rule: &Rule, count: usize) -> Vec<Vec<u8>> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = { parsed }.parse(&rule.expression.replace("(?i:", "(?:")).unwrap();
    let mut drawn = Drawn(0x9e37_79b9_7f4a_7c15);
    let draw = || {
        let mut value = Vec::new();
        drawn.of(&hir, &mut value);
        value
    };
    let drawn = std::iter::repeat_with(draw).take(count * 200);
    drawn.filter(|value| rule.check.is_none_or(|check| check(value))).take(count).collect()
}

/// Random values are not like these: they carry a checksum or mostly digits. Their checks have tests.
const SUMMED: [&str; 7] = [
    "github-token",
    "npm-token",
    "bitcoin-wif-key",
    "extended-private-key",
    "jwt",
    "discord-bot-token",
    "iban",
];

#[test]
fn every_rule_finds_values_of_its_shape() {
    let mut missed = Vec::new();
    for rule in super::all().filter(|rule| !SUMMED.contains(&rule.id)) {
        let examples = examples(rule, 20);
        assert_eq!(examples.len(), 20, "{} has no examples", rule.id);
        for value in examples {
            let text = [b"{\"v\": \"", value.as_slice(), b"\"}"].concat();
            let found = Rules::builtin().scan(&text);
            if !found.iter().any(|finding| finding.rule == rule.id) {
                missed.push(format!("{}: {}", rule.id, String::from_utf8_lossy(&text)));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn half_of_a_value_is_none() {
    for rule in super::all().filter(|rule| !SUMMED.contains(&rule.id)) {
        let wanted = |value: &[u8]| {
            let found = Rules::builtin().scan(value);
            found.iter().any(|finding| finding.rule == rule.id)
        };
        let cut = |value: Vec<u8>| value[..8.min(value.len() / 2)].to_vec();
        let misses = examples(rule, 5).into_iter().map(cut).filter(|half| !half.is_empty());
        assert!(misses.into_iter().all(|half| !wanted(&half)), "{}", rule.id);
    }
}
