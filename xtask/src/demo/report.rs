//! The report that a person reads at the end.

use super::claims::{Claim, Part};
use super::evidence::{Evidence, Time};
use crate::ui::data;

const PARTS: [(Part, &str); 6] = [
    (Part::Work, "The work"),
    (Part::Pushes, "The pushes"),
    (Part::Asking, "The questions"),
    (Part::WaysOut, "The ways out"),
    (Part::Key, "The key"),
    (Part::Gone, "The end"),
];

/// Prints every claim under its part, then the times.
pub(super) fn print(evidence: &Evidence, claims: &[Claim]) {
    for line in lines(evidence, claims) {
        data(line);
    }
}

fn lines(evidence: &Evidence, claims: &[Claim]) -> Vec<String> {
    let mut lines = vec![String::new(), "One agent, one bottle, and what came of it".to_owned()];
    for (part, title) in PARTS {
        lines.extend([String::new(), title.to_owned(), "-".repeat(title.len())]);
        for claim in claims.iter().filter(|claim| claim.part == part) {
            let mark = if claim.holds { "  ok  " } else { " FAIL " };
            lines.push(format!("{mark}{}", claim.says));
            lines.extend(claim.quotes.iter().map(|quote| format!("        {quote}")));
        }
    }
    lines.extend([String::new(), "The times".to_owned(), "---------".to_owned()]);
    // What follows the attach is the demo's own waiting.
    lines.extend(evidence.times.iter().filter(|time| time.step != "gone").map(time));
    let held = claims.iter().filter(|claim| claim.holds).count();
    lines.extend([String::new(), format!("{held} of {} claims hold", claims.len())]);
    lines
}

fn time(time: &Time) -> String {
    format!("      {:<28}{:>9.1} ms", time.step, time.ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_does_not_hold_is_plain_to_see() {
        let claim = |holds| Claim {
            part: Part::Key,
            holds,
            says: "the key stayed home".into(),
            quotes: vec!["a proof".into()],
        };
        let text = lines(&Evidence::default(), &[claim(true), claim(false)]).join("\n");
        assert!(text.contains("  ok  the key stayed home\n        a proof"));
        assert!(text.contains(" FAIL the key stayed home"));
        assert!(text.ends_with("1 of 2 claims hold"));
    }
}
