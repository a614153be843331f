//! What the written file says to a reader of YAML, and to a person.

use super::*;
use crate::{ImageRef, Network, Role, stitch};

/// Texts that a careless writer turns into something else.
pub(crate) const AWKWARD: [&str; 30] = [
    "",
    " ",
    "~",
    "null",
    "true",
    "no",
    "on",
    "1_000",
    "0x1f",
    "0o17",
    "1e3",
    ".inf",
    "2001-02-03",
    "12:30:45",
    "- a",
    "a: b",
    "a #b",
    "#",
    "&a",
    "*a",
    "!tag",
    "%x",
    "@x",
    "`x`",
    "'",
    "\"",
    "\\",
    "a\nb: c",
    "${HOME} $X $$",
    "\u{7f}\u{85}\u{2028}\u{1b}[31m",
];

fn project(value: &str) -> Project {
    let at = "10.213.0.3".parse().unwrap();
    let service = ServiceSpec::hardened(Role::Pipelock, ImageRef::local("pipelock", "0"))
        .network(Network::Uplink, at)
        .environment("AWKWARD", value)
        .secret_environment("BOTTLE_HOP_SECRET");
    stitch(&"fix-login".parse().unwrap(), [service]).unwrap()
}

#[test]
fn i5_no_text_becomes_anything_but_that_text() {
    for value in AWKWARD {
        let yaml = to_yaml(&project(value));
        let line = yaml.lines().find(|line| line.contains("AWKWARD=")).unwrap();
        let json = line.trim().trim_start_matches("- ").replace("$$", "$");
        let read: String = serde_json::from_str(&json).unwrap();
        assert_eq!(read, format!("AWKWARD={value}"));
    }
}

#[test]
fn a_secret_variable_is_a_bare_name() {
    let yaml = to_yaml(&project("x"));
    assert!(yaml.lines().any(|line| line.trim() == "- \"BOTTLE_HOP_SECRET\""), "{yaml}");
}

#[test]
fn one_hardened_service() {
    insta::assert_snapshot!(to_yaml(&project("x")));
}
