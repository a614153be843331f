//! What the demo claims, each judged on the evidence. A claim quotes what proves it.

mod asking;
mod pushes;

use super::evidence::{Decision, Evidence};
use super::script::{self, step};

/// One sentence that holds or does not.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) part: Part,
    pub(super) holds: bool,
    pub(super) says: String,
    pub(super) quotes: Vec<String>,
}

/// Where in the report it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Work,
    Pushes,
    Asking,
    WaysOut,
    Key,
    Gone,
}

/// Judges every claim.
pub(super) fn judge(evidence: &Evidence) -> Vec<Claim> {
    vec![
        genuine(evidence),
        told(evidence),
        tested(evidence),
        committed(evidence),
        pushes::credential(evidence),
        pushes::arrives(evidence),
        pushes::elsewhere(evidence),
        pushes::key(evidence),
        asking::allowed(evidence),
        asking::refused(evidence),
        denied_host(evidence),
        metadata(evidence),
        past_the_proxies(evidence),
        host(evidence),
        only_pipelock(evidence),
        injected(evidence),
        nowhere(evidence),
        removed(evidence),
        kept(evidence),
    ]
}

fn genuine(evidence: &Evidence) -> Claim {
    let agents = evidence.report.requests.iter().map(|request| request.user_agent.as_str());
    let genuine = agents.into_iter().find(|agent| agent.starts_with("claude-cli/"));
    Claim {
        part: Part::Work,
        holds: genuine.is_some() && evidence.claude.sha256.len() == 64,
        says: format!("the genuine Claude Code did it, in {} model calls", evidence.report.calls),
        quotes: vec![
            format!("version     {}", evidence.claude.version),
            format!("SHA-256     {}", evidence.claude.sha256),
            format!("User-Agent  {}", genuine.unwrap_or("(another)")),
        ],
    }
}

fn told(evidence: &Evidence) -> Claim {
    let line = evidence.listed.lines().find(|line| line.contains("stand-in"));
    Claim {
        part: Part::Work,
        holds: line.is_some(),
        says: "the model was a stand-in, and `bottle list` said so".to_owned(),
        quotes: line.map(str::to_owned).into_iter().collect(),
    }
}

fn tested(evidence: &Evidence) -> Claim {
    let text = |step| evidence.result(step).map_or("", |result| result.text.as_str());
    let before = evidence.result(step::TEST_FAILS).is_some_and(|result| result.is_error);
    let after = evidence.result(step::TEST_PASSES).is_some_and(|result| !result.is_error);
    let last = |text: &str| text.trim_end().lines().last().unwrap_or_default().to_owned();
    Claim {
        part: Part::Work,
        holds: before && after && text(step::TEST_PASSES).contains("OK"),
        says: "a test failed; the agent read the code, mended it, and the test passes".to_owned(),
        quotes: vec![
            format!("before  {}", last(text(step::TEST_FAILS))),
            format!("after   {}", last(text(step::TEST_PASSES))),
        ],
    }
}

fn committed(evidence: &Evidence) -> Claim {
    let mended = "+    return amount * (100 - discount_percent) / 100";
    Claim {
        part: Part::Work,
        holds: evidence.commit.lines().any(|line| line == mended),
        says: "the fix is a commit in the agent's clone of the repository".to_owned(),
        quotes: evidence
            .commit
            .lines()
            .filter(|l| !l.is_empty())
            .take(2)
            .map(str::to_owned)
            .collect(),
    }
}

fn denied_host(evidence: &Evidence) -> Claim {
    let ours = |decision: &&Decision| {
        decision.host == script::DENIED_HOST && decision.path.contains(&evidence.nonce)
    };
    let line = denied(evidence, ours);
    let told = evidence.result(step::DENIED_HOST).is_some_and(|result| {
        result.text.to_ascii_lowercase().contains("x-bottle-denied: host-not-allowed")
    });
    let (agent, control) = sink(evidence, script::DENIED_HOST);
    Claim {
        part: Part::WaysOut,
        holds: line.is_some_and(|line| line.address.is_none()) && told && !agent && control,
        says: format!("{} was denied, and the agent was told why", script::DENIED_HOST),
        quotes: quotes(line, "the control's request for it arrived at the sink", control),
    }
}

fn metadata(evidence: &Evidence) -> Claim {
    let line = denied(evidence, |decision| decision.host == script::METADATA);
    // egress hands everything on to pipelock, and has no other way: only pipelock dials.
    let dialled =
        evidence.decisions.iter().filter(|line| line.service == "pipelock").any(|decision| {
            let there = |text: &str| text.starts_with(script::METADATA);
            decision.address.as_deref().is_some_and(there)
                || decision.host == script::METADATA && decision.event == "allowed"
        });
    let told = evidence.result(step::METADATA).is_some_and(|result| result.text.contains("403"));
    Claim {
        part: Part::WaysOut,
        holds: line.is_some() && !dialled && told,
        says: "the cloud's metadata service was denied, and nobody dialled it".to_owned(),
        quotes: quotes(line, "no control here: nobody tries that address for real", true),
    }
}

fn past_the_proxies(evidence: &Evidence) -> Claim {
    let ways = ways(evidence);
    let (agent, control) = sink(evidence, "HTTP/1.1");
    let mut quotes = ways.clone();
    quotes.push(arrival("the control's request arrived at the same sink", control));
    Claim {
        part: Part::WaysOut,
        holds: ways.len() == 4
            && ways.iter().all(|way| !way.ends_with("OPEN"))
            && !agent
            && control,
        says: "past the proxies there is no way: the internal network has no exit".to_owned(),
        quotes,
    }
}

fn host(evidence: &Evidence) -> Claim {
    let came = |who: &str| evidence.host.iter().any(|line| line.contains(who));
    Claim {
        part: Part::WaysOut,
        holds: !came("/agent") && came("/control"),
        says: "the host, by either gateway, heard nothing of the agent".to_owned(),
        quotes: vec![arrival("the control's request arrived at the host", came("/control"))],
    }
}

fn only_pipelock(evidence: &Evidence) -> Claim {
    let requests = &evidence.report.requests;
    let others: Vec<_> =
        requests.iter().filter(|request| !evidence.pipelock.contains(&request.from)).collect();
    let strange = evidence.report.arrivals.iter().filter(|a| evidence.pipelock.contains(&a.from));
    Claim {
        part: Part::WaysOut,
        holds: !requests.is_empty() && others.is_empty() && strange.count() == 0,
        says: format!("all {} requests to the model came from pipelock", requests.len()),
        quotes: vec![format!("pipelock stands at {}", evidence.pipelock.join(" and "))],
    }
}

fn injected(evidence: &Evidence) -> Claim {
    let calls: Vec<_> =
        evidence.report.requests.iter().filter(|r| r.path == "/v1/messages").collect();
    let good = calls.iter().filter(|r| r.credential.expected && r.credential.values == 1).count();
    Claim {
        part: Part::Key,
        holds: good > 0 && good == calls.len(),
        says: "the real key arrived at the model's side with every call".to_owned(),
        quotes: vec![format!("{good} of {} calls bore it, once, compared by SHA-256", calls.len())],
    }
}

fn nowhere(evidence: &Evidence) -> Claim {
    let found = evidence.searched.iter().any(|place| place.found) || evidence.key_in_results;
    let mark = |found| if found { "FOUND  " } else { "not in " };
    let mut quotes: Vec<_> = evidence
        .searched
        .iter()
        .map(|place| {
            format!("{}{} ({} bytes)", mark(place.found), place.place, grouped(place.bytes))
        })
        .collect();
    quotes.push(format!(
        "{}anything its tools or the agent itself printed",
        mark(evidence.key_in_results)
    ));
    quotes.push(format!("what it holds instead: {}", evidence.placeholder));
    let works =
        if evidence.search_works { "the same search finds that" } else { "THE SEARCH FAILS" };
    quotes.push(works.to_owned());
    let empty = evidence.searched.iter().any(|place| place.bytes == 0);
    Claim {
        part: Part::Key,
        holds: !found && !empty && evidence.search_works,
        says: "and it was in no file, no variable and no process of the agent".to_owned(),
        quotes,
    }
}

fn removed(evidence: &Evidence) -> Claim {
    let removed = &evidence.removed;
    Claim {
        part: Part::Gone,
        holds: !removed.during.is_empty()
            && removed.after.is_empty()
            && removed.keys_during > 0
            && removed.keys_after == 0,
        says: format!("gone in {:.1} s", removed.teardown.as_secs_f64()),
        quotes: removed
            .during
            .iter()
            .cloned()
            .chain([format!("{} CA keys", removed.keys_during)])
            .chain(removed.after.iter().map(|object| format!("LEFT: {object}")))
            .collect(),
    }
}

fn kept(evidence: &Evidence) -> Claim {
    let removed = &evidence.removed;
    Claim {
        part: Part::Gone,
        holds: removed.log_bytes > 0 && removed.workspace_bytes > 0 && !removed.key_in_state,
        says: "kept: the log and the workspace, and no key in either".to_owned(),
        quotes: vec![
            format!("compose.log    {} bytes", grouped(removed.log_bytes)),
            format!("workspace.tar  {} bytes", grouped(removed.workspace_bytes)),
        ],
    }
}

fn denied(evidence: &Evidence, of_interest: impl Fn(&&Decision) -> bool) -> Option<&Decision> {
    let denials = evidence.decisions.iter().filter(|decision| decision.event == "denied");
    denials.filter(of_interest).find(|decision| !decision.id.is_empty())
}

/// Whether something with this text came to the sink from the agent, and from the control.
fn sink(evidence: &Evidence, text: &str) -> (bool, bool) {
    let came = |who: &str| {
        let mark = format!("{}/{who}", evidence.nonce);
        evidence.report.arrivals.iter().any(|a| a.what.contains(text) && a.what.contains(&mark))
    };
    (came("agent"), came("control"))
}

fn ways(evidence: &Evidence) -> Vec<String> {
    let text = evidence.result(step::WAYS_OUT).map_or("", |result| result.text.as_str());
    text.lines().filter(|line| line.contains(": ")).map(str::to_owned).collect()
}

fn quotes(line: Option<&Decision>, control: &str, arrived: bool) -> Vec<String> {
    let denial = line.map_or_else(
        || vec!["NO LINE OF A SIDECAR says so".to_owned()],
        |line| {
            vec![
                format!("layer {}, reason {}, id {}", line.service, line.reason, line.id),
                line.line.clone(),
            ]
        },
    );
    denial.into_iter().chain([arrival(control, arrived)]).collect()
}

fn arrival(control: &str, arrived: bool) -> String {
    if arrived { control.to_owned() } else { format!("NOT SO: {control}") }
}

/// 1234567 as `1 234 567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
