//! What became of the questions: judged from what the agent read, what the person saw, and the lines
//! of the sidecars.

use super::super::evidence::{Decision, Evidence};
use super::super::person::{Answer, NO};
use super::super::script::{RISKY_HOST, WANTED_HOST, step};
use super::{Claim, Part};

pub(super) fn allowed(evidence: &Evidence) -> Claim {
    let denied = text(evidence, step::NEEDED).contains("host-not-allowed");
    let open = text(evidence, step::ASKED).contains("\"state\":\"open\"");
    let approved = text(evidence, step::ALLOWED).contains("\"state\":\"approved\"");
    let read = text(evidence, step::AGAIN).trim() == "arrived";
    let answer = answer(evidence, WANTED_HOST).filter(|answer| answer.allowed);
    let line = |service: &str, event: &str| {
        let is_it = |line: &&Decision| {
            line.service == service && line.event == event && line.host == WANTED_HOST
        };
        evidence.decisions.iter().find(is_it).map(|line| clock(&line.time))
    };
    let times = [
        ("denied", line("pipelock", "denied")),
        ("asked", line("supervise", "proposal")),
        ("seen by the person", answer.map(|answer| answer.seen.clone())),
        ("in force", answer.map(|answer| answer.done.clone())),
        ("the same request, allowed", line("pipelock", "allowed")),
    ];
    let mut quotes: Vec<String> = answer.map(|answer| answer.change.clone()).into_iter().collect();
    quotes.extend(times.iter().map(|(what, time)| {
        format!("{:<28}{}", what, time.as_deref().unwrap_or("NO LINE says so"))
    }));
    Claim {
        part: Part::Asking,
        holds: denied && open && approved && read && times.iter().all(|(_, time)| time.is_some()),
        says: format!("{WANTED_HOST} was denied, asked for, allowed by a person, and read"),
        quotes,
    }
}

pub(super) fn refused(evidence: &Evidence) -> Claim {
    let told = text(evidence, step::REFUSED);
    let open = text(evidence, step::RISKY).contains("\"state\":\"open\"");
    let answer = answer(evidence, RISKY_HOST).filter(|answer| !answer.allowed);
    let risk = answer.is_some_and(|answer| answer.risks.iter().any(|risk| risk == "whole-domain"));
    let mut quotes: Vec<String> =
        answer.map(|answer| format!("risks  {}", answer.risks.join(", "))).into_iter().collect();
    quotes.push(format!("told   {}", told.lines().next().unwrap_or("(nothing)")));
    Claim {
        part: Part::Asking,
        holds: open && risk && told.contains("\"state\":\"denied\"") && told.contains(NO),
        says: format!("{RISKY_HOST} carries a risk: a person said no, and the agent was told why"),
        quotes,
    }
}

fn text(evidence: &Evidence, step: usize) -> &str {
    evidence.result(step).map_or("", |result| result.text.as_str())
}

fn answer<'a>(evidence: &'a Evidence, host: &str) -> Option<&'a Answer> {
    evidence.answers.iter().find(|answer| answer.host == host)
}

/// The time of day of a line.
fn clock(time: &str) -> String {
    let clock = time.split_once('T').map_or(time, |(_, clock)| clock);
    clock.trim_end_matches('Z').to_owned()
}
