//! Reads prompts and skills: files beneath their folder, no link that leaves it.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Seed;
use crate::exit;

/// What every skill has.
const DESCRIPTION: &str = "SKILL.md";

/// More than this in a skill is not meant.
const SIZE_LIMIT: u64 = 64 << 20;
const COUNT_LIMIT: usize = 10_000;

/// The skills' files for the agent's home.
pub(super) fn read(folders: &[PathBuf]) -> anyhow::Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("`{}` is no name of a skill", folder.display()))?;
        if !folder.join(DESCRIPTION).is_file() {
            return Err(exit::refused(format!("`{}` holds no `{DESCRIPTION}`", folder.display())));
        }
        read_skill(folder, name, &mut seeds)?;
    }
    Ok(seeds)
}

fn read_skill(folder: &Path, name: &str, seeds: &mut Vec<Seed>) -> anyhow::Result<()> {
    let real = fs_err::canonicalize(folder)?;
    let mut room = SIZE_LIMIT;
    let mut open = vec![real.clone()];
    while let Some(path) = open.pop() {
        let target = beneath(&path, &real)?;
        let meta = fs_err::metadata(&target)?;
        if meta.is_dir() {
            if target != path {
                bail!("`{}` is a link to a folder, which a skill cannot hold", path.display());
            }
            for entry in fs_err::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else if meta.is_file() {
            let too_much = || format!("the skill `{name}` is too large");
            room = room.checked_sub(meta.len()).with_context(too_much)?;
            anyhow::ensure!(seeds.len() < COUNT_LIMIT, too_much());
            let relative = path.strip_prefix(&real).unwrap_or(&path).display().to_string();
            let mut contents = Vec::new();
            fs_err::File::open(&target)?.take(meta.len()).read_to_end(&mut contents)?;
            let mut seed = Seed::file(format!(".claude/skills/{name}/{relative}"), contents);
            seed.mode = (meta.permissions().mode() & 0o111) | 0o600;
            seeds.push(seed);
        }
    }
    Ok(())
}

/// Reads a text, such as a prompt. A link that leaves its folder is refused.
pub(super) fn read_text(path: &Path, limit: u64) -> anyhow::Result<String> {
    let folder = path.parent().with_context(|| format!("`{}` has no folder", path.display()))?;
    let target = beneath(path, &fs_err::canonicalize(folder)?)?;
    let size = fs_err::metadata(&target)?.len();
    if size > limit {
        return Err(exit::refused(format!("`{}` is longer than {limit} bytes", path.display())));
    }
    Ok(fs_err::read_to_string(&target)?)
}

/// Where the path leads, which must be beneath the folder.
fn beneath(path: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let target = fs_err::canonicalize(path)?;
    if target.starts_with(folder) {
        Ok(target)
    } else {
        Err(exit::refused(format!("`{}` is a link that leaves its folder", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn skill() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("commit");
        std::fs::create_dir_all(folder.join("scripts")).unwrap();
        for (name, mode) in [("SKILL.md", 0o644), ("scripts/run", 0o755)] {
            compose_run::replace(&folder.join(name), b"x", mode).unwrap();
        }
        (dir, folder)
    }

    #[test]
    fn a_skill_keeps_its_files_and_modes() {
        let (_dir, folder) = skill();
        symlink("SKILL.md", folder.join("link")).unwrap();
        let mut seeds = read(&[folder]).unwrap();
        seeds.sort_by(|a, b| a.name.cmp(&b.name));
        let shown: Vec<_> = seeds.iter().map(|seed| (seed.name.as_str(), seed.mode)).collect();
        let expected = [
            (".claude/skills/commit/SKILL.md", 0o600),
            (".claude/skills/commit/link", 0o600),
            (".claude/skills/commit/scripts/run", 0o711),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn i1_a_link_that_leaves_is_refused() {
        let (dir, folder) = skill();
        symlink("/etc/passwd", folder.join("link")).unwrap();
        let error = read(&[folder]).unwrap_err().to_string();
        assert!(error.contains("is a link that leaves its folder"), "{error}");
        let prompt = dir.path().join("prompt.md");
        symlink("/etc/passwd", &prompt).unwrap();
        assert!(read_text(&prompt, 1 << 20).is_err());
    }
}
