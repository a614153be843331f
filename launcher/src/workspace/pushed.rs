//! What of a clone was pushed and what was not, told from git-gate's decisions and from the refs in
//! the saved workspace, which are read as the small text files they are: no git runs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use compose_run::BottleDir;
use serde::Serialize;

use super::clone::{Cloned, is_object};
use super::saved::{self, Kind};
use crate::decisions;
use crate::ui::plain;

/// A ref's file is a line.
const REF_LIMIT: u64 = 4096;
/// A million refs that are packed take less.
const PACKED_LIMIT: u64 = 64 << 20;
/// So many branches are told of.
const SHOWN: usize = 20;
/// The digits of an object's name that people read.
const DIGITS: usize = 12;

/// What became of a clone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct CloneReport {
    pub upstream: String,
    pub branch: String,
    /// Refs of the upstream and the object that was pushed to each last, by git-gate's own word.
    pub pushed: BTreeMap<String, String>,
    /// Branches of the workspace whose last commit is neither pushed nor what came with a fetch, by
    /// what lies in the saved workspace. `None` while the bottle runs.
    pub not_pushed: Option<BTreeMap<String, String>>,
    /// Why the branches could not be looked at.
    pub unread: Option<String>,
}

/// What became of the clone of that bottle; `None` where its workspace is none.
pub(crate) fn pushed(dir: &BottleDir) -> anyhow::Result<Option<CloneReport>> {
    let Some(cloned) = Cloned::load(dir.path())? else { return Ok(None) };
    let (mut pushed, mut ever) = (BTreeMap::new(), BTreeSet::new());
    for decision in decisions::read(dir.path())? {
        let is_push = decision.text("service") == Some("git-gate")
            && decision.text("reason") == Some("pushed");
        let (Some(name), Some(new)) = (decision.text("ref"), decision.text("new")) else {
            continue;
        };
        if !is_push || !is_object(new) {
            continue;
        }
        if new.bytes().all(|digit| digit == b'0') {
            pushed.remove(name);
        } else {
            pushed.insert(name.to_owned(), new.to_owned());
            ever.insert(new.to_owned());
        }
    }
    let tar = dir.workspace_tar();
    let refs = tar.exists().then(|| Refs::of(&tar));
    let (not_pushed, unread) = match refs {
        None => (None, None),
        Some(Err(error)) => (None, Some(format!("{error:#}"))),
        Some(Ok(refs)) if refs.branches.is_empty() && !refs.is_repository => {
            (None, Some("the workspace holds no repository any more".to_owned()))
        }
        Some(Ok(refs)) if refs.foreign => {
            (None, Some("its refs are kept in a form that is not read here".to_owned()))
        }
        Some(Ok(refs)) => {
            ever.extend(cloned.base.clone());
            ever.extend(refs.fetched);
            let left = refs.branches.into_iter().filter(|(_, object)| !ever.contains(object));
            (Some(left.collect()), None)
        }
    };
    let Cloned { upstream, branch, .. } = cloned;
    Ok(Some(CloneReport { upstream, branch, pushed, not_pushed, unread }))
}

impl CloneReport {
    /// For people: each line with its heading.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines =
            vec![("clone", plain(&format!("{}, branch {}", self.upstream, self.branch)))];
        let each = |(name, object): (&String, &String)| {
            format!("{} {}", plain(name), object.get(..DIGITS).unwrap_or(object))
        };
        let list = |refs: &BTreeMap<String, String>| match refs.len() {
            0 => "nothing".to_owned(),
            count => {
                let mut shown: Vec<_> = refs.iter().take(SHOWN).map(each).collect();
                if count > SHOWN {
                    shown.push(format!("and {} more", count - SHOWN));
                }
                shown.join(", ")
            }
        };
        lines.push(("pushed", list(&self.pushed)));
        match (&self.not_pushed, &self.unread) {
            (Some(refs), _) => lines.push(("not pushed", list(refs))),
            (None, Some(why)) => lines.push(("not pushed", format!("unknown: {}", plain(why)))),
            (None, None) => lines.push(("not pushed", "told when the bottle has ended".to_owned())),
        }
        lines
    }
}

/// The refs of a saved repository.
#[derive(Debug, Default)]
struct Refs {
    branches: BTreeMap<String, String>,
    /// What remote-tracking branches and tags name.
    fetched: BTreeSet<String>,
    is_repository: bool,
    /// Its refs are not files.
    foreign: bool,
}

impl Refs {
    fn of(tar: &Path) -> anyhow::Result<Self> {
        let (mut refs, mut packed) = (Self::default(), BTreeMap::new());
        saved::read(tar, |entry, contents| {
            let Ok(name) = entry.path.strip_prefix(".git") else { return Ok(()) };
            let Kind::File { .. } = entry.kind else { return Ok(()) };
            let Some(name) = name.to_str() else { return Ok(()) };
            refs.is_repository |= name == "HEAD";
            refs.foreign |= name.starts_with("reftable/");
            if name == "packed-refs" {
                let mut text = String::new();
                contents.take(PACKED_LIMIT).read_to_string(&mut text)?;
                let pairs = text.lines().filter_map(|line| line.split_once(' '));
                packed.extend(pairs.map(|(object, name)| (name.to_owned(), object.to_owned())));
            } else if name.starts_with("refs/") {
                let mut text = Vec::new();
                contents.take(REF_LIMIT).read_to_end(&mut text)?;
                refs.add(name, String::from_utf8_lossy(&text).trim());
            }
            Ok(())
        })?;
        // A file says more than a line of the packed ones, which it came after.
        for (name, object) in packed {
            if !refs.branches.contains_key(&name) {
                refs.add(&name, &object);
            }
        }
        Ok(refs)
    }

    fn add(&mut self, name: &str, object: &str) {
        if !is_object(object) {
            // Symbolic, or nothing that git wrote.
            return;
        }
        if name.starts_with("refs/heads/") {
            self.branches.insert(name.to_owned(), object.to_owned());
        } else if name.starts_with("refs/remotes/") || name.starts_with("refs/tags/") {
            self.fetched.insert(object.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::bottles::tests::{folder_of, state};

    fn object(digit: char) -> String {
        digit.to_string().repeat(40)
    }

    fn tar(dir: &BottleDir, files: &[(&str, String)]) {
        let mut out = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            out.append_data(&mut header, format!("workspace/.git/{name}"), text.as_bytes())
                .unwrap();
        }
        let bytes = out.into_inner().unwrap();
        fs_err::File::create(dir.workspace_tar()).unwrap().write_all(&bytes).unwrap();
    }

    #[test]
    fn h6_what_was_not_pushed_is_told_without_a_git() {
        let (_folder, state) = state();
        let dir = folder_of(&state, "b");
        assert_eq!(pushed(&dir).unwrap(), None);
        let (upstream, branch) = ("git@git.example.org:a/b.git", "agent/b/work");
        let base = Some(object('a'));
        Cloned { upstream: upstream.to_owned(), branch: branch.to_owned(), base }
            .save(dir.path())
            .unwrap();
        let outbox = dir.path().join("git-gate/outbox");
        fs_err::create_dir_all(&outbox).unwrap();
        let line = |name: &str, reason: &str, digit| {
            format!(
                "{{\"time\":\"2026-01-01T00:00:01Z\",\"service\":\"git-gate\",\"event\":\"push\",\
                 \"reason\":\"{reason}\",\"ref\":\"refs/heads/{name}\",\"new\":\"{}\"}}\n",
                object(digit)
            )
        };
        let lines = [
            line("agent/b/work", "pushed", 'b'),
            line("agent/b/gone", "pushed", 'c'),
            line("agent/b/gone", "pushed", '0'),
            // Named as it stands, so that what removes it is known for the same.
            line("agent/b/od\\u001bd", "pushed", 'c'),
            line("agent/b/od\\u001bd", "pushed", '0'),
            line("agent/b/no", "refused", 'd'),
        ];
        compose_run::replace(&outbox.join("decisions.jsonl"), lines.concat().as_bytes(), 0o644)
            .unwrap();
        assert_eq!(pushed(&dir).unwrap().unwrap().not_pushed, None);
        let packed = format!(
            "# pack-refs with: peeled\n{} refs/heads/main\n{} refs/heads/agent/b/work\n{} \
             refs/heads/packed\n",
            object('a'),
            object('1'),
            object('e')
        );
        tar(
            &dir,
            &[
                ("HEAD", "ref: refs/heads/agent/b/work\n".to_owned()),
                ("packed-refs", packed),
                ("refs/heads/agent/b/work", object('b') + "\n"),
                ("refs/heads/agent/b/no", object('d') + "\n"),
                ("refs/heads/theirs", object('f') + "\n"),
                ("refs/remotes/origin/theirs", object('f') + "\n"),
                ("refs/heads/odd\u{1b}", object('d') + "\n"),
                ("config", "[core]\n\tfsmonitor = touch /tmp/ran\n".to_owned()),
            ],
        );
        let told = pushed(&dir).unwrap().unwrap();
        assert_eq!(told.pushed.keys().collect::<Vec<_>>(), ["refs/heads/agent/b/work"]);
        let left: Vec<_> = told.not_pushed.iter().flatten().map(|(name, _)| name).collect();
        assert_eq!(left, ["refs/heads/agent/b/no", "refs/heads/odd\u{1b}", "refs/heads/packed"]);
        let lines = told.lines();
        assert!(lines.iter().all(|(_, line)| !line.contains('\u{1b}')), "{lines:?}");
        tar(&dir, &[("config", String::new())]);
        assert!(pushed(&dir).unwrap().unwrap().unread.is_some());
    }
}
