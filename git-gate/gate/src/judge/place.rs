//! Where a finding stands, for the person who has to take it out: asked of git once there is one.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use anyhow::Context as _;

use super::objects::{Kind, Object};
use super::scan::Found;
use super::second::Opinion;
use super::{Finding, Place};
use crate::program::Program;

/// The commit, the path and the line.
pub(super) fn of(
    git: &Program,
    news: &[&str],
    object: &Object,
    found: &Found,
) -> anyhow::Result<Finding> {
    let (commit, place) = match object.kind {
        Kind::Commit => (Some(object.name.clone()), Place::Message),
        Kind::Tag => (Some(object.name.clone()), Place::TagMessage),
        Kind::Tree => (commit_with(git, news, &object.name)?, Place::Name),
        Kind::Blob => {
            let path =
                object.path.clone().unwrap_or_else(|| "a file that no tree names".to_owned());
            let line = line_of(git, &object.name, found.offset)?;
            (commit_with(git, news, &object.name)?, Place::File { path, line })
        }
    };
    let (rule, len, encoding) = (found.rule.to_owned(), found.len, found.encoding);
    Ok(Finding { rule, commit, place, len, encoding })
}

/// The same for what gitleaks found.
pub(super) fn of_opinion(
    git: &Program,
    news: &[&str],
    opinion: &Opinion,
) -> anyhow::Result<Finding> {
    let rule = format!("gitleaks:{}", opinion.rule);
    let object = &opinion.object;
    let (commit, place) = match object.kind {
        Kind::Tag => (Some(object.name.clone()), Place::TagMessage),
        Kind::Commit => (Some(object.name.clone()), Place::Message),
        Kind::Blob | Kind::Tree => {
            let path =
                object.path.clone().unwrap_or_else(|| "a file that no tree names".to_owned());
            (commit_with(git, news, &object.name)?, Place::File { path, line: opinion.line })
        }
    };
    Ok(Finding { rule, commit, place, len: 0, encoding: "plain" })
}

/// The first commit of the push that has it.
fn commit_with(git: &Program, news: &[&str], object: &str) -> anyhow::Result<Option<String>> {
    let find = format!("--find-object={object}");
    let log = ["log", "-m", "-t", "--root", "--no-ext-diff", "--no-textconv", "--format=%H"];
    let ask = git.clone().args(log).args([find.as_str(), "--no-patch"]).args(news.iter().copied());
    let output =
        ask.args(["--not", "--all", "--"]).blocking().output().context("cannot run git")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().rev().find(|line| !line.is_empty()).map(str::to_owned))
}

fn line_of(git: &Program, object: &str, offset: u64) -> anyhow::Result<u64> {
    let mut cat = git.clone().args(["cat-file", "blob", object]).blocking();
    cat.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = cat.spawn().context("cannot run git")?;
    let mut lines = Lines(1);
    if let Some(output) = child.stdout.take() {
        std::io::copy(&mut output.take(offset), &mut lines).context("cannot read a file")?;
    }
    // It is not read to its end.
    drop(child.kill());
    child.wait().context("cannot run git")?;
    lines.flush().context("cannot count")?;
    Ok(lines.0)
}

/// Counts the lines of what is written to it.
struct Lines(u64);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += memchr::memchr_iter(b'\n', bytes).count() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
