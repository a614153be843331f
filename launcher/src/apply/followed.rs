//! What of a manifest a bottle follows while it runs: the keys of its files that the manifest decides,
//! and what of it waits for the next start.

use super::{Config, Started, edit};
use crate::plan::{Ground, Plan};

/// The keys of each file that a manifest decides; the rest is the bottle's own.
const UPSTREAM_KEYS: [&str; 5] =
    ["api_allowlist", "request_body_scanning", "response_scanning", "ssrf", "tls_interception"];
const BOTTLE_KEYS: [&str; 6] = ["routed", "egress", "ports", "requests", "budgets", "upstream_ca"];
/// The one besides, where the bottle can follow it.
const PROXY: &str = "upstream_proxy";

/// The files of pipelock and git-gate, and the parts of the manifest that are not in them.
#[derive(Debug)]
pub(super) struct Followed {
    pub upstream: String,
    pub bottle: String,
    pub gate: Option<String>,
    pub waiting: Vec<String>,
}

impl Followed {
    /// Of that plan, for a bottle with that policy that was started with `then`. Where a stand-in is,
    /// the outside has an authority of its own, which no manifest names.
    pub(super) fn of(
        plan: &Plan,
        ground: &Ground,
        base: &Config,
        then: Option<&Started>,
        stand_in: bool,
    ) -> anyhow::Result<Self> {
        let now = Started::of(plan);
        let differing = then.map(|then| then.differing(&now)).unwrap_or_default();
        let mut waiting: Vec<String> = differing.into_iter().map(str::to_owned).collect();
        if base.gate.is_none() {
            waiting.retain(|part| part != Started::GATE_CA);
        }
        let in_force = pipelock::Policy::read(&base.upstream, &base.bottle)?.policy.upstream_proxy;
        let wanted = plan.pipelock.upstream_proxy.clone();
        // A login is in the environment of both since the start: another one cannot come, and a new
        // proxy would be shown the old one's.
        let follows = plan.pipelock.upstream_credential.is_none()
            && then.is_some_and(|then| then.has_same(&now, Started::PROXY_LOGIN));
        if !follows && in_force != wanted && !waiting.iter().any(|it| it == Started::PROXY_LOGIN) {
            waiting.push(Started::PROXY_LOGIN.to_owned());
        }
        let settings = plan.pipelock_settings(ground);
        let held = |key: &&str| !(stand_in && *key == "upstream_ca");
        let mut keys: Vec<&str> = BOTTLE_KEYS.into_iter().filter(held).collect();
        keys.extend(follows.then_some(PROXY));
        let upstream = settings.upstream_yaml();
        Ok(Self {
            upstream: edit::with_keys_of(&base.upstream, &upstream, &UPSTREAM_KEYS)?,
            bottle: edit::with_keys_of(&base.bottle, &settings.bottle_yaml(), &keys)?,
            gate: gate(plan, ground, base, if follows { wanted } else { in_force })?,
            waiting,
        })
    }
}

/// The rules of the repositories that git-gate has, behind the proxy that pipelock is behind. Another
/// repository, or another key, is for a start: the agent's git is set up then.
fn gate(
    plan: &Plan,
    ground: &Ground,
    base: &Config,
    proxy: Option<compose_render::UpstreamProxy>,
) -> anyhow::Result<Option<String>> {
    let Some(text) = &base.gate else { return Ok(None) };
    let old = git_gate::GateFile::parse(text)?;
    let new = plan.git_gate(ground)?.map(|gate| gate.gate_file().upstreams).unwrap_or_default();
    let mut file = old.clone();
    file.upstream_proxy = proxy;
    file.upstreams.retain_mut(|upstream| {
        let wanted = new.iter().find(|wanted| wanted.url.name() == upstream.url.name());
        if let Some(wanted) = wanted {
            upstream.push.clone_from(&wanted.push);
            upstream.protected.clone_from(&wanted.protected);
        }
        wanted.is_some()
    });
    Ok(Some(if file == old { text.clone() } else { file.render() }))
}

#[cfg(test)]
mod tests;
