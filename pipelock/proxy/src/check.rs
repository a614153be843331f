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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_what_has_no_effect_and_what_denies_everything() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join(pipelock::UPSTREAM_FILE);
        let write = |name: &str, text: &str| {
            let mut file = std::fs::OpenOptions::new();
            let file = file.write(true).create_new(true).open(dir.path().join(name));
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        write(
            pipelock::UPSTREAM_FILE,
            "mode: balanced\nforward_proxy: {enabled: true}\n\
             tls_interception: {enabled: true}\ntaint: {enabled: true}\n",
        );
        assert!(check(&config).is_err());
        write(pipelock::BOTTLE_FILE, "version: 1\n");
        check(&config).unwrap();
        let rules = Files::read(&config).unwrap().rules(1).unwrap();
        insta::with_settings!({ filters => [("[0-9a-f]{64}", "[DIGEST]")] }, {
            insta::assert_snapshot!(report(&rules));
        });
    }
}
