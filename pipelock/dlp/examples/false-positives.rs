//! Scans folders of public text and says what would have been refused: `… -- FOLDER...`.

use dlp::{Rules, Stream};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn main() -> io::Result<()> {
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (mut bytes, mut rules) = (0_usize, BTreeMap::<_, Vec<String>>::new());
    let begun = std::time::Instant::now();
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
            let Ok(text) = std::fs::read(&path) else { continue };
            bytes += text.len();
            let mut stream = Stream::new(Rules::builtin());
            let mut findings = Vec::new();
            for chunk in text.chunks(64 * 1024) {
                findings.extend(stream.push(chunk));
            }
            findings.extend(stream.finish());
            for finding in findings {
                let place = format!("{}:{} {}", path.display(), finding.offset, finding.encoding);
                rules.entry(finding.rule).or_default().push(place);
            }
        }
    }
    let megabytes = bytes as f64 / 1e6;
    let all: usize = rules.values().map(Vec::len).sum();
    let seconds = begun.elapsed().as_secs_f64();
    let mut out = io::stdout();
    for (rule, places) in &rules {
        writeln!(out, "{rule}: {}", places.len())?;
        for place in places.iter().take(4) {
            writeln!(out, "    {place}")?;
        }
    }
    writeln!(out, "{all} in {megabytes:.0} MB, {:.2} per 100 MB", all as f64 * 100.0 / megabytes)?;
    writeln!(out, "{:.0} MB/s with reading", megabytes / seconds)
}
