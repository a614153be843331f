//! What a push wants of the refs, as git hands it to its hook: two objects and a name for each.

use anyhow::{Context as _, bail};
use git_gate::Change;

use crate::program::Program;

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

    /// Whether the mirror's ref is what the client believes: git compares only after its hook, when
    /// the upstream would have been changed already.
    pub(super) fn is_current(&self, git: &Program) -> anyhow::Result<bool> {
        let ask = git.clone().args(["for-each-ref", "--format=%(objectname)", "--", &self.name]);
        let output = ask.blocking().output().context("cannot run git")?;
        let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(output.status.success() && found == self.old_object().unwrap_or_default())
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
