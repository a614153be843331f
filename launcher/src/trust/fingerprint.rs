//! What a manifest says, all of it: the hash of its text and of every file it names.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::exit;
use crate::hex::hex;
use crate::manifest::{Image, Manifest, Origin, UpstreamCa, leaves};

/// More files than any build context a person has looked at.
const MAX_FILES: usize = 20_000;
/// More bytes than that.
const MAX_BYTES: u64 = 1 << 30;

/// Files and folders a manifest names, each once: Dockerfiles with their folders, prompts, skills,
/// certificates, and the host keys that came with it (a person's own list grows by itself).
pub(crate) fn named_files(manifest: &Manifest) -> BTreeSet<PathBuf> {
    let mut named = BTreeSet::new();
    for agent in manifest.agents.values() {
        named.extend(agent.prompt.clone());
        named.extend(agent.skills.iter().cloned());
    }
    let folder = match &manifest.origin {
        Origin::File(path) => std::path::absolute(path).ok(),
        Origin::BuiltIn => None,
    };
    let folder = folder.as_deref().and_then(Path::parent);
    for bottle in manifest.bottles.values() {
        let known_hosts = bottle.git.iter().filter_map(|one| one.upstream.known_hosts.clone());
        named.extend(
            known_hosts.filter(|path| folder.is_some_and(|folder| path.starts_with(folder))),
        );
        if let Image::Dockerfile(path) = &bottle.image {
            named.insert(path.parent().unwrap_or(path).to_owned());
        }
        named.extend(bottle.pipelock.upstream_ca.iter().filter_map(|authority| match authority {
            UpstreamCa::File(path) => Some(path.clone()),
            UpstreamCa::System => None,
        }));
    }
    named
}

/// The fingerprint: it changes when anything changes that a start would use.
pub(crate) fn fingerprint(text: &str, manifest: &Manifest) -> anyhow::Result<String> {
    let mut walk = Walk { sha: Sha256::new(), files: 0, bytes: 0 };
    walk.part(b"manifest", text.as_bytes());
    for path in named_files(manifest) {
        walk.named(&path)?;
    }
    Ok(hex(&walk.sha.finalize()))
}

/// Of one file or folder that a manifest names.
pub(super) fn digest_of(path: &Path) -> anyhow::Result<String> {
    let mut walk = Walk { sha: Sha256::new(), files: 0, bytes: 0 };
    walk.named(path)?;
    Ok(hex(&walk.sha.finalize()))
}

struct Walk {
    sha: Sha256,
    files: usize,
    bytes: u64,
}

impl Walk {
    /// Feeds one part with its length, so that no two lists of parts run together.
    fn part(&mut self, kind: &[u8], bytes: &[u8]) {
        for part in [kind, bytes] {
            self.sha.update((part.len() as u64).to_be_bytes());
            self.sha.update(part);
        }
    }

    fn named(&mut self, path: &Path) -> anyhow::Result<()> {
        let link =
            fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        self.part(b"named", path.as_os_str().as_bytes());
        if link.is_dir() { self.folder(path, path) } else { self.file(path, &link) }
    }

    /// Everything below a folder in the order of names, `.git` aside: no start reads it.
    fn folder(&mut self, root: &Path, folder: &Path) -> anyhow::Result<()> {
        let mut entries = fs_err::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs_err::DirEntry::file_name);
        for entry in entries {
            if entry.file_name() == ".git" {
                continue;
            }
            let path = entry.path();
            let metadata = fs_err::symlink_metadata(&path)?;
            self.part(b"name", path.strip_prefix(root).unwrap_or(&path).as_os_str().as_bytes());
            if metadata.is_dir() {
                self.folder(root, &path)?;
            } else if metadata.is_symlink() {
                if leaves(root, &path) {
                    let sentence = format!("`{}` leaves its folder by a symlink", path.display());
                    return Err(exit::refused(sentence));
                }
                self.part(b"link", fs_err::read_link(&path)?.as_os_str().as_bytes());
            } else if metadata.is_file() {
                self.file(&path, &metadata)?;
            } else {
                let sentence = format!("`{}` is not a regular file", path.display());
                return Err(exit::refused(sentence));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &fs::Metadata) -> anyhow::Result<()> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(metadata.len());
        if self.files > MAX_FILES || self.bytes > MAX_BYTES {
            let sentence = format!(
                "the manifest names more than {MAX_FILES} files or {} MiB, `{}` among them",
                MAX_BYTES >> 20,
                path.display()
            );
            let hint = "give the Dockerfile a folder of its own, with only what it copies";
            return Err(exit::advise(exit::refused(sentence), hint));
        }
        self.part(b"mode", &(metadata.permissions().mode() & 0o111).to_be_bytes());
        self.part(b"content", &fs_err::read(path)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        compose_run::replace(path, text.as_bytes(), 0o644).unwrap();
    }

    const TEXT: &str = "\
version: 1
agents:
  a: {bottle: b, command: [x], prompt: p.md, skills: [skills/s]}
bottles:
  b: {image: {dockerfile: image/Dockerfile}}
";

    fn of(folder: &Path) -> anyhow::Result<String> {
        let origin = Origin::File(folder.join("bottle.yaml"));
        fingerprint(TEXT, &Manifest::read(TEXT, origin, None)?)
    }

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["p.md", "skills/s/SKILL.md", "image/Dockerfile", "image/extra"] {
            write(&folder.path().join(name), name);
        }
        folder
    }

    #[test]
    fn i4_any_file_it_names_changes_it_and_no_other_does() {
        let folder = repository();
        let before = of(folder.path()).unwrap();
        write(&folder.path().join("README.md"), "not named");
        assert_eq!(of(folder.path()).unwrap(), before);
        for name in ["p.md", "skills/s/SKILL.md", "skills/s/new", "image/Dockerfile", "image/extra"]
        {
            let before = of(folder.path()).unwrap();
            write(&folder.path().join(name), "another text");
            assert_ne!(of(folder.path()).unwrap(), before, "{name}");
        }
    }

    #[test]
    fn i1_a_symlink_that_leaves_its_folder_is_refused() {
        let folder = repository();
        let elsewhere = tempfile::tempdir().unwrap();
        write(&elsewhere.path().join("secret"), "secret");
        let link = folder.path().join("skills/s/link");
        symlink(elsewhere.path().join("secret"), &link).unwrap();
        let refused = format!("{:#}", of(folder.path()).unwrap_err());
        assert!(refused.contains("leaves its folder"));
        compose_testkit::record("I1", "a symlink out of a skill's folder", refused);
        fs::remove_file(&link).unwrap();
        symlink("SKILL.md", &link).unwrap();
        of(folder.path()).unwrap();
        fs::remove_file(folder.path().join("p.md")).unwrap();
        symlink(elsewhere.path().join("secret"), folder.path().join("p.md")).unwrap();
        assert!(format!("{:#}", of(folder.path()).unwrap_err()).contains("leaves its folder"));
    }
}
