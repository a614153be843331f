//! Looks for the key in everything that is the agent's: bytes are searched, nothing is interpreted.

use std::io::Read;

use anyhow::Context;
use walkdir::WalkDir;

use super::memory;
use super::stage::Stage;
use crate::program::Program;

const PIECE: usize = 1 << 20;

/// One place that was searched.
#[derive(Debug)]
pub(super) struct Searched {
    pub(super) place: String,
    pub(super) bytes: u64,
    pub(super) found: bool,
}

/// Searches while the agent lives and waits for its model.
pub(super) fn everywhere(stage: &Stage) -> anyhow::Result<Vec<Searched>> {
    let mut places = in_the_agent(stage, &stage.key)?;
    places.push(state("the bottle's state folder on the host", stage)?);
    Ok(places)
}

/// Searches everything that is the agent's, its processes' memory included.
pub(super) fn in_the_agent(stage: &Stage, needle: &str) -> anyhow::Result<Vec<Searched>> {
    let agent = stage.container("agent");
    let inside = |place: &str, script: &str| {
        let program = Program::docker().args(["exec", &agent, "sh", "-c", script]);
        stream(place, &program, needle)
    };
    let id = Program::docker().args(["inspect", "--format", "{{.Id}}", &agent]).read()?;
    let mut places = vec![
        stream(
            "its whole filesystem, as the engine exports it",
            &Program::docker().args(["export", &agent]),
            needle,
        )?,
        inside("what is mounted or kept in memory there", MOUNTED)?,
        inside("the environment and arguments of every process", PROCESSES)?,
        stream(
            "what the engine knows of the container",
            &Program::docker().args(["inspect", &agent]),
            needle,
        )?,
    ];
    places.extend(memory::search(&id, needle));
    Ok(places)
}

/// An export leaves out mounts. What cannot be read is passed over: it is not the agent's.
const MOUNTED: &str = "awk '{print $2}' /proc/mounts \
    | grep -v -e '^/$' -e '^/proc' -e '^/sys' -e '^/dev$' -e '^/dev/pts' -e '^/dev/mqueue' \
    | while read -r place; do find \"$place\" -xdev -type f -exec cat {} + 2>/dev/null; done; true";

const PROCESSES: &str = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true";

/// Whether the same search finds what is there: the placeholder is in the agent's environment.
pub(super) fn finds(stage: &Stage, placeholder: &str) -> anyhow::Result<bool> {
    let agent = stage.container("agent");
    let program = Program::docker().args(["exec", &agent, "sh", "-c", PROCESSES]);
    Ok(stream("control", &program, placeholder)?.found)
}

fn stream(place: &str, program: &Program, needle: &str) -> anyhow::Result<Searched> {
    let reader = program.expression().stderr_null().reader()?;
    let (bytes, found) =
        contains(&reader, needle.as_bytes()).with_context(|| format!("cannot search {place}"))?;
    Ok(Searched { place: place.to_owned(), bytes, found })
}

/// Searches the files of the bottle's state.
pub(super) fn state(place: &str, stage: &Stage) -> anyhow::Result<Searched> {
    let mut searched = Searched { place: place.to_owned(), bytes: 0, found: false };
    for entry in WalkDir::new(stage.bottle()) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let file = fs_err::File::open(entry.path())?;
            let (bytes, found) = contains(file, stage.key.as_bytes())?;
            searched.bytes += bytes;
            searched.found |= found;
        }
    }
    Ok(searched)
}

/// Reads to the end; a needle that lies across two pieces is found too.
fn contains(mut reader: impl Read, needle: &[u8]) -> std::io::Result<(u64, bool)> {
    let finder = memchr::memmem::Finder::new(needle);
    let mut window = vec![0; needle.len() + PIECE];
    let (mut kept, mut total, mut found) = (0, 0, false);
    while let Some(free) = window.get_mut(kept..) {
        let read = reader.read(free)?;
        if read == 0 {
            break;
        }
        total += read as u64;
        let filled = kept + read;
        let text = window.get(..filled).unwrap_or_default();
        found |= finder.find(text).is_some();
        let next = filled.min(needle.len() - 1);
        window.copy_within(filled - next..filled, 0);
        kept = next;
    }
    Ok((total, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_needle_across_two_pieces() {
        let mut hay = vec![b'x'; PIECE + 4];
        hay.extend_from_slice(b"needle");
        hay.extend_from_slice(&[b'x'; 100]);
        assert_eq!(contains(hay.as_slice(), b"needle").unwrap(), (hay.len() as u64, true));
        assert_eq!(contains(hay.as_slice(), b"missing").unwrap(), (hay.len() as u64, false));
    }
}
