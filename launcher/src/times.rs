//! How long each step of a start took, for those who want to make it quicker.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;

/// Where a start is told to leave its times: a JSON list in this file.
pub(crate) const VARIABLE: &str = "BOTTLE_TIMES";

/// One piece of work and how long it took, in milliseconds.
#[derive(Clone, Debug, Serialize)]
struct Time {
    step: &'static str,
    ms: f64,
}

/// The times of one start, in the order in which the pieces of work ended.
#[derive(Debug)]
pub(crate) struct Times {
    began: Instant,
    taken: Mutex<Vec<Time>>,
    file: Option<PathBuf>,
}

impl Times {
    /// Begins to measure; `file` is where the result goes.
    pub(crate) fn begin(file: Option<PathBuf>) -> Self {
        Self { began: Instant::now(), taken: Mutex::new(Vec::new()), file }
    }

    /// Measures one piece of work, whichever way it ends.
    pub(crate) fn measure<T>(&self, step: &'static str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = work();
        self.note(step, began);
        result
    }

    /// Notes how long it is since the start began.
    pub(crate) fn mark(&self, step: &'static str) {
        self.note(step, self.began);
    }

    fn note(&self, step: &'static str, began: Instant) {
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        if let Ok(mut taken) = self.taken.lock() {
            taken.push(Time { step, ms: (ms * 10.0).round() / 10.0 });
        }
    }

    /// Writes the times where they were asked for.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let text = match self.taken.lock() {
            Ok(taken) => serde_json::to_string_pretty(&*taken)?,
            Err(_) => return Ok(()),
        };
        let file: &Path = file;
        compose_run::replace(file, text.as_bytes(), 0o644)
            .with_context(|| format!("cannot write the times to `{}`", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_was_measured_in_the_order_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("times.json");
        let times = Times::begin(Some(file.clone()));
        assert_eq!(times.measure("networks", || 7), 7);
        times.mark("first-byte");
        times.write().unwrap();
        let text = fs_err::read_to_string(file).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[0]["step"], "networks");
        assert_eq!(read[1]["step"], "first-byte");
        assert!(read[1]["ms"].as_f64().unwrap() >= read[0]["ms"].as_f64().unwrap());
    }
}
