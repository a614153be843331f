//! Every rule with examples: random values of the issuer's shape, and near misses.

use std::collections::BTreeSet;

use crate::Rules;
use crate::bytes::ENDS;
use crate::rule::Trigger;

#[test]
fn every_expression_compiles_and_every_name_is_one() {
    let mut names = BTreeSet::new();
    for rule in super::all() {
        assert!(crate::set::expression(rule.expression).is_some(), "{}", rule.id);
        let shape = crate::shape::Shape::of(rule.expression).unwrap();
        assert!(shape.least >= crate::set::SHORTEST, "{}", rule.id);
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

/// Every rule is fed by a table of the formats that issuers publish, not by its own expression.
#[path = "../../examples/detection/formats.rs"]
mod formats;

#[test]
fn every_rule_finds_the_published_formats_of_its_kind_in_any_surroundings() {
    let mut drawn = formats::Drawn::new(0x9e37_79b9_7f4a_7c15);
    let mut missed = Vec::new();
    for rule in Rules::builtin().names().filter(|rule| *rule != "bottle-secret") {
        let mut any = false;
        for format in formats::of(rule) {
            any = true;
            for nth in 0..40 {
                let value = formats::value(format, &mut drawn);
                let (before, after) =
                    [("{\"v\": \"", "\"}"), ("", ""), ("x=", "&y"), ("- ", "\r\n")][nth % 4];
                let text = format!("{before}{value}{after}");
                let found = Rules::builtin().scan(text.as_bytes());
                if !found.iter().any(|finding| finding.rule == rule) {
                    missed.push(format!("{rule}: {text}"));
                }
            }
        }
        assert!(any, "{rule} has no published format in the table");
    }
    assert!(
        missed.is_empty(),
        "{} {:#?}",
        missed.len(),
        missed.iter().take(40).collect::<Vec<_>>()
    );
}

#[test]
fn what_is_nearly_one_is_none() {
    let mut drawn = formats::Drawn::new(0x2545_f491_4f6c_dd1d);
    for rule in Rules::builtin().names().filter(|rule| *rule != "bottle-secret") {
        for format in formats::of(rule) {
            for _ in 0..5 {
                let value = formats::value(format, &mut drawn);
                for near in nearly(rule, &value) {
                    let found = Rules::builtin().scan(near.as_bytes());
                    let wrong = found.iter().any(|finding| finding.rule == rule);
                    assert!(!wrong, "{rule}: {near}");
                }
            }
        }
    }
}

/// Texts that are nearly a value and none: half of it, and one that is part of a longer word.
fn nearly(rule: &str, value: &str) -> Vec<String> {
    // Any beginning of these is one already, and what is found by a word in it needs no beginning.
    if matches!(rule, "bottle-placeholder" | "private-key" | "putty-private-key" | "seed-phrase") {
        return Vec::new();
    }
    let all: Vec<char> = value.chars().collect();
    vec![all[..all.len().min(9).min(all.len() / 2)].iter().collect()]
}
