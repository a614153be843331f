//! What an agent changed in a copied workspace, against the record of what went in.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::beneath::Folder;
use super::executed;
use super::record::{Digesting, Item, Record, digest_of, is_compared};
use super::saved::{self, Kind};

/// A longer text is not shown line by line.
const TEXT_LIMIT: u64 = 1 << 20;

/// All texts that are kept to be shown.
const TEXTS_LIMIT: u64 = 64 << 20;

/// One file that is not as it was.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Change {
    pub path: PathBuf,
    pub what: What,
    /// What on the host acts on this file by itself.
    pub acted_on: Option<&'static str>,
    /// The lines, as a unified diff; absent where they are not text or not there any more.
    pub lines: Option<String>,
}

/// How it is not as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    Added,
    Changed,
    Removed,
    /// The contents are the same.
    Mode,
    /// Its name leaves the workspace, or it is a device or the like.
    Odd,
}

/// Compares the saved workspace with the record. Lines are shown where the user's folder still holds
/// what went in.
pub(crate) fn changes(
    archive: &Path,
    record: &Record,
    source: Option<&Path>,
) -> anyhow::Result<Vec<Change>> {
    let mut found = Found { seen: BTreeMap::new(), odd: BTreeSet::new(), room: TEXTS_LIMIT };
    let odd_names = saved::read(archive, |entry, contents| found.take(record, entry, contents))?;
    let source = source.and_then(|source| Folder::open(source).ok());
    let mut changes = Vec::new();
    for (path, (item, text)) in &found.seen {
        if let Some(change) =
            compare(path, record.files.get(path), item, text.as_deref(), source.as_ref())
        {
            changes.push(change);
        }
    }
    let gone = record.files.keys().filter(|path| !found.seen.contains_key(*path));
    changes.extend(gone.map(|path| Change {
        path: path.clone(),
        what: What::Removed,
        acted_on: None,
        lines: None,
    }));
    let odd = found.odd.into_iter().chain((odd_names > 0).then(|| PathBuf::from("..")));
    changes.extend(odd.map(|path| Change {
        path,
        what: What::Odd,
        acted_on: Some("it is nothing a workspace should hold"),
        lines: None,
    }));
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(changes)
}

type Texts = BTreeMap<PathBuf, (Item, Option<Vec<u8>>)>;

struct Found {
    seen: Texts,
    odd: BTreeSet<PathBuf>,
    room: u64,
}

impl Found {
    fn take(
        &mut self,
        record: &Record,
        entry: saved::Saved,
        contents: &mut dyn Read,
    ) -> anyhow::Result<()> {
        let path = entry.path;
        match entry.kind {
            Kind::Folder => {}
            Kind::Odd => drop(self.odd.insert(path)),
            Kind::Link(target) => drop(self.seen.insert(path, (Item::Link(target), None))),
            Kind::File { executable, size } => {
                let hook = path.starts_with(".git/hooks");
                if !is_compared(&path) && !hook {
                    return Ok(());
                }
                let mut digesting = Digesting::new(contents);
                let mut text = Vec::new();
                if size <= TEXT_LIMIT.min(self.room) {
                    digesting.read_to_end(&mut text)?;
                } else {
                    io::copy(&mut digesting, &mut io::sink())?;
                }
                let item = Item::File { digest: digesting.hex(), executable };
                // Only what differs is worth keeping.
                let keep = record.files.get(&path) != Some(&item) && !text.is_empty();
                let text = keep.then_some(text);
                self.room -= text.as_ref().map_or(0, |text| text.len() as u64);
                self.seen.insert(path, (item, text));
            }
        }
        Ok(())
    }
}

fn compare(
    path: &Path,
    before: Option<&Item>,
    now: &Item,
    text: Option<&[u8]>,
    source: Option<&Folder>,
) -> Option<Change> {
    let executable = matches!(now, Item::File { executable: true, .. });
    let change = |what, lines| {
        let acted_on = executed::by(path, executable);
        Some(Change { path: path.to_owned(), what, acted_on, lines })
    };
    match (before, now) {
        (Some(before), now) if before == now => None,
        (None, Item::File { .. }) => {
            change(What::Added, text.and_then(|text| lines(path, b"", text)))
        }
        (None, Item::Link(_)) => change(What::Added, None),
        (Some(Item::File { digest, .. }), Item::File { digest: other, .. }) if digest == other => {
            change(What::Mode, None)
        }
        (Some(Item::File { digest, .. }), Item::File { .. }) => {
            let old = original(path, digest, source);
            let lines = old.zip(text).and_then(|(old, new)| lines(path, &old, new));
            change(What::Changed, lines)
        }
        (Some(_), _) => change(What::Changed, None),
    }
}

/// The file as it went in, where the user's folder still has it.
fn original(path: &Path, digest: &str, source: Option<&Folder>) -> Option<Vec<u8>> {
    let file = source?.file(path).ok()??;
    let mut text = Vec::new();
    file.take(TEXT_LIMIT).read_to_end(&mut text).ok()?;
    (digest_of(&text) == digest).then_some(text)
}

fn lines(path: &Path, old: &[u8], new: &[u8]) -> Option<String> {
    if old.contains(&0) || new.contains(&0) {
        return None;
    }
    let [old, new] = [old, new].map(|text| std::str::from_utf8(text).ok());
    let diff = similar::TextDiff::from_lines(old?, new?);
    // A line break in a name would begin a line of the diff.
    let name = crate::ui::line(&path.display().to_string());
    let before =
        if old.is_some_and(str::is_empty) { "/dev/null".to_owned() } else { format!("a/{name}") };
    let text = diff.unified_diff().header(&before, &format!("b/{name}")).to_string();
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, executable: bool) -> Item {
        Item::File { digest: digest_of(text.as_bytes()), executable }
    }

    fn archive(entries: &[(&str, &str, u32)]) -> tempfile::NamedTempFile {
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut tar = tar::Builder::new(out);
        for (name, text, mode) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, format!("workspace/{name}"), text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn tells_what_is_not_as_it_was() {
        let record = [
            ("same", file("x", false)),
            ("changed", file("old\n", false)),
            ("mode", file("x", false)),
            ("removed", file("x", false)),
            (".git/config", file("c", false)),
        ];
        let files = record.map(|(path, item)| (PathBuf::from(path), item)).into();
        let saved = archive(&[
            ("same", "x", 0o644),
            ("changed", "new\n", 0o644),
            ("mode", "x", 0o755),
            (".git/config", "evil", 0o644),
            (".git/HEAD", "x", 0o644),
            (".git/hooks/post-merge", "evil", 0o755),
            (".vscode/tasks.json", "{}", 0o644),
        ]);
        let source = tempfile::tempdir().unwrap();
        compose_run::replace(&source.path().join("changed"), b"old\n", 0o644).unwrap();
        let changes = changes(saved.path(), &Record { files }, Some(source.path())).unwrap();
        let shown: Vec<_> = changes
            .iter()
            .map(|change| (change.path.to_str().unwrap(), change.what, change.acted_on.is_some()))
            .collect();
        let expected = [
            (".git/config", What::Changed, true),
            (".git/hooks/post-merge", What::Added, true),
            (".vscode/tasks.json", What::Added, true),
            ("changed", What::Changed, false),
            ("mode", What::Mode, true),
            ("removed", What::Removed, false),
        ];
        assert_eq!(shown, expected);
        let lines = changes[3].lines.as_deref().unwrap();
        assert_eq!(lines, "--- a/changed\n+++ b/changed\n@@ -1 +1 @@\n-old\n+new\n");
    }
}
