//! What a push wants of the refs, as git hands it to its hook: two objects and a name for each.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use git_gate::Change;

use crate::program::{Program, Running};

/// One line of what a push wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Update {
    pub(super) old: String,
    pub(super) new: String,
    pub(super) name: String,
}

/// Reads every line, or none.
pub(super) fn read(text: &str) -> anyhow::Result<Vec<Update>> {
    let updates = text.lines().map(|line| {
        let mut parts = line.splitn(3, ' ');
        let (old, new, name) = (parts.next(), parts.next(), parts.next());
        let (Some(old), Some(new), Some(name)) = (old, new, name) else {
            bail!("an update is not in git's form");
        };
        if !is_object(old) || !is_object(new) || name.is_empty() || name.starts_with('-') {
            bail!("an update is not in git's form");
        }
        Ok(Update { old: old.to_owned(), new: new.to_owned(), name: name.to_owned() })
    });
    let updates: Vec<Update> = updates.collect::<Result<_, _>>()?;
    if updates.is_empty() {
        bail!("there is nothing to push");
    }
    Ok(updates)
}

fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_none(object: &str) -> bool {
    object.bytes().all(|byte| byte == b'0')
}

impl Update {
    /// The object the ref is to name; `None` for a delete.
    pub(super) fn new_object(&self) -> Option<&str> {
        Some(self.new.as_str()).filter(|new| !is_none(new))
    }

    /// The object the ref names now, as the client believes; `None` where it is to be made.
    pub(super) fn old_object(&self) -> Option<&str> {
        Some(self.old.as_str()).filter(|old| !is_none(old))
    }

    /// What happens to the ref, by git's own knowledge of the two objects.
    pub(super) fn change(&self, git: &Program) -> anyhow::Result<Change> {
        match (self.old_object(), self.new_object()) {
            (None, None) => bail!("an update changes nothing"),
            (None, Some(_)) => Ok(Change::Create),
            (Some(_), None) => Ok(Change::Delete),
            (Some(old), Some(new)) => {
                let args = ["merge-base", "--is-ancestor", old, new];
                let ask = git.clone().args(args);
                let output = ask.blocking().output().context("cannot run git")?;
                // Anything but a plain yes (a tag of a blob has no ancestors) drops something.
                Ok(if output.status.success() { Change::Advance } else { Change::Force })
            }
        }
    }
}

/// A question to the mirror, under way: what the refs of a push are now.
#[derive(Debug)]
pub(super) struct Current(Running);

impl Current {
    /// Asks for all of them at once.
    pub(super) fn ask(git: &Program, updates: &[Update]) -> anyhow::Result<Self> {
        let ask = git.clone().args(["for-each-ref", "--format=%(objectname) %(refname)", "--"]);
        let mut ask = ask.args(updates.iter().map(|update| &update.name)).blocking();
        ask.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(Self(Running(ask.spawn().context("cannot run git")?)))
    }

    /// The first update whose ref is not what the client believes: git compares only after its hook,
    /// when the upstream would have been changed already.
    pub(super) fn moved(self, updates: &[Update]) -> anyhow::Result<Option<&Update>> {
        let Self(mut git) = self;
        let mut said = Vec::new();
        if let Some(output) = &mut git.0.stdout {
            output.read_to_end(&mut said).context("cannot read the mirror's refs")?;
        }
        if !git.0.wait().context("cannot run git")?.success() {
            bail!("git could not read the mirror's refs");
        }
        let said = String::from_utf8_lossy(&said);
        // A name stands for what lies below it, too: only whole ones count.
        let refs: BTreeMap<&str, &str> =
            said.lines().filter_map(|line| line.split_once(' ')).map(|(o, n)| (n, o)).collect();
        let is_current =
            |update: &&Update| refs.get(update.name.as_str()).copied() == update.old_object();
        Ok(updates.iter().find(|update| !is_current(update)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const NONE: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn h2_only_gits_own_form_is_read() {
        let updates = read(&format!("{NONE} {A} refs/heads/x\n{A} {NONE} refs/heads/y\n")).unwrap();
        assert_eq!((updates[0].old_object(), updates[0].new_object()), (None, Some(A)));
        assert_eq!(updates[1].new_object(), None);
        for bad in ["", "x y z\n", &format!("{A} {A}\n"), &format!("{A} {A} --all\n")] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
