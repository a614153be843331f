//! Settles an agent in an image that does not know it: a name, which ssh and Node ask for, a home and
//! a workspace that it can write.
//!
//! Runs once, as root without a single capability, before the agent begins. Such a root can change
//! what it owns and nothing else.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, bail};

/// Adds lines for `uid` and `gid` to `/etc/passwd` and `/etc/group` and makes `folders`, of which the
/// first is the home. What is there already stays.
pub(crate) fn settle(uid: &str, gid: &str, folders: &[&str]) -> anyhow::Result<()> {
    settle_below(Path::new("/"), uid, gid, folders)
}

fn settle_below(root: &Path, uid: &str, gid: &str, folders: &[&str]) -> anyhow::Result<()> {
    let number = |id: &str| id.parse::<u32>().with_context(|| format!("`{id}` is no id"));
    let (owner, _) = (number(uid)?, number(gid)?);
    let home = folders.first().context("no home")?;
    let passwd = format!("bottle:x:{uid}:{gid}::{home}:/bin/sh");
    add_line(&root.join("etc/passwd"), uid, &passwd)?;
    add_line(&root.join("etc/group"), gid, &format!("bottle:x:{gid}:"))?;
    for folder in folders {
        let path = root.join(folder.trim_start_matches('/'));
        open_up(&path, owner).with_context(|| {
            format!("the image's `{folder}` cannot be made writable for uid {uid}")
        })?;
    }
    Ok(())
}

/// Makes the folder one that `owner` can write. Root without capabilities cannot give it away, but
/// nobody else lives in a bottle.
fn open_up(path: &Path, owner: u32) -> anyhow::Result<()> {
    fs::create_dir_all(path)?;
    let meta = fs::metadata(path)?;
    if meta.uid() == owner {
        return Ok(());
    }
    if meta.uid() != nix::unistd::geteuid().as_raw() {
        bail!("it belongs to uid {}", meta.uid());
    }
    Ok(fs::set_permissions(path, Permissions::from_mode(0o777))?)
}

fn add_line(file: &Path, id: &str, line: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).unwrap_or_default();
    if text.lines().any(|line| line.split(':').nth(2) == Some(id)) {
        return Ok(());
    }
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .and_then(|mut file| file.write_all(format!("{newline}{line}\n").as_bytes()))
        .with_context(|| format!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_gets_a_name_a_home_and_a_workspace() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        let passwd = dir.path().join("etc/passwd");
        add_line(&passwd, "0", "root:x:0:0::/root:/bin/sh").unwrap();
        let folders = ["/home/agent", "/workspace"];
        for _ in 0..2 {
            settle_below(dir.path(), "1234", "1234", &folders).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&passwd).unwrap(),
            "root:x:0:0::/root:/bin/sh\nbottle:x:1234:1234::/home/agent:/bin/sh\n"
        );
        for folder in folders {
            let meta = fs::metadata(dir.path().join(folder.trim_start_matches('/'))).unwrap();
            assert_eq!(meta.permissions().mode() & 0o777, 0o777, "{folder}");
        }
        assert!(settle_below(dir.path(), "1:\nroot", "1", &folders).is_err());
    }
}
