//! What the rules find and what they should not: `recall COUNT`, `folder FOLDER [PLACES]`,
//! `memory MEBIBYTES`.
//! One JSON object on standard output; `cargo xtask bench detection` runs it.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use dlp::{Rules, Severity, Stream};

mod formats;

const CHUNK: usize = 64 * 1024;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        ["recall", count] => recall(count.parse().map_err(io::Error::other)?),
        ["folder", folder] => folders(Path::new(folder), 3)?,
        ["folder", folder, places] => {
            folders(Path::new(folder), places.parse().map_err(io::Error::other)?)?
        }
        ["memory", mebibytes] => memory(mebibytes.parse().map_err(io::Error::other)?)?,
        _ => {
            return Err(io::Error::other(
                "recall COUNT | folder FOLDER [PLACES] | memory MEBIBYTES",
            ));
        }
    };
    writeln!(io::stdout(), "{text}")
}

/// How many of so many drawn values each rule finds, all its formats together.
fn recall(count: usize) -> String {
    let mut drawn = formats::Drawn::new(0x1234_5678_9abc_def1);
    let rules = Rules::builtin();
    let of_rule = |rule: &'static str| {
        let formats: Vec<_> = formats::of(rule).collect();
        let found = (0..count).filter(|nth| {
            let format = formats.get(nth % formats.len().max(1)).copied().unwrap_or_default();
            let text = format!("{{\"v\": \"{}\"}}", formats::value(format, &mut drawn));
            rules.scan(text.as_bytes()).iter().any(|finding| finding.rule == rule)
        });
        format!("\"{rule}\":{}", found.count())
    };
    let own = "bottle-secret";
    let all: Vec<String> = rules.names().filter(|rule| *rule != own).map(of_rule).collect();
    format!("{{\"examples\":{count},\"found\":{{{}}}}}", all.join(","))
}

/// Everything that is found in a folder, by rule, with so many places of each.
fn folders(folder: &Path, shown: usize) -> io::Result<String> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let (mut bytes, mut files) = (0_u64, 0_u64);
    let mut found: BTreeMap<&str, (Severity, Vec<String>)> = BTreeMap::new();
    let mut chunk = vec![0; CHUNK];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(mut file) = std::fs::File::open(&path) else { continue };
            files += 1;
            let mut stream = Stream::new(Rules::builtin());
            let mut findings = Vec::new();
            loop {
                let read = file.read(&mut chunk)?;
                if read == 0 {
                    break;
                }
                bytes += read as u64;
                findings.extend(stream.push(chunk.get(..read).unwrap_or_default()));
            }
            findings.extend(stream.finish());
            for finding in findings {
                let (_, places) =
                    found.entry(finding.rule).or_insert((finding.severity, Vec::new()));
                places.push(format!("{}:{}", path.display(), finding.offset));
            }
        }
    }
    let rows = found.iter().map(|(rule, (severity, places))| {
        let first: Vec<String> =
            places.iter().take(shown).map(|place| format!("{place:?}")).collect();
        let (severity, count) = (severity.as_str(), places.len());
        format!(
            "\"{rule}\":{{\"severity\":\"{severity}\",\"count\":{count},\"first\":[{}]}}",
            first.join(",")
        )
    });
    let rows: Vec<String> = rows.collect();
    Ok(format!("{{\"bytes\":{bytes},\"files\":{files},\"rules\":{{{}}}}}", rows.join(",")))
}

/// How much more memory is resident after so much text went through one scan.
fn memory(mebibytes: u64) -> io::Result<String> {
    let line = b"{\"role\":\"user\",\"content\":\"a sentence of a conversation, and aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ= \"}\n";
    let text: Vec<u8> = line.iter().copied().cycle().take(CHUNK).collect();
    let mut stream = Stream::new(Rules::builtin());
    stream.push(&text);
    let (before, mut most) = (resident()?, 0);
    for nth in 0..mebibytes * 1024 * 1024 / CHUNK as u64 {
        stream.push(&text);
        if nth % 1024 == 0 {
            most = most.max(resident()?);
        }
    }
    most = most.max(resident()?);
    Ok(format!("{{\"mebibytes\":{mebibytes},\"before_kib\":{before},\"most_kib\":{most}}}"))
}

fn resident() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other("the kernel does not say how much is resident"))
}
