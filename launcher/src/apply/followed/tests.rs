//! An apply without a container: the files before, the files after, and what a person is told.

use super::*;
use crate::apply::Difference;
use crate::plan::tests::{built_in, ground};

fn plan() -> Plan {
    let mut plan = built_in();
    plan.git = vec![git_gate::Repository {
        url: "https://git.example.org/acme/widgets.git".parse().unwrap(),
        key: None,
        known_hosts: None,
        credential: None,
        push: Vec::new(),
        protected: Vec::new(),
    }];
    plan
}

fn behind(address: &str) -> Plan {
    let mut plan = plan();
    plan.pipelock.upstream_proxy =
        Some(compose_render::UpstreamProxy { host: address.parse().unwrap(), port: 3128 });
    plan
}

/// What a bottle reads that was started by that plan.
fn started(plan: &Plan) -> (Config, Started) {
    let settings = plan.pipelock_settings(&ground());
    let gate = plan.git_gate(&ground()).unwrap().map(|gate| gate.gate_file().render());
    let (upstream, bottle) = (settings.upstream_yaml(), settings.bottle_yaml());
    let config = Config { upstream, bottle, routes: None, gate, granted: String::new() };
    (config, Started::of(plan))
}

/// The policy after an apply of the second plan to a bottle of the first, the lines that a person
/// is shown, and what waits.
fn applied(first: &Plan, second: &Plan) -> (Config, Vec<String>, Vec<String>) {
    let (before, then) = started(first);
    let followed = Followed::of(second, &ground(), &before, Some(&then), false).unwrap();
    let Followed { upstream, bottle, gate, waiting } = followed;
    let after = Config { upstream, bottle, gate, ..before.clone() };
    after.check().unwrap();
    (after.clone(), Difference::between(&before, &after).unwrap().lines(), waiting)
}

#[test]
fn j6_hosts_that_pass_unopened_and_budgets_come_and_go_with_the_manifest() {
    let without = plan();
    let mut with = plan();
    with.pipelock.passthrough = vec!["pinned.example.org".parse().unwrap()];
    with.pipelock.budgets = vec![pipelock::Budget {
        host: "bulk.example.org".parse().unwrap(),
        requests: Some(100),
        bytes: None,
    }];
    let lines = ["TLS of pinned.example.org passes unopened", "budget of bulk.example.org"];
    for (first, second, mark) in [(&without, &with, "+"), (&with, &without, "-")] {
        let (after, shown, waiting) = applied(first, second);
        let policy = pipelock::Policy::read(&after.upstream, &after.bottle).unwrap().policy;
        assert_eq!(policy.passthrough, second.pipelock.passthrough);
        assert_eq!(policy.budgets, second.pipelock.budgets);
        for line in lines {
            let line = format!("{mark} {line}");
            assert!(shown.iter().any(|shown| shown.starts_with(&line)), "{line}: {shown:?}");
        }
        assert_eq!((shown.len(), waiting), (2, Vec::new()), "{shown:?}");
    }
}

/// The proxies of pipelock and of git-gate.
fn proxies(config: &Config) -> [Option<String>; 2] {
    let policy = pipelock::Policy::read(&config.upstream, &config.bottle).unwrap().policy;
    let gate = git_gate::GateFile::parse(config.gate.as_deref().unwrap()).unwrap();
    [
        policy.upstream_proxy.map(|proxy| proxy.host.to_string()),
        gate.upstream_proxy.map(|proxy| proxy.host.to_string()),
    ]
}

#[test]
fn c6_pipelock_and_git_gate_go_to_another_proxy_together() {
    let (none, one, other) = (plan(), behind("one.example.org"), behind("other.example.org"));
    for (first, second, now) in [
        (&none, &one, Some("one.example.org")),
        (&one, &other, Some("other.example.org")),
        (&one, &none, None),
    ] {
        let (after, shown, waiting) = applied(first, second);
        let now = now.map(str::to_owned);
        assert_eq!(proxies(&after), [now.clone(), now]);
        assert!(shown.iter().any(|line| line.contains("by the proxy")), "{shown:?}");
        assert_eq!(waiting, Vec::<String>::new());
    }
}

#[test]
fn c6_a_login_is_shown_to_the_proxy_of_the_start_alone() {
    let with_login = |address: &str| {
        let mut plan = behind(address);
        plan.pipelock.upstream_credential = Some("PROXY_LOGIN".to_owned());
        plan
    };
    let (one, other) = (with_login("one.example.org"), with_login("other.example.org"));
    let (none, bare) = (plan(), behind("other.example.org"));
    for (first, second) in [(&one, &other), (&one, &bare), (&bare, &one), (&one, &none)] {
        let (after, shown, waiting) = applied(first, second);
        let (before, _) = started(first);
        assert_eq!(proxies(&after), proxies(&before), "both stay where they are");
        assert_eq!((shown, waiting), (Vec::new(), vec!["pipelock.upstream_proxy".to_owned()]));
    }
    // Of a bottle that an older program started nobody knows whether it has a login.
    let (before, _) = started(&behind("one.example.org"));
    let unknown = Followed::of(&bare, &ground(), &before, None, false).unwrap();
    assert_eq!(unknown.waiting, ["pipelock.upstream_proxy"]);
    assert_eq!(unknown.bottle, before.bottle);
}

#[test]
fn j6_what_is_for_the_next_start_is_named() {
    let mut second = plan();
    second.supervise = !second.supervise;
    second.agent.written.push("--more".to_owned());
    second.forwarding.push("TERM_PROGRAM".to_owned());
    second.upstream_ca.push("-----BEGIN CERTIFICATE-----\n".to_owned());
    let (_, _, waiting) = {
        let (before, then) = started(&plan());
        let followed = Followed::of(&second, &ground(), &before, Some(&then), true).unwrap();
        (followed.upstream, followed.bottle, followed.waiting)
    };
    let named = ["command", "forward_env", "pipelock.upstream_ca for git-gate", "supervise"];
    assert_eq!(waiting, named);
}
