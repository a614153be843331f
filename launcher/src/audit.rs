//! What people decided about a bottle, and what came of it: `audit.jsonl` in its folder, on the host
//! alone. Lines are added and never changed; each carries the hash of the one before, so that a line
//! that was removed, changed or moved shows.
//!
//! A chain says nothing of what was cut off at its end: whoever keeps the head's digest elsewhere
//! finds that too.

mod chain;
mod entry;

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use compose_run::{BottleDir, read_plain};

pub(crate) use self::chain::Chain;
pub(crate) use self::entry::{Entry, Event, who};
use crate::exit::Hint as _;

/// The file's name in the bottle's folder.
pub(crate) const FILE: &str = "audit.jsonl";
/// More than a person decides in the life of a bottle.
const MAX_FILE: u64 = 64 << 20;
/// The most of the file that is looked at to find its last line.
const TAIL: u64 = 256 << 10;

/// Adds one line, and comes back once it is on the disk.
///
/// # Errors
///
/// A file that does not end in a line of ours: nothing is added to what somebody changed.
pub(crate) fn append(dir: &BottleDir, entry: Entry) -> anyhow::Result<()> {
    let shown = dir.path().join(FILE).display().to_string();
    let mut file = open(dir).with_context(|| format!("cannot open `{shown}`"))?;
    // Held until the file is closed: two commands may have something to say at once.
    file.lock().with_context(|| format!("cannot lock `{shown}`"))?;
    add(&mut file, dir, entry).with_context(|| format!("cannot write `{shown}`"))
}

/// The lines as they are, checked.
///
/// # Errors
///
/// A file that cannot be read; what is wrong with its lines is in the answer.
pub(crate) fn read(dir: &BottleDir) -> anyhow::Result<Chain> {
    let bytes = match read_plain(dir.path(), Path::new(FILE), MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.is_absent() => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(Chain::of(dir.slug(), &bytes))
}

fn open(dir: &BottleDir) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
        .open(dir.path().join(FILE))
}

fn add(file: &mut File, dir: &BottleDir, entry: Entry) -> anyhow::Result<()> {
    let length = file.metadata()?.len();
    let begin = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    if whole < tail.len() {
        if whole == 0 && begin > 0 {
            return Err(anyhow!("its last line is longer than any of ours"));
        }
        // A crash in the middle of a line: it was never told to anybody that it is written.
        file.set_len(begin + whole as u64)?;
    }
    let last = tail.get(..whole.saturating_sub(1)).unwrap_or_default();
    let last = last.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let (number, before) = if whole == 0 && begin == 0 {
        (1, chain::root(dir.slug()))
    } else {
        let number = chain::number(last).ok_or_else(|| anyhow!("its last line is none of ours"));
        let number = number.hint("`bottle audit BOTTLE --verify` shows what is wrong with it")?;
        (number + 1, chain::hash(last))
    };
    let mut line = serde_json::to_vec(&entry.placed(number, before))?;
    line.push(b'\n');
    // One write: what another process reads meanwhile ends in a whole line.
    file.write_all(&line)?;
    file.sync_all()?;
    if number == 1 {
        File::open(dir.path())?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bottles;

    fn bottle() -> (tempfile::TempDir, BottleDir) {
        let (folder, _, dir) = bottles::tests::bottle();
        (folder, dir)
    }

    fn written(count: usize) -> (tempfile::TempDir, BottleDir) {
        let (folder, dir) = bottle();
        for nth in 0..count {
            append(&dir, Entry::new(Event::Apply).detail(format!("the {nth}th"))).unwrap();
        }
        (folder, dir)
    }

    fn lines(dir: &BottleDir) -> Vec<String> {
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put(dir: &BottleDir, lines: &[String]) {
        let text = lines.join("\n") + "\n";
        compose_run::replace(&dir.path().join(FILE), text.as_bytes(), 0o600).unwrap();
    }

    #[test]
    fn j5_a_line_that_was_removed_changed_or_moved_is_found() {
        let (_folder, dir) = written(6);
        let good = lines(&dir);
        assert_eq!(read(&dir).unwrap().fault(), None);
        assert_eq!(read(&dir).unwrap().head().number, 6);
        for nth in 0..good.len() - 1 {
            let mut removed = good.clone();
            removed.remove(nth);
            put(&dir, &removed);
            let fault = read(&dir).unwrap().fault().unwrap().to_owned();
            assert!(fault.starts_with(&format!("line {}", nth + 1)), "{fault}");
            let mut moved = good.clone();
            moved.swap(nth, nth + 1);
            put(&dir, &moved);
            assert!(read(&dir).unwrap().fault().is_some(), "{nth}");
        }
        for nth in 0..good.len() {
            let mut changed = good.clone();
            changed[nth] = changed[nth].replace("th\"", "TH\"");
            assert_ne!(changed, good);
            put(&dir, &changed);
            // The last one's own change shows by its head alone.
            let chain = read(&dir).unwrap();
            assert_eq!(chain.fault().is_some(), nth + 1 < good.len(), "{nth}");
            assert_ne!(chain.head().digest, chain::hash(good[5].as_bytes()));
        }
        let mut twice = good.clone();
        twice.insert(3, good[2].clone());
        put(&dir, &twice);
        assert!(read(&dir).unwrap().fault().is_some());
    }

    #[test]
    fn j5_a_tail_that_was_cut_is_found_by_a_head_that_was_kept() {
        let (_folder, dir) = written(4);
        let head = read(&dir).unwrap().head().digest.clone();
        append(&dir, Entry::new(Event::Rollback)).unwrap();
        // It has grown since: what was is still there.
        assert_eq!(read(&dir).unwrap().find(&head).map(|found| found.number), Some(4));
        let cut: Vec<String> = lines(&dir).into_iter().take(3).collect();
        put(&dir, &cut);
        let chain = read(&dir).unwrap();
        assert_eq!(chain.fault(), None, "a chain alone does not show it");
        assert!(chain.find(&head).is_none());
    }

    #[test]
    fn j5_another_bottles_log_is_not_this_ones() {
        let (_folder, dir) = written(2);
        let (_other_folder, _) = bottle();
        let text = lines(&dir).join("\n") + "\n";
        let other = Chain::of(&"other".parse().unwrap(), text.as_bytes());
        assert!(other.fault().unwrap().starts_with("line 1"), "{:?}", other.fault());
    }

    #[test]
    fn what_is_written_of_a_name_used_before_is_of_that_earlier_life() {
        let (_folder, dir) = bottle();
        let id = "0123456789ab".parse().unwrap();
        let knows = || {
            let chain = read(&dir).unwrap();
            (chain.has_version(1), chain.proposals().contains(&id))
        };
        append(&dir, Entry::new(Event::Start)).unwrap();
        assert_eq!(knows(), (false, false));
        append(&dir, Entry::new(Event::Proposal).id(&id)).unwrap();
        append(&dir, Entry::new(Event::Apply).version(1)).unwrap();
        append(&dir, Entry::new(Event::Observe)).unwrap();
        assert_eq!(knows(), (true, true));
        append(&dir, Entry::new(Event::Start)).unwrap();
        assert_eq!(knows(), (false, false), "of the life before");
        append(&dir, Entry::new(Event::Apply).version(1)).unwrap();
        assert_eq!(knows(), (true, false));
        append(&dir, Entry::new(Event::Proposal).id(&id)).unwrap();
        assert_eq!(knows(), (true, true));
    }

    #[test]
    fn what_a_crash_left_of_a_line_goes_and_nothing_is_added_to_what_is_not_ours() {
        let (_folder, dir) = written(2);
        let whole = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        let torn = format!("{whole}{{\"number\":3,\"ti");
        compose_run::replace(&dir.path().join(FILE), torn.as_bytes(), 0o600).unwrap();
        assert!(read(&dir).unwrap().fault().is_some());
        append(&dir, Entry::new(Event::Apply)).unwrap();
        let chain = read(&dir).unwrap();
        assert_eq!((chain.fault(), chain.head().number), (None, 3));
        compose_run::replace(&dir.path().join(FILE), b"noise\n", 0o600).unwrap();
        assert!(append(&dir, Entry::new(Event::Apply)).is_err());
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        std::os::unix::fs::symlink("/dev/null", dir.path().join(FILE)).unwrap();
        assert!(append(&dir, Entry::new(Event::Apply)).is_err());
        assert!(read(&dir).is_err());
    }

    #[test]
    fn two_who_write_at_once_make_one_chain() {
        let (_folder, dir) = bottle();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        append(&dir, Entry::new(Event::Apply)).unwrap();
                    }
                });
            }
        });
        let chain = read(&dir).unwrap();
        assert_eq!((chain.fault(), chain.head().number), (None, 40));
    }
}
