//! An answer: what a person said, written by the host alone.

use serde::{Deserialize, Serialize};

use crate::{ProposalId, Push};

/// What a person said, and what became of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerVerdict {
    /// In force in every sidecar concerned.
    Approved,
    Denied,
    /// A person said yes, and it could not be put in force.
    Failed,
    /// A person said yes, and took it back.
    Revoked,
}

/// An answer as it is written down.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub id: ProposalId,
    pub verdict: AnswerVerdict,
    /// What the agent is told: the person's reason, or the cause of the failure.
    #[serde(default)]
    pub reason: String,
    /// Seconds since 1970.
    pub answered: u64,
    /// Where the yes is for a short time: its end, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Where the yes is for a push: which, since a name is short enough to be met twice on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
    /// Who said it, by their account on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A file that is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it is not in the form of an answer")]
pub struct InvalidAnswer;

impl Answer {
    /// Reads an answer to that proposal.
    ///
    /// # Errors
    ///
    /// Another form, or the answer to another proposal.
    pub fn read(bytes: &[u8], id: &ProposalId) -> Result<Self, InvalidAnswer> {
        let answer: Self = serde_json::from_slice(bytes).map_err(|_| InvalidAnswer)?;
        if answer.id == *id { Ok(answer) } else { Err(InvalidAnswer) }
    }

    /// The text of its file.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j1_an_answer_counts_for_its_own_proposal_alone() {
        let (id, other) = ("0123456789ab".parse().unwrap(), "ba9876543210".parse().unwrap());
        let verdict = AnswerVerdict::Approved;
        let answer = Answer {
            id,
            verdict,
            reason: String::new(),
            answered: 1,
            until: None,
            push: None,
            by: None,
        };
        let text = answer.to_json();
        assert_eq!(Answer::read(text.as_bytes(), &answer.id), Ok(answer));
        assert_eq!(Answer::read(text.as_bytes(), &other), Err(InvalidAnswer));
    }
}
