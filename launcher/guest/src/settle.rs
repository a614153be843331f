//! Gives a name to an agent that runs under the uid of a mounted folder's owner: ssh and Node refuse
//! to work for an id that `/etc/passwd` does not know.
//!
//! Runs once, as root without a single capability, before the agent begins.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Adds lines for `uid` and `gid` to `/etc/passwd` and `/etc/group`, unless they have them.
pub(crate) fn settle(uid: &str, gid: &str, home: &str) -> anyhow::Result<()> {
    settle_below(Path::new("/"), uid, gid, home)
}

fn settle_below(root: &Path, uid: &str, gid: &str, home: &str) -> anyhow::Result<()> {
    for id in [uid, gid] {
        id.parse::<u32>().with_context(|| format!("`{id}` is no id"))?;
    }
    let passwd = format!("bottle:x:{uid}:{gid}::{home}:/bin/sh");
    add_line(&root.join("etc/passwd"), uid, &passwd)?;
    add_line(&root.join("etc/group"), gid, &format!("bottle:x:{gid}:"))
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
    fn a_stranger_gets_a_name_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        let passwd = dir.path().join("etc/passwd");
        add_line(&passwd, "0", "root:x:0:0::/root:/bin/sh").unwrap();
        for _ in 0..2 {
            settle_below(dir.path(), "1234", "1234", "/home/agent").unwrap();
        }
        assert_eq!(
            fs::read_to_string(&passwd).unwrap(),
            "root:x:0:0::/root:/bin/sh\nbottle:x:1234:1234::/home/agent:/bin/sh\n"
        );
        assert!(settle_below(dir.path(), "1:\nroot", "1", "/").is_err());
    }
}
