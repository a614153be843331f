//! What a change comes to, computed from the files themselves: the lines that a person reads.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Config;
use crate::policy_view::{RouteView, clock};

/// The lines of a policy that go, and those that come.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Difference {
    pub gone: Vec<String>,
    pub new: Vec<String>,
}

impl Difference {
    /// What changes from one to the other.
    pub(crate) fn between(before: &Config, after: &Config) -> anyhow::Result<Self> {
        let (before, after) = (lines(before)?, lines(after)?);
        Ok(Self {
            gone: before.difference(&after).cloned().collect(),
            new: after.difference(&before).cloned().collect(),
        })
    }

    /// In lines, marked `-` and `+`.
    pub(crate) fn lines(&self) -> Vec<String> {
        let gone = self.gone.iter().map(|line| format!("- {line}"));
        gone.chain(self.new.iter().map(|line| format!("+ {line}"))).collect()
    }
}

/// A line for each grant.
fn lines(config: &Config) -> anyhow::Result<BTreeSet<String>> {
    let policy = pipelock::Policy::read(&config.upstream, &config.bottle)?.policy;
    let mut lines = BTreeSet::new();
    for host in policy.allow.iter().filter(|host| !policy.routed.contains(host)) {
        let end = policy.until.iter().find(|one| one.host == *host);
        let end = end.map(|one| format!(", until {}", clock(one.until))).unwrap_or_default();
        lines.insert(format!("allow {host}: every method, every path{end}"));
    }
    if let Some(observe) = &policy.observe {
        lines.insert(format!("observed until {}: denials are findings", clock(observe.until)));
    }
    for rule in &policy.ports {
        lines.insert(format!("port {} of {}", rule.port, rule.host));
    }
    for network in &policy.ssrf_allow {
        lines.insert(format!("dials also {network}"));
    }
    lines.insert(format!("secrets in requests: {}", policy.requests.as_str()));
    lines.insert(format!("injections in responses: {}", policy.responses.as_str()));
    for host in &policy.unscanned {
        lines.insert(format!("responses of {host} are not looked through"));
    }
    for host in &policy.passthrough {
        lines.insert(format!("TLS of {host} passes unopened"));
    }
    for budget in &policy.budgets {
        let bounds = [(budget.requests, "requests"), (budget.bytes, "bytes")];
        let bounds = bounds.map(|(bound, what)| bound.map(|bound| format!("{bound} {what}")));
        let bounds = bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        lines.insert(format!("budget of {}: {bounds} a minute", budget.host));
    }
    if let Some(proxy) = &policy.upstream_proxy {
        lines.insert(format!("upstream by the proxy {}:{}", proxy.host, proxy.port));
    }
    let authorities = policy.upstream_ca.matches("BEGIN CERTIFICATE").count();
    if authorities > 0 {
        lines.insert(format!("trusts {authorities} authorities besides the public ones"));
    }
    if let Some(routes) = &config.routes {
        for route in egress::RoutesFile::parse(routes)?.routes.iter() {
            lines.insert(format!("route {}", RouteView::of(route).text()));
        }
    }
    if let Some(gate) = &config.gate {
        let gate = git_gate::GateFile::parse(gate)?;
        if let Some(proxy) = &gate.upstream_proxy {
            lines.insert(format!("git by the proxy {}:{}", proxy.host, proxy.port));
        }
        for upstream in gate.upstreams {
            let list = |texts: Vec<String>, none: &str| match texts.as_slice() {
                [] => none.to_owned(),
                some => some.join(" "),
            };
            let push = upstream.push.iter().map(ToString::to_string).collect();
            let protected = upstream.protected.iter().map(ToString::to_string).collect();
            lines.insert(format!("git {}: pushes {}", upstream.url, list(push, "nothing")));
            let files = list(protected, "no protected file");
            lines.insert(format!("git {}: passes {files}", upstream.url));
        }
    }
    Ok(lines)
}

/// The policy as the agent is told of it.
pub(crate) fn told(config: &Config, version: u64) -> anyhow::Result<supervise::Policy> {
    let policy = pipelock::Policy::read(&config.upstream, &config.bottle)?.policy;
    let allow = policy.allow.iter().filter(|host| !policy.routed.contains(host));
    let routes = match &config.routes {
        Some(routes) => egress::RoutesFile::parse(routes)?.routes,
        None => egress::Routes::default(),
    };
    Ok(supervise::Policy {
        version,
        routes: routes.iter().map(|route| RouteView::of(route).text()).collect(),
        allow: allow
            .map(ToString::to_string)
            .chain(policy.observe.iter().map(|observe| {
                let until = clock(observe.until);
                format!("(until {until} most other hosts: each request to one is written down)")
            }))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::config::tests::config;

    #[test]
    fn only_what_changes_is_shown() {
        let before = config();
        let mut after = before.clone();
        after.upstream = after.upstream.replace("docs.example.org", "other.example.org");
        let difference = Difference::between(&before, &after).unwrap();
        assert_eq!(
            difference.lines(),
            [
                "- allow docs.example.org: every method, every path",
                "+ allow other.example.org: every method, every path"
            ]
        );
        assert!(Difference::between(&before, &before).unwrap().lines().is_empty());
    }

    #[test]
    fn j9_the_agent_is_told_names_and_no_value() {
        let told = told(&config(), 3).unwrap();
        assert_eq!(told.allow, ["docs.example.org"]);
        assert_eq!(
            told.routes,
            ["api.example.net: every method, every path, with API_KEY as bearer"]
        );
    }
}
