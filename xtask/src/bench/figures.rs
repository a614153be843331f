//! Figures of one measurement: sorted milliseconds, and what is read off them.

use serde::Serialize;
use serde_json::{Value, json};

/// Milliseconds, in the order in which they were measured.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    pub(super) fn of(all: impl IntoIterator<Item = f64>) -> Self {
        Self(all.into_iter().collect())
    }

    pub(super) fn push(&mut self, ms: f64) {
        self.0.push(ms);
    }

    /// The value that this share of all lies at or below.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share between 0 and 1 of a short list"
        )]
        let index = (share * (sorted.len().max(1) - 1) as f64).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }

    pub(super) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Each of these over its partner: noise that both share falls out.
    pub(super) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// How much more than its partner each of these is.
    pub(super) fn minus(&self, other: &Self) -> Vec<f64> {
        self.0.iter().zip(&other.0).map(|(one, other)| one - other).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({"median": self.median(), "p90": self.quantile(0.9), "all": self.0})
    }

    pub(super) fn row(&self, name: &str) -> String {
        format!(
            "{name:<34}{:>10.1}{:>10.1}{:>10.1}",
            self.quantile(0.0),
            self.median(),
            self.quantile(0.9)
        )
    }
}

/// The heading over rows.
pub(super) fn heading(what: &str) -> String {
    format!("{what:<34}{:>10}{:>10}{:>10}", "least", "median", "p90")
}

/// One figure, with as many digits as its size is worth.
pub(super) fn figure(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let mut figures = Figures::default();
        for ms in [5.0, 1.0, 3.0] {
            figures.push(ms);
        }
        assert!((figures.median() - 3.0).abs() < f64::EPSILON);
        assert!((figures.quantile(1.0) - 5.0).abs() < f64::EPSILON);
        assert!((figures.over(&figures).median() - 1.0).abs() < f64::EPSILON);
        assert!(Figures::default().median().abs() < f64::EPSILON);
    }
}
