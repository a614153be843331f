//! What is wrong with a manifest, and where.

use std::fmt;

/// A place in a file, both counted from one.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
pub(crate) struct Position {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One fault.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
pub(crate) struct Fault {
    #[serde(flatten)]
    pub position: Position,
    pub message: String,
}

/// Every fault of one file, in its order. Never empty.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) struct Faults {
    /// What the file is called.
    pub file: String,
    pub faults: Vec<Fault>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.faults.len() == 1 { "a fault" } else { "faults" };
        write!(f, "`{}` has {plural}", self.file)?;
        for fault in &self.faults {
            write!(f, "\n  {}:{}: {}", self.file, fault.position, fault.message)?;
        }
        Ok(())
    }
}
