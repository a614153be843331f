//! The second opinion: gitleaks looks at the new text of a push, with a configuration of ours.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Deserialize;

use super::Unjudged;
use super::objects::Object;
use crate::ground::{Ground, put};
use crate::program::{Program, finish};

/// What it may take: it looks at a mebibyte.
const PATIENCE: Duration = Duration::from_mins(1);
/// Not the code of any failure of its own.
const FOUND: i32 = 99;
/// Its rules and nobody else's: a file of that name in what is scanned would take their place.
const CONFIG: &str = "title = \"git-gate\"\n[extend]\nuseDefault = true\n";
/// Guesses by entropy beside a word like `key`: too often wrong to refuse a push for.
const GUESSES: &str = "generic-api-key";
/// The mark by which a line asks not to be looked at. It is the agent's to write.
const MARK: &[u8] = b"gitleaks:allow";
/// The most of its report that is read.
const REPORT_LIMIT: u64 = 4 << 20;

/// The new text, as long as it is little enough.
#[derive(Debug)]
pub(super) struct Second {
    texts: Vec<(Object, Vec<u8>)>,
    room: Option<u64>,
}

/// What gitleaks says of a place.
#[derive(Debug, Deserialize)]
struct Leak {
    #[serde(rename = "RuleID")]
    rule: String,
    #[serde(rename = "File")]
    file: String,
    #[serde(rename = "StartLine")]
    line: u64,
}

/// What it found, in which object.
#[derive(Debug)]
pub(super) struct Opinion {
    pub(super) object: Object,
    pub(super) rule: String,
    /// Counted from one.
    pub(super) line: u64,
}

impl Second {
    /// Takes text in up to so many bytes; none: no second opinion.
    pub(super) fn new(limit: u64) -> Self {
        Self { texts: Vec::new(), room: Some(limit).filter(|limit| *limit > 0) }
    }

    /// Whether that object is to be kept.
    pub(super) fn wants(&self, object: &Object) -> bool {
        self.room.is_some_and(|room| object.size <= room)
    }

    /// Keeps a text. What is binary it would not look at.
    pub(super) fn keep(&mut self, object: &Object, mut text: Vec<u8>) {
        let Some(room) = self.room else { return };
        if text.contains(&0) {
            return;
        }
        self.room = Some(room.saturating_sub(text.len() as u64));
        blank(&mut text);
        self.texts.push((object.clone(), text));
    }

    /// There is more text than it looks at.
    pub(super) fn give_up(&mut self) {
        (self.room, self.texts) = (None, Vec::new());
    }

    /// Begins to ask, where there is anything to look at. A gitleaks that fails is no verdict: the push
    /// is refused.
    pub(super) fn begin(self, ground: &Ground) -> anyhow::Result<Option<Asked>> {
        if self.texts.is_empty() {
            return Ok(None);
        }
        let folder = Folder(ground.run.join(format!("second-{}", std::process::id())));
        let texts = folder.0.join("texts");
        std::fs::create_dir_all(&texts).context("cannot write the new text down")?;
        for (index, (_, text)) in self.texts.iter().enumerate() {
            put(&texts.join(format!("{index}.txt")), text)
                .context("cannot write the new text down")?;
        }
        let (config, report) = (folder.0.join("rules.toml"), folder.0.join("report.json"));
        put(&config, CONFIG.as_bytes()).context("cannot write the rules down")?;
        let code = FOUND.to_string();
        let gitleaks = Program::named("gitleaks", ground)
            .args(["detect", "--no-git", "--no-banner", "--redact", "--log-level", "error"])
            .args(["--report-format", "json", "--exit-code", &code])
            .args(["--config".into(), config.into_os_string()])
            .args(["--report-path".into(), report.clone().into_os_string()])
            .args(["--source".into(), texts.into_os_string()])
            .within(&folder.0);
        let mut command = gitleaks.blocking();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("cannot run gitleaks for a second opinion")?;
        Ok(Some(Asked { child: Some(child), texts: self.texts, report, _folder: folder }))
    }
}

/// A gitleaks that looks.
#[derive(Debug)]
pub(super) struct Asked {
    /// Nobody's once it is waited for.
    child: Option<Child>,
    texts: Vec<(Object, Vec<u8>)>,
    report: PathBuf,
    _folder: Folder,
}

impl Asked {
    /// Waits for what it says.
    pub(super) fn end(mut self, until: Instant) -> Result<Vec<Opinion>, Unjudged> {
        let child = self.child.take().context("gitleaks was not begun")?;
        let late = until.min(Instant::now() + PATIENCE);
        let Some(output) = finish(child, late, PATIENCE, || {})? else {
            let sentence = "gitleaks took too long, and without its opinion nothing goes on";
            return Err(Unjudged::refused("scanner-late", sentence));
        };
        match output.status.code() {
            Some(0) => Ok(Vec::new()),
            Some(FOUND) => Ok(self.read()?),
            _ => {
                let sentence = "gitleaks failed, and without its opinion nothing goes on";
                Err(Unjudged::refused("scanner-failed", sentence))
            }
        }
    }

    fn read(&self) -> anyhow::Result<Vec<Opinion>> {
        use std::io::Read as _;
        let file = std::fs::File::open(&self.report).context("gitleaks left no report")?;
        let leaks: Vec<Leak> = serde_json::from_reader(file.take(REPORT_LIMIT))
            .context("the report of gitleaks is not in its form")?;
        let opinion = |leak: Leak| {
            let name = leak.file.rsplit('/').next().unwrap_or_default();
            let index = name.strip_suffix(".txt").and_then(|index| index.parse::<usize>().ok());
            let (object, _) = index.and_then(|index| self.texts.get(index))?;
            Some(Opinion { object: object.clone(), rule: leak.rule, line: leak.line.max(1) })
        };
        Ok(leaks.into_iter().filter(|leak| leak.rule != GUESSES).filter_map(opinion).collect())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Writes something else over the mark, and leaves every line where it is.
fn blank(text: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| rest.len() >= MARK.len()) {
        let Some(found) = rest.windows(MARK.len()).position(|window| window == MARK) else {
            return;
        };
        if let Some(byte) = text.get_mut(at + found + b"gitleaks".len()) {
            *byte = b'-';
        }
        at += found + MARK.len();
    }
}

/// A folder that goes with this.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // It is in memory, and goes with the container at the latest.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_the_mark_that_hides_a_line_is_blanked() {
        let mut text = b"a # gitleaks:allow\nb gitleaks:allowgitleaks:allow".to_vec();
        blank(&mut text);
        assert_eq!(text, b"a # gitleaks-allow\nb gitleaks-allowgitleaks-allow");
    }
}
