//! Where links lead: one git answers for all of them, begun for the first.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout, Stdio};

use anyhow::{Context as _, bail};

use crate::program::{Program, Running};

/// The longest target of a link.
const TARGET_LIMIT: u64 = 4096;
/// The longest line that tells of an object.
const HEAD_LIMIT: u64 = 1024;

/// The links of one push.
#[derive(Debug)]
pub(super) struct Links {
    git: Program,
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    _git: Running,
    names: ChildStdin,
    objects: BufReader<ChildStdout>,
}

impl Links {
    pub(super) fn new(git: Program) -> Self {
        Self { git, asked: None }
    }

    /// The target that a link's object holds, or the beginning of a long one.
    pub(super) fn target(&mut self, object: &str) -> anyhow::Result<String> {
        let asked = match &mut self.asked {
            Some(asked) => asked,
            none => none.insert(Asked::begin(&self.git)?),
        };
        asked.target(object)
    }
}

impl Asked {
    fn begin(git: &Program) -> anyhow::Result<Self> {
        let mut cat = git.clone().args(["cat-file", "--batch=%(objectsize)"]).blocking();
        cat.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = Running(cat.spawn().context("cannot run git")?);
        let (names, objects) = (git.0.stdin.take(), git.0.stdout.take());
        let (Some(names), Some(objects)) = (names, objects) else { bail!("git has no streams") };
        Ok(Self { _git: git, names, objects: BufReader::new(objects) })
    }

    fn target(&mut self, object: &str) -> anyhow::Result<String> {
        let cannot = "cannot read a link";
        writeln!(self.names, "{object}").context(cannot)?;
        let mut head = String::new();
        self.objects.by_ref().take(HEAD_LIMIT).read_line(&mut head).context(cannot)?;
        let size: u64 = head.trim_end().parse().context(cannot)?;
        let mut text = Vec::new();
        // The line's end behind the object is a byte of its own.
        let mut rest = self.objects.by_ref().take(size + 1);
        rest.by_ref().take(size.min(TARGET_LIMIT)).read_to_end(&mut text).context(cannot)?;
        io::copy(&mut rest, &mut io::sink()).context(cannot)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
