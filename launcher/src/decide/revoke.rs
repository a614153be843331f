//! Taking a yes back: what it opened is closed again, with the connections that are open under it.

use std::collections::BTreeMap;

use anyhow::anyhow;
use compose_run::BottleDir;
use supervise::AnswerVerdict;

use super::on_base;
use crate::apply::{Difference, Target, Why};
use crate::audit::{self, Entry, Event};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::host::Host;
use crate::proposals::{self, Name};

/// What went with it.
#[derive(Debug)]
pub(crate) struct Revoked {
    pub difference: Difference,
    /// The version of the policy that is in force now; none where it took no change.
    pub version: Option<u64>,
}

/// Takes a grant back. It comes back once every sidecar concerned says that it is not in force any
/// more; each closes then what is open under it.
///
/// # Errors
///
/// What was never granted, or is over already.
pub(crate) fn revoke(
    host: &Host,
    environment: &Environment,
    name: &Name,
    reason: &str,
) -> anyhow::Result<Revoked> {
    let slug = match &name.slug {
        Some(slug) => slug.clone(),
        None => proposals::named(&host.state, name)?.slug,
    };
    let target = Target::hold(host, &slug, environment)?;
    let id = &name.id;
    let before = target.current()?;
    let grants = before.grants()?;
    let Some(grant) = grants.iter().find(|one| one.id == *id) else {
        return revoke_push(&target.dir, name, reason);
    };
    let left: Vec<_> = grants.iter().filter(|one| one.id != *id).cloned().collect();
    let after = on_base(&target, &before, &left)?;
    let difference = Difference::between(&before, &after)?;
    audit::append(&target.dir, Entry::new(Event::Revoke).id(id).reason(reason))?;
    let mut why = Why::new(Event::Apply, format!("`bottle revoke` of {id}"));
    why.answers = Some(proposals::answer_of(id, &grant.ask, AnswerVerdict::Revoked, reason));
    let version = target.apply(&before, &after, &BTreeMap::new(), &why)?;
    Ok(Revoked { difference, version })
}

/// A push that was allowed and has not come yet.
fn revoke_push(dir: &BottleDir, name: &Name, reason: &str) -> anyhow::Result<Revoked> {
    let asked = proposals::one(dir, &name.id)?;
    let approved = asked.filter(|asked| asked.state() == "approved");
    let pushes = approved.map(|asked| asked.proposal.ask).filter(|ask| ask.push().is_some());
    let Some(ask) = pushes else {
        return Err(anyhow!("nothing is granted under the name `{name}`"))
            .hint(format!("`bottle policy {}` shows what is", dir.slug()));
    };
    audit::append(dir, Entry::new(Event::Revoke).id(&name.id).reason(reason))?;
    let answer = proposals::answer_of(&name.id, &ask, AnswerVerdict::Revoked, reason);
    proposals::write_answer(dir, &answer)?;
    // It may have been passing at that moment.
    if proposals::one(dir, &name.id)?.is_some_and(|asked| asked.used) {
        return Err(exit::refused("the push has passed: what is pushed stays pushed"));
    }
    let gone = vec![ask.to_string()];
    Ok(Revoked { difference: Difference { gone, new: Vec::new() }, version: None })
}
