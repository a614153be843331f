//! What pipelock's verdict stands on.

use super::Mechanism;
use super::Needs::Nothing;

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "empty-allowlist-denies",
        file: "pipelock/proxy/src/judge.rs",
        on: "let Some(rule) = matching else {",
        off: "let open = compose_render::HostPattern::clone(&\"open.org\".parse().expect(\"a host\"));
    let Some(rule) = matching.or(policy.allow.is_empty().then_some(&open)) else {",
        package: "pipelock-proxy",
        tests: &["c7_"],
        needs: Nothing,
    },
    Mechanism {
        name: "ports-are-listed",
        file: "pipelock/proxy/src/judge.rs",
        on: "if !USUAL_PORTS.contains(&port) && !listed {",
        off: "if !USUAL_PORTS.contains(&port) && !listed && false {",
        package: "pipelock-proxy",
        tests: &["c4_"],
        needs: Nothing,
    },
    Mechanism {
        name: "routed-from-egress-alone",
        file: "pipelock/proxy/src/judge.rs",
        on: "Some(route) if asker != Asker::Egress =>",
        off: "Some(route) if asker != Asker::Egress && false =>",
        package: "pipelock-proxy",
        tests: &["d12_"],
        needs: Nothing,
    },
    Mechanism {
        name: "hop-needs-address-and-secret",
        file: "pipelock/proxy/src/door.rs",
        on: "if from_there && knows { Asker::Egress }",
        off: "if from_there || knows { Asker::Egress }",
        package: "pipelock-proxy",
        tests: &["d12_"],
        needs: Nothing,
    },
    Mechanism {
        name: "every-answer-is-checked",
        file: "pipelock/proxy/src/dial.rs",
        on: "for address in &addresses {
        ssrf::check",
        off: "for address in addresses.iter().take(1) {
        ssrf::check",
        package: "pipelock-proxy",
        tests: &["b4_"],
        needs: Nothing,
    },
    Mechanism {
        name: "private-is-not-public",
        file: "pipelock/proxy/src/ssrf.rs",
        on: "if contains(&policy.ssrf_deny, address) || !is_public(address) {",
        off: "if contains(&policy.ssrf_deny, address) {",
        package: "pipelock-proxy",
        tests: &["c1_", "b4_"],
        needs: Nothing,
    },
    Mechanism {
        name: "metadata-is-not-dialled",
        file: "pipelock/proxy/src/ssrf.rs",
        on: "if METADATA.contains(&address) {",
        off: "if METADATA.contains(&address) && false {",
        package: "pipelock-proxy",
        tests: &["c1_"],
        needs: Nothing,
    },
    Mechanism {
        name: "denied-names-do-not-exist",
        file: "pipelock/proxy/src/names/answer.rs",
        on: "answer.metadata.response_code = ResponseCode::NXDomain;",
        off: "answer.metadata.response_code = ResponseCode::NoError;",
        package: "pipelock-proxy",
        tests: &["b1_"],
        needs: Nothing,
    },
    Mechanism {
        name: "revoked-requests-are-closed",
        file: "pipelock/proxy/src/in_flight.rs",
        on: "gone.map(|open| open.revoked.cancel()).count()",
        off: "gone.count()",
        package: "pipelock-proxy",
        tests: &["j7_"],
        needs: Nothing,
    },
    Mechanism {
        name: "a-secret-stops-a-body",
        file: "pipelock/proxy/src/content/body.rs",
        on: "Action::Redact | Action::Block | Action::ByHost => {
                return Err(Stopped::Secret(finding.rule));
            }",
        off: "Action::Redact | Action::Block | Action::ByHost => {}",
        package: "pipelock-proxy",
        tests: &["e10_"],
        needs: Nothing,
    },
    Mechanism {
        name: "the-bottles-own-secret-stays",
        file: "pipelock/proxy/src/content/body.rs",
        on: "return Err(Stopped::Secret(own.rule));",
        off: "let _ = own.rule;",
        package: "pipelock-proxy",
        tests: &["g4_", "g11_"],
        needs: Nothing,
    },
    Mechanism {
        name: "host-labels-carry-no-data",
        file: "pipelock/proxy/src/content/head.rs",
        on: "&& labels::carry_data(to.host, domain)",
        off: "&& labels::carry_data(to.host, domain) && false",
        package: "pipelock-proxy",
        tests: &["b3_"],
        needs: Nothing,
    },
];
