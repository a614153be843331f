//! What makes each claim true, as the text of the source that says it, and the text without it.
//!
//! `cargo xtask tidy` checks that every `on` still stands exactly once, so a moved line is noticed
//! the day it moves.

/// A mechanism of the product and how it is switched off.
#[derive(Debug)]
pub(super) struct Mechanism {
    pub(super) name: &'static str,
    /// Relative to the root of the workspace.
    pub(super) file: &'static str,
    /// The text that makes the claim true, exactly once in the file.
    pub(super) on: &'static str,
    /// What stands there with the mechanism off; it must still build.
    pub(super) off: &'static str,
    /// The package whose tests must go red.
    pub(super) package: &'static str,
    /// The filter of those tests.
    pub(super) tests: &'static [&'static str],
}

impl Mechanism {
    /// Whether its tests run containers, which need the sidecars built from the changed source.
    pub(super) fn needs_containers(&self) -> bool {
        self.package == "launcher"
    }
}

/// Every mechanism that is proven.
pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "slug-is-a-label",
        file: "compose-render/src/slug.rs",
        on: "if is_label { Ok(Self(text)) } else { Err(InvalidSlug(text)) }",
        off: "if is_label || true { Ok(Self(text)) } else { Err(InvalidSlug(text)) }",
        package: "compose-render",
        tests: &["i5_"],
    },
    Mechanism {
        name: "dollar-doubled",
        file: "compose-render/src/yaml.rs",
        on: "'$' => out.push_str(\"$$\"),",
        off: "'$' => out.push('$'),",
        package: "compose-render",
        tests: &["i5_"],
    },
    Mechanism {
        name: "text-always-quoted",
        file: "compose-render/src/yaml.rs",
        on: "Node::Text(value) => quoted(value),",
        off: "Node::Text(value) => value.clone(),",
        package: "compose-render",
        tests: &["i5_"],
    },
    Mechanism {
        name: "agent-never-on-uplink",
        file: "compose-render/src/stitch.rs",
        on: "matches!(role, Role::Agent | Role::Egress | Role::Supervise)",
        off: "matches!(role, Role::Egress | Role::Supervise)",
        package: "compose-render",
        tests: &["a1_"],
    },
    Mechanism {
        name: "resolver-on-internal-services",
        file: "compose-render/src/stitch.rs",
        on: "if !on_uplink && service.dns.is_none() {",
        off: "if !on_uplink && service.dns.is_none() && false {",
        package: "compose-render",
        tests: &["b1_"],
    },
    Mechanism {
        name: "seccomp-default-deny",
        file: "compose-render/src/seccomp.rs",
        on: "\"defaultAction\": \"SCMP_ACT_ERRNO\",",
        off: "\"defaultAction\": \"SCMP_ACT_ALLOW\",",
        package: "compose-render",
        tests: &["a13_"],
    },
    Mechanism {
        name: "empty-allowlist-denies",
        file: "pipelock/proxy/src/judge.rs",
        on: "let Some(rule) = matching else {",
        off: "let open = compose_render::HostPattern::clone(&\"open.org\".parse().expect(\"a host\"));
    let Some(rule) = matching.or(policy.allow.is_empty().then_some(&open)) else {",
        package: "pipelock-proxy",
        tests: &["c7_"],
    },
    Mechanism {
        name: "ports-are-listed",
        file: "pipelock/proxy/src/judge.rs",
        on: "if !USUAL_PORTS.contains(&port) && !listed {",
        off: "if !USUAL_PORTS.contains(&port) && !listed && false {",
        package: "pipelock-proxy",
        tests: &["c4_"],
    },
    Mechanism {
        name: "routed-from-egress-alone",
        file: "pipelock/proxy/src/judge.rs",
        on: "Some(route) if asker != Asker::Egress =>",
        off: "Some(route) if asker != Asker::Egress && false =>",
        package: "pipelock-proxy",
        tests: &["d12_"],
    },
    Mechanism {
        name: "hop-needs-address-and-secret",
        file: "pipelock/proxy/src/door.rs",
        on: "if from_there && knows { Asker::Egress }",
        off: "if from_there || knows { Asker::Egress }",
        package: "pipelock-proxy",
        tests: &["d12_"],
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
    },
    Mechanism {
        name: "private-is-not-public",
        file: "pipelock/proxy/src/ssrf.rs",
        on: "if contains(&policy.ssrf_deny, address) || !is_public(address) {",
        off: "if contains(&policy.ssrf_deny, address) {",
        package: "pipelock-proxy",
        tests: &["c1_", "b4_"],
    },
    Mechanism {
        name: "metadata-is-not-dialled",
        file: "pipelock/proxy/src/ssrf.rs",
        on: "if METADATA.contains(&address) {",
        off: "if METADATA.contains(&address) && false {",
        package: "pipelock-proxy",
        tests: &["c1_"],
    },
    Mechanism {
        name: "denied-names-do-not-exist",
        file: "pipelock/proxy/src/names/answer.rs",
        on: "answer.metadata.response_code = ResponseCode::NXDomain;",
        off: "answer.metadata.response_code = ResponseCode::NoError;",
        package: "pipelock-proxy",
        tests: &["b1_"],
    },
    Mechanism {
        name: "revoked-requests-are-closed",
        file: "pipelock/proxy/src/in_flight.rs",
        on: "gone.map(|open| open.revoked.cancel()).count()",
        off: "gone.count()",
        package: "pipelock-proxy",
        tests: &["j7_"],
    },
    Mechanism {
        name: "egress-login-headers-out",
        file: "egress/proxy/src/inject.rs",
        on: "(LOGIN_HEADERS.contains(&name) || own(name)) && !(cookie_route && name == \"cookie\")",
        off: "false && own(name) && cookie_route && LOGIN_HEADERS.contains(&name)",
        package: "egress-proxy",
        tests: &["g1_"],
    },
    Mechanism {
        name: "egress-method-of-the-route",
        file: "egress/src/route.rs",
        on: "(true, true) => return Verdict::Covered { index, route },",
        off: "(true, _) => return Verdict::Covered { index, route },",
        package: "egress-proxy",
        tests: &["g10_"],
    },
    Mechanism {
        name: "egress-path-of-the-route",
        file: "egress/src/route.rs",
        on: "(false, _) if verdict == Verdict::Unrouted => verdict = Verdict::Path,",
        off: "(false, _) if verdict == Verdict::Unrouted => return Verdict::Covered { index, route },",
        package: "egress-proxy",
        tests: &["g2_"],
    },
    Mechanism {
        name: "egress-no-plain-http",
        file: "egress/proxy/src/proxy.rs",
        on: "if destination.scheme == Scheme::Http && policy.routes.has_credential_for(&host) {",
        off: "if false && destination.scheme == Scheme::Http && policy.routes.has_credential_for(&host) {",
        package: "egress-proxy",
        tests: &["d9_"],
    },
    Mechanism {
        name: "egress-vouches-for-routes-only",
        file: "egress/proxy/src/upstream.rs",
        on: "Standing::Unrouted => (&self.unrouted, None),",
        off: "Standing::Unrouted => (&self.unrouted, Some(HopSecret::new(\"vouched\"))),",
        package: "egress-proxy",
        tests: &["g2_", "d12_"],
    },
    Mechanism {
        name: "egress-echo-replaced",
        file: "egress/proxy/src/echo/needles.rs",
        on: "place.copy_from_slice(&needle.stand_in);",
        off: "let _ = place;",
        package: "egress-proxy",
        tests: &["g5_"],
    },
    Mechanism {
        name: "egress-encoded-answers-refused",
        file: "egress/proxy/src/proxy/along.rs",
        on: "if encoded && !response.body().is_end_stream() {",
        off: "if false && encoded && !response.body().is_end_stream() {",
        package: "egress-proxy",
        tests: &["e10_"],
    },
    Mechanism {
        name: "egress-placeholder-is-a-canary",
        file: "egress/proxy/src/misplaced.rs",
        on: "    marks > own\n",
        off: "    marks > own && false\n",
        package: "egress-proxy",
        tests: &["g4_"],
    },
    Mechanism {
        name: "egress-placeholder-never-in-place",
        file: "egress/proxy/src/inject.rs",
        on: "return if has_placeholder(&parts.headers) {",
        off: "return if false && has_placeholder(&parts.headers) {",
        package: "egress-proxy",
        tests: &["g3_"],
    },
    Mechanism {
        name: "egress-method-override-refused",
        file: "egress/proxy/src/proxy.rs",
        on: "if narrow && overrides_method(request.headers()) {",
        off: "if narrow && false && overrides_method(request.headers()) {",
        package: "egress-proxy",
        tests: &["e9_"],
    },
    Mechanism {
        name: "egress-no-line-break-in-a-secret",
        file: "egress/src/credential.rs",
        on: "if value.chars().any(char::is_control) {",
        off: "if false && value.chars().any(char::is_control) {",
        package: "egress",
        tests: &["e5_"],
    },
];
