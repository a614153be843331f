//! The tools: what each does. None of them answers anything.

mod arguments;
mod catalogue;
mod wait;

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use sidecar::{Event, Line};
use supervise::{Ask, CredentialUse, Package, Proposal, ProposalId, Push, Requests};

use self::arguments::{
    Any, Nothing, One, ProposeCredentialUse, ProposeEgress, ProposePackage, ProposePush,
};
pub(crate) use self::catalogue::all;
use crate::denials;
use crate::queue::State;
use crate::run::Desk;

/// How long `wait` waits unless it is told otherwise: shorter than the shortest patience of a client.
const WAIT: u64 = 50;
/// The longest it waits.
const LONGEST_WAIT: u64 = 240;

/// Does what a tool does; none where there is no such tool.
pub(crate) async fn call(
    name: &str,
    arguments: Value,
    desk: &Desk,
    context: &RequestContext<RoleServer>,
) -> Option<Result<Value, String>> {
    Some(match name {
        "policy" => parse::<Nothing>(arguments).and_then(|Nothing {}| policy(desk)),
        "denials" => parse::<Nothing>(arguments)
            .map(|Nothing {}| json!({ "denials": denials::recent(&desk.watched) })),
        "propose_egress" => parse(arguments).and_then(|wanted| {
            let ProposeEgress { host, methods, paths, reason } = wanted;
            propose(&Ask::Egress(Requests { host, methods, paths }), &reason, desk)
        }),
        "propose_credential_use" => parse(arguments).and_then(|wanted| {
            let ProposeCredentialUse { credential, host, methods, paths, reason } = wanted;
            let wanted = CredentialUse { credential, host, methods, paths };
            propose(&Ask::CredentialUse(wanted), &reason, desk)
        }),
        "propose_push" => parse(arguments).and_then(|wanted| {
            let ProposePush { upstream, reference, object, reason } = wanted;
            propose(&Ask::Push(Push { upstream, reference, object }), &reason, desk)
        }),
        "propose_package" => parse(arguments).and_then(|wanted| {
            let ProposePackage { manager, package, hosts, reason } = wanted;
            propose(&Ask::Package(Package { manager, package, hosts }), &reason, desk)
        }),
        "status" => parse(arguments).and_then(|Any { id }| status(id.as_ref(), desk)),
        "withdraw" => parse(arguments).and_then(|One { id }| withdraw(&id, desk)),
        "wait" => match parse(arguments) {
            Ok(wanted) => wait::wait(wanted, desk, context).await,
            Err(why) => Err(why),
        },
        _ => return None,
    })
}

fn parse<T: serde::de::DeserializeOwned>(arguments: Value) -> Result<T, String> {
    serde_json::from_value(arguments).map_err(|error| format!("the arguments are wrong: {error}"))
}

fn policy(desk: &Desk) -> Result<Value, String> {
    let policy = desk.queue.policy().ok_or("the policy is not known here yet")?;
    Ok(json!({
        "version": policy.version, "routes": policy.routes, "allow": policy.allow,
        "everything_else": "denied",
    }))
}

fn propose(ask: &Ask, reason: &str, desk: &Desk) -> Result<Value, String> {
    let (proposal, state, new) =
        desk.queue.propose(ask, reason).map_err(|refusal| refusal.text())?;
    if new {
        tell(desk, &proposal, "proposed");
    }
    let next = match &state {
        State::Open => "call wait with this id; a person has to answer",
        State::Denied(_) => "a person said no to this: go on without it",
        State::Approved | State::Failed(_) | State::Revoked(_) => "see its state",
    };
    let mut told = shown(&proposal, &state);
    if let Some(object) = told.as_object_mut() {
        object.insert("next_step".to_owned(), json!(next));
    }
    Ok(told)
}

fn status(id: Option<&ProposalId>, desk: &Desk) -> Result<Value, String> {
    if let Some(id) = id {
        return found(id, desk).map(|(proposal, state)| shown(&proposal, &state));
    }
    let all = desk.queue.all();
    let all: Vec<_> = all.iter().map(|(proposal, state)| shown(proposal, state)).collect();
    Ok(json!({ "proposals": all }))
}

fn withdraw(id: &ProposalId, desk: &Desk) -> Result<Value, String> {
    let (proposal, _) = found(id, desk)?;
    if !desk.queue.withdraw(id) {
        return Err("it was answered already: see its status".to_owned());
    }
    tell(desk, &proposal, "withdrawn");
    Ok(json!({ "id": id, "state": "withdrawn" }))
}

fn found(id: &ProposalId, desk: &Desk) -> Result<(Proposal, State), String> {
    desk.queue.find(id).ok_or_else(|| {
        "there is no such proposal: it was withdrawn, is older than 7 days, or never was".to_owned()
    })
}

fn shown(proposal: &Proposal, state: &State) -> Value {
    let Proposal { id, ask, .. } = proposal;
    let mut told = json!({ "id": id, "asks_for": ask.to_string() });
    if let (Some(told), Ok(Value::Object(state))) =
        (told.as_object_mut(), serde_json::to_value(state))
    {
        told.extend(state);
    }
    told
}

fn tell(desk: &Desk, proposal: &Proposal, what: &str) {
    desk.log.write(Line {
        id: Some(proposal.id.to_string()),
        host: proposal.ask.host().map(ToString::to_string),
        detail: Some(proposal.ask.kind().to_owned()),
        reason: Some(what.to_owned()),
        ..Line::new(Event::Proposal)
    });
}
