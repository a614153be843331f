//! Reads the memory of the agent's processes from the host, where this user may.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::search::Searched;

/// Pages that are looked up in one go.
const PAGES: u64 = 256;
const PAGE: u64 = 4096;
/// In an entry of a process's page map: the page is in memory.
const PRESENT: u64 = 1 << 63;

/// One mapping of a process.
#[derive(Debug, PartialEq, Eq)]
struct Region {
    start: u64,
    end: u64,
}

/// Searches every page that is in memory; `None` where this user may not look.
pub(super) fn search(container: &str, needle: &str) -> Option<Searched> {
    let processes = processes(container);
    let mut searched = Searched { place: String::new(), bytes: 0, found: false };
    let mut read = 0;
    for process in &processes {
        let Some((bytes, found)) = process_memory(process, needle.as_bytes()) else { continue };
        searched.bytes += bytes;
        searched.found |= found;
        read += 1;
    }
    searched.place = format!("the memory of its {read} processes, read from the host");
    // A process that ends while it is looked at is none of the agent's that wait here.
    (read > 0).then_some(searched)
}

/// The folders in `/proc` of the container's processes, by the control group they are in.
fn processes(container: &str) -> Vec<PathBuf> {
    let all = fs_err::read_dir("/proc").into_iter().flatten().flatten();
    all.map(|entry| entry.path())
        .filter(|process| {
            let group = fs_err::read_to_string(process.join("cgroup"));
            !container.is_empty() && group.is_ok_and(|group| group.contains(container))
        })
        .collect()
}

fn process_memory(process: &Path, needle: &[u8]) -> Option<(u64, bool)> {
    let regions = regions(&fs_err::read_to_string(process.join("smaps")).ok()?);
    let map = fs_err::File::open(process.join("pagemap")).ok()?.into_parts().0;
    let memory = fs_err::File::open(process.join("mem")).ok()?.into_parts().0;
    let finder = memchr::memmem::Finder::new(needle);
    let (mut total, mut found) = (0, false);
    let mut text = Vec::new();
    for region in regions {
        text.clear();
        let mut start = region.start;
        while start < region.end {
            let pages = PAGES.min((region.end - start) / PAGE);
            let mut entries = vec![0; usize::try_from(pages * 8).ok()?];
            let length = usize::try_from(pages * PAGE).ok()?;
            let mut piece = vec![0; length];
            let known = map.read_exact_at(&mut entries, start / PAGE * 8).is_ok();
            if known && present(&entries) && memory.read_exact_at(&mut piece, start).is_ok() {
                total += length as u64;
                text.extend_from_slice(&piece);
                found |= finder.find(&text).is_some();
                // What may be the beginning of a needle that ends in the next piece.
                text.drain(..text.len().saturating_sub(needle.len() - 1));
            } else {
                text.clear();
            }
            start += (pages * PAGE).max(PAGE);
        }
    }
    Some((total, found))
}

fn present(entries: &[u8]) -> bool {
    entries.as_chunks::<8>().0.iter().any(|entry| u64::from_le_bytes(*entry) & PRESENT != 0)
}

/// The readable mappings of which something is in memory: most of what is reserved is not.
fn regions(smaps: &str) -> Vec<Region> {
    let mut regions = Vec::new();
    let mut current = None;
    for line in smaps.lines() {
        if let Some((region, readable)) = header(line) {
            current = readable.then_some(region);
        } else if let Some(resident) = line.strip_prefix("Rss:") {
            let any = resident.trim() != "0 kB";
            regions.extend(current.take().filter(|_| any));
        }
    }
    regions
}

/// The mapping that a line begins, and whether it can be read.
fn header(line: &str) -> Option<(Region, bool)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let region = Region { start: number(start)?, end: number(end)? };
    Some((region, rest.starts_with('r') && !rest.contains("[v")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_readable_and_there() {
        let smaps = "1000-3000 rw-p 0 00:00 0 \nSize: 8 kB\nRss:                4 kB\n\
                     4000-5000 ---p 0 00:00 0 \nRss:                4 kB\n\
                     6000-7000 r--p 0 00:00 0 \nRss:                0 kB\n\
                     8000-9000 r--p 0 00:00 0 [vvar]\nRss:                4 kB\n";
        assert_eq!(regions(smaps), [Region { start: 0x1000, end: 0x3000 }]);
    }

    #[test]
    fn finds_what_is_in_a_process_of_this_user() {
        let secret = ["n33dle", "in", "memory"].join("-");
        let (bytes, found) = process_memory(Path::new("/proc/self"), secret.as_bytes()).unwrap();
        assert!(bytes > 0);
        assert!(found);
    }
}
