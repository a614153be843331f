//! What became of the pushes: judged from the upstream's own refs, git-gate's lines and what the agent
//! read.

use super::super::evidence::Evidence;
use super::super::script::step;
use super::{Claim, Part, grouped};

const RULE: &str = "aws-access-key-id";

/// The lines of git's that tell of a refusal.
fn told(text: &str) -> Vec<String> {
    let tells = |line: &&str| {
        line.contains(RULE)
            || line.contains("rule ref-not-allowed")
            || line.contains("[remote rejected]")
    };
    text.lines().filter(tells).map(|line| line.trim().to_owned()).collect()
}

fn text(evidence: &Evidence, step: usize) -> &str {
    evidence.result(step).map_or("", |result| result.text.as_str())
}

pub(super) fn credential(evidence: &Evidence) -> Claim {
    let said = text(evidence, step::PUSH_REFUSED);
    let line = evidence.decisions.iter().find(|line| {
        line.service == "git-gate"
            && line.event == "push"
            && line.reason == "refused"
            && line.rule == RULE
    });
    Claim {
        part: Part::Pushes,
        holds: said.contains(RULE)
            && said.contains("`deploy.ini` line 1")
            && said.contains("nothing was pushed")
            && line.is_some(),
        says: "a commit with a credential in it was refused, with its rule and place".to_owned(),
        quotes: told(said),
    }
}

pub(super) fn arrives(evidence: &Evidence) -> Claim {
    let result = evidence.result(step::PUSH_ARRIVES);
    let object = result.and_then(|result| result.text.lines().last()).unwrap_or_default().trim();
    let arrived = |line: &&String| {
        line.starts_with("refs/heads/agent/") && object.len() == 40 && line.ends_with(object)
    };
    let line = evidence.upstream.refs.iter().find(arrived);
    let by_ssh = evidence.upstream.login.contains("Accepted publickey for git");
    let files = &evidence.upstream.files;
    Claim {
        part: Part::Pushes,
        holds: line.is_some()
            && by_ssh
            && files.contains("NOTES.md")
            && !files.contains("deploy.ini"),
        says: "amended, it arrived at the upstream, by SSH".to_owned(),
        quotes: line.cloned().into_iter().chain([evidence.upstream.login.clone()]).collect(),
    }
}

pub(super) fn elsewhere(evidence: &Evidence) -> Claim {
    let result = evidence.result(step::PUSH_ELSEWHERE);
    let said = text(evidence, step::PUSH_ELSEWHERE);
    let main = format!("refs/heads/main {}", evidence.upstream.main);
    let stands = !evidence.upstream.main.is_empty() && evidence.upstream.refs.contains(&main);
    Claim {
        part: Part::Pushes,
        holds: result.is_some_and(|result| result.is_error)
            && said.matches("rule ref-not-allowed").count() == 2
            && stands,
        says: "`main` it could not push, by force neither".to_owned(),
        quotes: told(said),
    }
}

pub(super) fn key(evidence: &Evidence) -> Claim {
    let places = &evidence.git_key;
    let found = places.iter().any(|place| place.found || place.bytes == 0);
    Claim {
        part: Part::Pushes,
        holds: !places.is_empty() && !found,
        says: "the key that pushed was in no file, no variable and no process of the agent"
            .to_owned(),
        quotes: places
            .iter()
            .map(|place| {
                let mark = if place.found { "FOUND  " } else { "not in " };
                format!("{mark}{} ({} bytes)", place.place, grouped(place.bytes))
            })
            .collect(),
    }
}
