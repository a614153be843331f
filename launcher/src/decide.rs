//! Deciding on what agents ask for: what it would come to, a yes to exactly that, a no, and taking a
//! yes back. Whoever shows it to a person, these are the only ways to answer.

mod keep;
mod outlook;
mod revoke;

use std::collections::BTreeMap;

use anyhow::anyhow;
use compose_run::{BottleDir, StateDir};
use supervise::{Answer, AnswerVerdict, Ask};

pub(crate) use self::keep::{Edit, diff, manifest_of};
pub(crate) use self::outlook::{Outlook, ago, text};
pub(crate) use self::revoke::revoke;
use crate::apply::{Config, Grant, Target, Why};
use crate::audit::{self, Entry, Event};
use crate::environment::Environment;
use crate::exit;
use crate::host::Host;
use crate::proposals::{self, Asked, Found, Name};

/// How far a yes goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// So many seconds: pipelock and egress end it by their own clocks.
    Seconds(u64),
    /// Until the bottle ends, or the grant is taken back.
    Bottle,
}

/// What a yes came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one answer of a person at a time")]
pub(crate) enum Decided {
    /// It is in force, in every sidecar concerned.
    InForce(Outlook),
    /// It is another change by now than the one that was seen, and nothing was done.
    Changed(Asked, Outlook),
}

/// The proposals of a bottle, each written down in its audit once.
pub(crate) fn proposals_of(dir: &BottleDir) -> anyhow::Result<Found> {
    let found = proposals::of_bottle(dir)?;
    // An audit that cannot be written hides nothing that was asked for; a decision it does stop.
    note(dir, &found.asked).ok();
    Ok(found)
}

/// Writes down what was asked for, where that is not written yet.
fn note(dir: &BottleDir, asked: &[Asked]) -> anyhow::Result<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let chain = audit::read(dir)?;
    // What somebody broke is told by `audit`, and not added to again and again.
    if chain.fault().is_some() {
        return Ok(());
    }
    let noted = chain.proposals();
    for one in asked.iter().filter(|one| !noted.contains(&one.proposal.id)) {
        let entry = Entry::new(Event::Proposal).id(&one.proposal.id);
        audit::append(dir, entry.detail(one.wish()))?;
    }
    Ok(())
}

/// Puts in force what was asked for, or `instead` of it what a person made of it: exactly the change
/// of that digest, or nothing.
///
/// # Errors
///
/// What was answered, was withdrawn or is too old; a change that could not be put in force.
pub(crate) fn approve(
    host: &Host,
    environment: &Environment,
    name: &Name,
    instead: Option<&Ask>,
    change: &str,
    reach: Reach,
) -> anyhow::Result<Decided> {
    let asked = proposals::named(&host.state, name)?;
    let target = Target::hold(host, &asked.slug, environment)?;
    let asked = still_open(&target.dir, &asked)?;
    note(&target.dir, std::slice::from_ref(&asked))?;
    let outlook = Outlook::on(target.current()?, &target.dir, &asked, instead)?;
    if outlook.change != change {
        return Ok(Decided::Changed(asked, outlook));
    }
    let id = &asked.proposal.id;
    let until = match (reach, &outlook.ask) {
        (_, Ask::Push(_)) | (Reach::Bottle, _) => None,
        (Reach::Seconds(seconds), _) => Some(proposals::now().saturating_add(seconds)),
    };
    let entry = Entry::new(Event::Approve).id(id).change(change);
    audit::append(&target.dir, entry.detail(outlook.ask.to_string()))?;
    if let Err(error) = put_in_force(&target, &asked, &outlook, until) {
        let reason = "a person said yes, and it could not be put in force";
        let failed = proposals::answer_of(id, &outlook.ask, AnswerVerdict::Failed, reason);
        let told = proposals::write_answer(&target.dir, &failed);
        let failed = Entry::new(Event::Failed).id(id).detail(format!("{error:#}"));
        // What stood in the way of the yes may stand in the way of these, and is the one to tell.
        drop(audit::append(&target.dir, failed).and(told));
        return Err(error);
    }
    Ok(Decided::InForce(outlook))
}

fn put_in_force(
    target: &Target<'_>,
    asked: &Asked,
    outlook: &Outlook,
    until: Option<u64>,
) -> anyhow::Result<()> {
    let id = &asked.proposal.id;
    let instead = outlook.ask != asked.proposal.ask;
    let reason = if instead { format!("allowed instead: {}", outlook.ask) } else { String::new() };
    let answer = proposals::answer_of(id, &outlook.ask, AnswerVerdict::Approved, &reason);
    if outlook.ask.push().is_some() {
        return proposals::write_answer(&target.dir, &answer);
    }
    let now = proposals::now();
    let mut grants = outlook.before.grants()?;
    grants.push(Grant { id: id.clone(), ask: outlook.ask.clone(), given: now, until });
    let after = on_base(target, &outlook.before, &grants)?;
    let mut why = Why::new(Event::Apply, format!("proposal {id}: {}", outlook.ask));
    why.answers = Some(Answer { until, ..answer });
    target.apply(&outlook.before, &after, &BTreeMap::new(), &why).map(drop)
}

/// The policy without any grant, with those on top.
fn on_base(target: &Target<'_>, config: &Config, grants: &[Grant]) -> anyhow::Result<Config> {
    let addresses = target.metadata.addresses;
    let addresses = addresses.ok_or_else(|| crate::bottles::no_such(target.dir.slug()))?;
    config.base()?.with_grants(grants, &addresses, proposals::now())
}

/// Says no, and why, which the agent is told.
///
/// # Errors
///
/// What was answered already.
pub(crate) fn deny(state: &StateDir, name: &Name, reason: &str) -> anyhow::Result<Asked> {
    let asked = proposals::named(state, name)?;
    let dir = state.bottle(&asked.slug);
    let asked = still_open(&dir, &asked)?;
    note(&dir, std::slice::from_ref(&asked))?;
    let id = &asked.proposal.id;
    audit::append(&dir, Entry::new(Event::Deny).id(id).reason(reason))?;
    let answer = proposals::answer_of(id, &asked.proposal.ask, AnswerVerdict::Denied, reason);
    proposals::write_answer(&dir, &answer)?;
    Ok(asked)
}

/// Single use: what was answered, withdrawn or is too old is not answered again.
fn still_open(dir: &BottleDir, asked: &Asked) -> anyhow::Result<Asked> {
    let name = asked.name();
    let there = proposals::one(dir, &asked.proposal.id)?;
    let there = there.ok_or_else(|| anyhow!("`{name}` was withdrawn"))?;
    if there.is_open() {
        return Ok(there);
    }
    Err(exit::refused(format!("`{name}` is {}: it is answered once", there.state())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposals::tests::{bottle, proposal, put};

    #[test]
    fn each_of_several_proposals_is_noted_once_however_often_one_looks() {
        let (_folder, _state, dir) = bottle();
        for nth in 1..=3 {
            let asked = proposal(&format!("{nth}.example.org"));
            put(&dir, &asked.id.proposal_file(), &asked.to_json());
            for _ in 0..2 {
                assert_eq!(proposals_of(&dir).unwrap().asked.len(), nth);
                let chain = audit::read(&dir).unwrap();
                assert_eq!((chain.lines().len(), chain.proposals().len()), (nth, nth));
            }
        }
    }
}
