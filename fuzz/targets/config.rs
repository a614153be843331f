//! The files of a bottle's sidecars: what was read and written again is read as the same.

#![no_main]

use compose_render::Addresses;
use egress::RoutesFile;
use libfuzzer_sys::fuzz_target;
use pipelock::{Policy, Settings};

/// Stands between the two files of pipelock.
const BETWEEN: &str = "\n---\n";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = RoutesFile::parse(text) {
        let written = read.render();
        assert_eq!(RoutesFile::parse(&written).expect("ours can be read"), read, "{written}");
    }
    let (upstream, bottle) = text.split_once(BETWEEN).unwrap_or((text, "version: 1\n"));
    let Ok(read) = Policy::read(upstream, bottle) else { return };
    let again = Policy::read(upstream, bottle).expect("what was read once is read again");
    assert_eq!(again.digest, read.digest);
    let once = settings(&read.policy);
    let first = Policy::read(&once.upstream_yaml(), &once.bottle_yaml()).expect("ours can be read");
    assert_eq!(first.policy.requests, read.policy.requests);
    assert_eq!(first.policy.responses, read.policy.responses);
    let twice = settings(&first.policy);
    assert_eq!(twice.upstream_yaml(), once.upstream_yaml());
    assert_eq!(twice.bottle_yaml(), once.bottle_yaml());
});

/// Everything of a policy that the launcher can ask for.
fn settings(policy: &Policy) -> Settings {
    let subnet = |text: &str| text.parse().expect("a subnet");
    let addresses = Addresses::new(subnet("10.213.0.0/28"), subnet("10.213.0.16/28"));
    let mut settings = Settings::new(addresses.expect("two subnets"));
    settings.allow.clone_from(&policy.allow);
    settings.routed.clone_from(&policy.routed);
    settings.ports.clone_from(&policy.ports);
    settings.ssrf_allow.clone_from(&policy.ssrf_allow);
    settings.never_dial = policy.never_dial.iter().copied().collect();
    settings.upstream_ca = vec![policy.upstream_ca.clone()];
    settings.stand_in.clone_from(&policy.stand_in);
    settings.requests = policy.requests;
    settings.responses = policy.responses;
    settings.secrets.clone_from(&policy.secrets);
    settings.unscanned.clone_from(&policy.unscanned);
    settings.passthrough.clone_from(&policy.passthrough);
    settings.upstream_proxy.clone_from(&policy.upstream_proxy);
    settings.budgets.clone_from(&policy.budgets);
    settings.supervised = policy.supervised;
    settings.observe.clone_from(&policy.observe);
    settings
}
