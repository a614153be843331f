//! One thing that goes into a bottle's workspace, and how it is written to the stream.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use compose_render::contract;
use tar::{Builder, EntryType, Header};

use super::beneath::Folder;
use super::record::{Digesting, Item, digest_of};

/// A file, a folder or a link.
#[derive(Debug)]
pub(super) struct Entry {
    /// Relative to the workspace.
    pub name: PathBuf,
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u64,
    pub size: u64,
    pub source: Source,
}

/// Where its contents are.
#[derive(Debug)]
pub(super) enum Source {
    /// A file of the host, opened only when its turn comes.
    File(Arc<Folder>, PathBuf),
    Bytes(Vec<u8>),
    Link(PathBuf),
    Folder,
}

impl Entry {
    /// A file with contents of ours.
    pub(super) fn bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        let size = bytes.len() as u64;
        Self { name: name.into(), mode: 0o644, modified: 0, size, source: Source::Bytes(bytes) }
    }

    /// A folder, empty where nothing else lies in it.
    pub(super) fn folder(name: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), mode: 0o755, modified: 0, size: 0, source: Source::Folder }
    }

    /// A file beneath `folder`, as its metadata describe it.
    pub(super) fn file(
        name: impl Into<PathBuf>,
        folder: &Arc<Folder>,
        path: impl Into<PathBuf>,
        meta: &std::fs::Metadata,
    ) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            name: name.into(),
            mode: meta.mode() & 0o777,
            modified: u64::try_from(meta.mtime()).unwrap_or(0),
            size: meta.len(),
            source: Source::File(Arc::clone(folder), path.into()),
        }
    }

    /// Appends it below `prefix` and says what it was. A file that is gone by now is passed over.
    pub(super) fn write(
        &self,
        prefix: &OsStr,
        out: &mut Builder<impl Write>,
    ) -> anyhow::Result<Option<Item>> {
        let name = Path::new(prefix).join(&self.name);
        let failed = || format!("cannot pack `{}`", self.name.display());
        let mut header = Header::new_gnu();
        // The owner can always write: whoever unpacks must be able to fill its own folders.
        let owner = if matches!(self.source, Source::Folder) { 0o700 } else { 0o600 };
        header.set_mode(self.mode | owner);
        header.set_mtime(self.modified);
        header.set_size(0);
        // Heeded where an engine unpacks; a process without rights owns what it unpacks anyway.
        header.set_uid(contract::AGENT_UID.into());
        header.set_gid(contract::AGENT_UID.into());
        let executable = self.mode & 0o111 != 0;
        let written = match &self.source {
            Source::Folder => {
                header.set_entry_type(EntryType::Directory);
                out.append_data(&mut header, name, io::empty()).map(|()| None)
            }
            Source::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                out.append_link(&mut header, name, target)
                    .map(|()| Some(Item::Link(target.clone())))
            }
            Source::Bytes(bytes) => {
                header.set_size(self.size);
                let item = Item::File { digest: digest_of(bytes), executable };
                out.append_data(&mut header, name, bytes.as_slice()).map(|()| Some(item))
            }
            Source::File(folder, path) => {
                let Ok(Some(file)) = folder.file(path) else { return Ok(None) };
                let size = file.metadata().with_context(failed)?.len();
                header.set_size(size);
                // What changes under our hands is filled up or cut: the header stands.
                let mut contents = Digesting::new(file.chain(io::repeat(0)).take(size));
                out.append_data(&mut header, name, &mut contents)
                    .map(|()| Some(Item::File { digest: contents.hex(), executable }))
            }
        };
        written.with_context(failed)
    }
}
