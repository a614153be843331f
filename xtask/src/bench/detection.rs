//! What the scanner finds and what it should leave alone: recall by rule, false alarms over public
//! packages that are fetched here, and memory.

mod corpora;

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::{data, say};

/// Of each rule's published formats.
const EXAMPLES: &str = "1000";
/// What goes through one scan while its memory is watched.
const MEBIBYTES: &str = "1024";
/// Findings of these severities stop a request; others are told in the log.
const STOPS: [&str; 3] = ["medium", "high", "critical"];

pub(super) fn run(checkout: &Checkout) -> anyhow::Result<()> {
    say("building the scanner");
    let build = ["build", "--quiet", "--release", "--package", "dlp", "--example", "detection"];
    Program::cargo(checkout).args(build).run()?;
    let program = checkout.target.join("release/examples/detection");
    let ask = |words: &[&str]| -> anyhow::Result<Value> {
        let text = Program::new(&program).args(words).read()?;
        serde_json::from_str(&text).context("the scanner's answer is no JSON")
    };
    say("recall");
    let recall = ask(&["recall", EXAMPLES])?;
    say("memory");
    let memory = ask(&["memory", MEBIBYTES])?;
    let mut scanned = Vec::new();
    for corpus in corpora::fetched(checkout)? {
        say(format!("scanning {}", corpus.name));
        let found = ask(&["folder", &corpus.folder.to_string_lossy()])?;
        scanned.push(json!({"name": corpus.name, "packages": corpus.packages, "found": found}));
    }
    recalled(&recall);
    for corpus in &scanned {
        false_alarms(corpus, &checkout.target);
    }
    let kib = |key: &str| memory.get(key).and_then(Value::as_u64).unwrap_or_default();
    let more = kib("most_kib").saturating_sub(kib("before_kib"));
    data(format!("\n{MEBIBYTES} MiB through one scan: {more} KiB more resident memory"));
    let figures = json!({"recall": recall, "memory": memory, "corpora": scanned});
    super::keep(checkout, "detection", &figures)
}

/// A row for each rule, those that miss something first.
fn recalled(recall: &Value) {
    let found = recall.get("found").and_then(Value::as_object);
    let mut rows: Vec<(u64, &str)> = found
        .into_iter()
        .flatten()
        .map(|(rule, count)| (count.as_u64().unwrap_or_default(), rule.as_str()))
        .collect();
    rows.sort_unstable();
    data(format!("{:<34}{:>12}", "rule", "of 1000"));
    for (count, rule) in &rows {
        data(format!("{rule:<34}{count:>12}"));
    }
    let all: u64 = rows.iter().map(|(count, _)| count).sum();
    let most = rows.len() as u64 * 1000;
    data(format!("{:<34}{:>12}", format!("{} rules", rows.len()), format!("{all}/{most}")));
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn false_alarms(corpus: &Value, within: &Path) {
    let found = corpus.get("found");
    let number = |key: &str| found.and_then(|found| found.get(key)).and_then(Value::as_u64);
    let bytes = number("bytes").unwrap_or_default();
    let name = corpus.get("name").and_then(Value::as_str).unwrap_or_default();
    let megabytes = bytes as f64 / 1e6;
    data(format!("\n{name}: {megabytes:.0} MB in {} files", number("files").unwrap_or_default()));
    let rules = found.and_then(|found| found.get("rules")).and_then(Value::as_object);
    let mut stopping = 0;
    for (rule, of_rule) in rules.into_iter().flatten() {
        let count = of_rule.get("count").and_then(Value::as_u64).unwrap_or_default();
        let severity = of_rule.get("severity").and_then(Value::as_str).unwrap_or_default();
        if STOPS.contains(&severity) {
            stopping += count;
        }
        data(format!("  {rule:<32}{count:>12}  {severity}"));
        for place in of_rule.get("first").and_then(Value::as_array).into_iter().flatten() {
            let place = place.as_str().unwrap_or_default();
            let short = place.strip_prefix(&*within.to_string_lossy()).unwrap_or(place);
            data(format!("      {short}"));
        }
    }
    let per = stopping as f64 * 100.0 / megabytes.max(1.0);
    data(format!("  would be stopped: {stopping}, {per:.2} for each 100 MB"));
}
