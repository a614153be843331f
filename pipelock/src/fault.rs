//! What is wrong in a configuration, all of it at once.

use std::fmt;

/// One thing wrong in one file, with the path of the key it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file's name.
    pub file: &'static str,
    /// The key, as in `fetch_proxy.monitoring.blocklist[2]`; empty for the whole file.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "`{}`: {}", self.file, self.message)
        } else {
            write!(f, "`{}`: `{}`: {}", self.file, self.path.escape_debug(), self.message)
        }
    }
}

/// A configuration that is refused: every fault found in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Faults(pub Vec<Fault>);

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, fault) in self.0.iter().enumerate() {
            let gap = if nth == 0 { "" } else { "; " };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}
