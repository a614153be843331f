//! `check`: what is wrong with a configuration, without serving anything.

use crate::rules::{Files, Rules};
use anyhow::Context as _;
use std::{
    io::{self, Write as _},
    path::Path,
};

/// Succeeds when the configuration would come into force; the report goes to stderr, as upstream's
/// does.
pub fn check(config: &Path) -> anyhow::Result<()> {
    let rules = Files::read(config)?.rules(1)?;
    io::stderr().write_all(report(&rules).as_bytes()).context("cannot write to stderr")
}

fn report(rules: &Rules) -> String {
    let policy = &rules.policy;
    let mut text = format!(
        "Config validation: OK\nallowed hosts: {}, routed: {}, digest: {}\n",
        policy.allow.len(),
        policy.routed.len(),
        rules.digest
    );
    if policy.allow.is_empty() {
        text.push_str("warning: nothing is allowed, so everything is denied\n");
    }
    for key in &rules.not_enforced {
        text.push_str("parsed, not enforced: ");
        text.push_str(key);
        text.push('\n');
    }
    text
}
