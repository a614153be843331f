//! The new objects of a push, one after the other, in constant memory: one git lists them, and another
//! writes them out.

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::Stdio;

use anyhow::{Context as _, anyhow, bail};

use super::Unjudged;
use crate::program::{Program, Running};

/// The longest line that tells of an object: a path is in it.
const HEAD_LIMIT: u64 = 64 * 1024;
const BUFFER: usize = 256 * 1024;

/// What an object is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Blob,
    Tree,
    Commit,
    Tag,
}

/// An object, without its contents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    /// A path by which it is reached first.
    pub(crate) path: Option<String>,
}

impl Object {
    /// The bytes that an object's name has inside a tree.
    pub(crate) fn name_length(&self) -> usize {
        self.name.len() / 2
    }

    fn of(line: &str) -> anyhow::Result<Self> {
        let mut parts = line.splitn(4, ' ');
        let (name, kind, size) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(kind)) = (name, kind) else { bail!("git tells of no object") };
        let kind = match kind {
            "blob" => Kind::Blob,
            "tree" => Kind::Tree,
            "commit" => Kind::Commit,
            "tag" => Kind::Tag,
            _ => bail!("an object of the push is missing"),
        };
        let size = size.context("an object has no size")?.parse().context("an object's size")?;
        let path = parts.next().filter(|path| !path.is_empty()).map(str::to_owned);
        Ok(Self { name: name.to_owned(), kind, size, path })
    }
}

/// Shows every object that is reached from the new ones and not from the known. What `see` leaves unread is skipped.
pub(crate) fn each(
    git: &Program,
    news: &[&str],
    known: &[&str],
    mut see: impl FnMut(&Object, &mut dyn Read) -> Result<(), Unjudged>,
) -> Result<(), Unjudged> {
    let list = git.clone().args(["rev-list", "--objects"]).args(news.iter().copied());
    let mut list = list.args(["--not"]).args(known.iter().copied()).blocking();
    list.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut list = Running(list.spawn().context("cannot run git")?);
    let names = list.0.stdout.take().ok_or_else(|| anyhow!("git has no output"))?;
    let format = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)";
    let mut write = git.clone().args(["cat-file", "--buffer", format]).blocking();
    write.stdin(Stdio::from(names)).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut write = Running(write.spawn().context("cannot run git")?);
    let objects = write.0.stdout.take().ok_or_else(|| anyhow!("git has no output"))?;
    let mut objects = BufReader::with_capacity(BUFFER, objects);
    while let Some(object) = next(&mut objects)? {
        let mut content = objects.by_ref().take(object.size);
        see(&object, &mut content)?;
        io::copy(&mut content, &mut io::sink()).context("git's output ended early")?;
        let mut end = [0];
        objects.read_exact(&mut end).context("git's output ended early")?;
    }
    let listed = list.0.wait().context("cannot run git")?;
    let written = write.0.wait().context("cannot run git")?;
    if !listed.success() || !written.success() {
        return Err(anyhow!("git could not read the new objects").into());
    }
    Ok(())
}

fn next(objects: &mut impl io::BufRead) -> anyhow::Result<Option<Object>> {
    let mut line = Vec::new();
    objects.take(HEAD_LIMIT).read_until(b'\n', &mut line).context("cannot read git's output")?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        bail!("git's output ended early");
    }
    Object::of(&String::from_utf8_lossy(&line)).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_object_is_no_object() {
        let found = Object::of("aa blob 12 src/a b.rs").unwrap();
        assert_eq!((found.kind, found.size), (Kind::Blob, 12));
        assert_eq!(found.path.as_deref(), Some("src/a b.rs"));
        assert_eq!(Object::of("aa commit 200 ").unwrap().path, None);
        for bad in ["aa missing", "aa", "", "aa blob x p"] {
            assert!(Object::of(bad).is_err(), "{bad}");
        }
    }
}
