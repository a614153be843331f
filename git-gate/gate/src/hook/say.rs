//! What a refused push reads: the rule, the place, and what to do. Never a secret.

use std::io::{self, Write as _};
use std::time::Duration;

use git_gate::{RefDenial, Rules};

use super::approvals::{Allowed, Outcome};
use crate::judge::{Finding, Refused};
use crate::trouble::{Trouble, plain};

/// How often the person who waits is told that it goes on.
pub(super) const PROGRESS: Duration = Duration::from_secs(5);

/// Why nothing was pushed.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// For the log.
    pub(super) rule: String,
    /// What a person is asked, for the log.
    pub(super) proposal: Option<String>,
    lines: Vec<String>,
    advice: String,
}

/// Says one line to whoever pushes.
pub(super) fn line(text: &str) {
    // A client that is gone reads nothing.
    drop(writeln!(io::stderr(), "{text}"));
}

impl Refusal {
    pub(super) fn say(&self) {
        line("git-gate refused this push; nothing was pushed:");
        for text in &self.lines {
            line(&format!("  {text}"));
        }
        line(&self.advice);
    }

    fn new(rule: &str, sentence: String, advice: impl Into<String>) -> Self {
        let (rule, lines) = (rule.to_owned(), vec![sentence]);
        Self { rule, proposal: None, lines, advice: advice.into() }
    }

    pub(super) fn options() -> Self {
        let sentence =
            "push options (`-o`) are not passed on: they act on the host, with its rights";
        Self::new("push-options", sentence.to_owned(), "Push again without them.")
    }

    pub(super) fn too_many_refs(count: usize, limit: usize) -> Self {
        let sentence = format!("{count} refs at once, and at most {limit} are judged");
        Self::new("too-many-refs", sentence, "Name the branches you mean, one by one.")
    }

    pub(super) fn refs(denials: &[RefDenial], rules: &Rules) -> Self {
        let rule = denials.first().map_or("ref", |denial| denial.rule.as_str());
        let patterns: Vec<_> = rules.patterns().map(|pattern| format!("`{pattern}`")).collect();
        let example = rules.example().map_or_else(String::new, |branch| {
            format!(" For example: git push origin HEAD:refs/heads/{branch}")
        });
        Self {
            rule: rule.to_owned(),
            proposal: None,
            lines: denials.iter().map(ToString::to_string).collect(),
            advice: format!("This bottle pushes to {}.{example}", patterns.join(", ")),
        }
    }

    pub(super) fn moved(name: &str) -> Self {
        let sentence = format!("`{}` is not what you last fetched", name.escape_debug());
        Self::new("moved-meanwhile", sentence, "Fetch, look at what came, and push again.")
    }

    /// Credentials. What to do depends on whose they are.
    pub(super) fn secrets(findings: &[Finding], own: bool) -> Self {
        let ask = if own {
            ""
        } else {
            " If it is no credential, ask a person: the MCP tool `propose_push` with this upstream, \
             ref and object, where this bottle has supervise."
        };
        Self {
            rule: findings.first().map_or("secret", |finding| finding.rule.as_str()).to_owned(),
            proposal: None,
            lines: findings.iter().map(ToString::to_string).collect(),
            advice: format!(
                "Take it out of every commit of this push that holds it (`git commit --amend`, or \
                 `git rebase -i`): removing it in a later commit is not enough. Then push again.{ask}"
            ),
        }
    }

    /// What a person has to allow, and what became of the question.
    pub(super) fn held(findings: &[Finding], outcome: &Outcome) -> Self {
        let first = findings.first().map_or("held", |finding| finding.rule.as_str());
        let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let (rule, proposal, advice) = match outcome {
            Outcome::Denied { id, reason } => {
                let reason = plain(reason);
                lines.push(format!("a person was asked (proposal {id}) and said no: {reason}"));
                let advice = "Leave it out of every commit of this push, and push again.";
                ("denied-by-a-person", Some(id.clone()), advice.to_owned())
            }
            Outcome::Waits(ids) | Outcome::Allowed(Allowed { ids, .. }) => {
                let ids = ids.join(" ");
                let advice = format!(
                    "This needs a person: `bottle approve {ids}` on the host allows it. Then push the \
                     same commit to the same ref again, and it passes, once. Or leave it out."
                );
                (first, Some(ids), advice)
            }
            Outcome::TooMany => {
                lines.push("too many pushes wait for a person already".to_owned());
                (first, None, "Leave it out, or wait until some are answered.".to_owned())
            }
        };
        Self { rule: rule.to_owned(), proposal, lines, advice }
    }

    pub(super) fn unjudged(refused: &Refused) -> Self {
        Self::new(refused.rule, refused.sentence.clone(), "Push less at once, or leave it out.")
    }

    pub(super) fn trouble(trouble: &Trouble) -> Self {
        let advice = "The push itself was found well. Try again when the upstream takes it.";
        Self::new(trouble.reason(), trouble.to_string(), advice)
    }

    /// The upstream did not say what it has.
    pub(super) fn unknown(trouble: &Trouble) -> Self {
        let advice = "The push was not judged yet. Try again when the upstream answers.";
        Self::new(trouble.reason(), trouble.to_string(), advice)
    }

    /// The upstream's own no, in its words.
    pub(super) fn upstream(said: &str) -> Self {
        let sentence = format!("the upstream refused it: {said}");
        Self::new("upstream-refused-ref", sentence, "Fetch, look at what came, and push again.")
    }
}
