//! What a run came to: counts, the names of what failed, and of what passed only the second time.

/// The result of a run so far.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    passed: usize,
    failed: Vec<String>,
    flaky: Vec<String>,
}

impl Outcome {
    pub(super) fn passed(&mut self, count: usize) {
        self.passed += count;
    }

    /// A stage failed: its error is the reason.
    pub(super) fn fault(&mut self, stage: &str, error: &anyhow::Error) {
        self.failed.push(format!("{stage}: {error:#}"));
    }

    pub(super) fn test_failed(&mut self, name: String) {
        self.failed.push(name);
    }

    /// It passed, but only when it ran alone: that is reported, for it hides something.
    pub(super) fn test_was_flaky(&mut self, name: String) {
        self.passed += 1;
        self.flaky.push(name);
    }

    pub(super) fn failed(&self) -> usize {
        self.failed.len()
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        let flaky = self.flaky.iter().map(|name| format!("flaky: {name}"));
        flaky.chain(self.failed.iter().map(|name| format!("failed: {name}"))).collect()
    }

    pub(super) fn summary(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaky_test_counts_as_passed_and_is_named() {
        let mut outcome = Outcome::default();
        outcome.passed(3);
        outcome.test_was_flaky("egress it: denies".into());
        assert_eq!(outcome.summary(), "4 passed, 0 failed");
        assert_eq!(outcome.remarks(), ["flaky: egress it: denies"]);
    }

    #[test]
    fn a_stage_that_failed_counts_and_gives_its_reason() {
        let mut outcome = Outcome::default();
        outcome.fault("tidy", &anyhow::anyhow!("2 faults"));
        outcome.test_failed("ca: mints".into());
        assert_eq!(outcome.summary(), "0 passed, 2 failed");
        assert_eq!(outcome.remarks(), ["failed: tidy: 2 faults", "failed: ca: mints"]);
    }
}
