//! What a hook tells the gate of a push, line by line, so that the gate writes it down.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What became of one ref.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Report {
    #[serde(rename = "ref")]
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) pushed: bool,
    /// The rule that was broken, or the trouble there was.
    pub(crate) rule: Option<String>,
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
    /// Who allowed what needs a person, and under which proposal.
    #[serde(default)]
    pub(crate) approver: Option<String>,
    #[serde(default)]
    pub(crate) proposal: Option<String>,
}

/// The most of a report that is read: a line for each of a few refs.
const LIMIT: u64 = 1 << 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        let short = |object: &str| object.get(..SHOWN).unwrap_or_default().to_owned();
        write!(f, "{} {}..{}", self.name, short(&self.old), short(&self.new))
    }
}

impl Report {
    pub(crate) fn append(&self, path: &Path) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
    }

    /// Reads them all. A hook that was killed wrote fewer, or half of one.
    pub(crate) fn read(path: &Path) -> Vec<Self> {
        use std::io::Read as _;
        let mut text = String::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text));
        if read.is_err() {
            return Vec::new();
        }
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
