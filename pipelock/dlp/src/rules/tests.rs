//! Every rule with examples: random values of the issuer's shape, and near misses.

use std::collections::BTreeSet;

use crate::Rules;
use crate::rule::Trigger;

#[test]
fn every_expression_compiles_and_every_name_is_one() {
    let mut names = BTreeSet::new();
    for rule in super::all() {
        assert!(crate::set::expression(rule.expression).is_some(), "{}", rule.id);
        if let Trigger::Anchors(anchors) = &rule.trigger {
            assert!(anchors.iter().all(|anchor| anchor.len() >= 3), "{}", rule.id);
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
