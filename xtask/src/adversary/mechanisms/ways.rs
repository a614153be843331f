//! What responses, unopened tunnels, the proxy further on and the bounds stand on.

use super::Mechanism;
use super::Needs::Nothing;

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "injections-are-refused",
        file: "pipelock/proxy/src/content/responses/judge.rs",
        on: "ResponseAction::Strip | ResponseAction::Block if self.weight >= Finding::ENOUGH => {",
        off: "ResponseAction::Strip | ResponseAction::Block if self.weight > 1_000_000 => {",
        package: "pipelock-proxy",
        tests: &["an_injection_is_refused"],
        needs: Nothing,
    },
    Mechanism {
        name: "a-sidecars-headers-are-its-own",
        file: "pipelock/proxy/src/content/responses.rs",
        on: "name.as_str().starts_with(\"x-bottle-\")",
        off: "name.as_str().starts_with(\"x-bottle-none-\")",
        package: "pipelock-proxy",
        tests: &["what_only_a_sidecar_may_say"],
        needs: Nothing,
    },
    Mechanism {
        name: "hidden-text-is-no-quotation",
        file: "pipelock/injection/src/stream.rs",
        on: "if plain.hidden {",
        off: "if plain.hidden && false {",
        package: "injection",
        tests: &["text_that_no_eye_can_see"],
        needs: Nothing,
    },
    Mechanism {
        name: "unopened-needs-a-rule",
        file: "pipelock/proxy/src/door.rs",
        on: "covers(&policy.passthrough) && !covers(&policy.routed)",
        off: "covers(&policy.passthrough)",
        package: "pipelock-proxy",
        tests: &["passing_unopened_allows_nothing"],
        needs: Nothing,
    },
    Mechanism {
        name: "further-proxies-are-told-addresses",
        file: "pipelock/proxy/src/dial.rs",
        on: "let target = SocketAddr::new(*address, port).to_string();",
        off: "let target = format!(\"localhost:{}\", SocketAddr::new(*address, port).port());",
        package: "pipelock-proxy",
        tests: &["c6_an_upstream_proxy"],
        needs: Nothing,
    },
    Mechanism {
        name: "budgets-are-counted",
        file: "pipelock/proxy/src/budgets.rs",
        on: "taken.requests += 1;",
        off: "taken.requests += 0;",
        package: "pipelock-proxy",
        tests: &["a_budget_is_the_minutes"],
        needs: Nothing,
    },
];
