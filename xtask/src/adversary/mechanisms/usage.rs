//! What counts tokens and requests and denies beyond a budget; what is asked of credentials before an
//! agent begins; the ways by which commits would leave beside the gate.

use super::Mechanism;
use super::Needs::{Engine, Nothing};

const fn counted(
    name: &'static str,
    file: &'static str,
    (on, off): (&'static str, &'static str),
    tests: &'static [&'static str],
) -> Mechanism {
    Mechanism { name, file, on, off, package: "egress-proxy", tests, needs: Nothing }
}

pub(super) const MECHANISMS: &[Mechanism] = &[
    counted(
        "usage-budget-denies",
        "egress/src/budget.rs",
        (
            "let bound = bound.filter(|bound| used >= *bound)?;",
            "let bound = bound.filter(|bound| used >= bound.saturating_add(1 << 60))?;",
        ),
        &["g12_nothing_is_sent", "g12_lines_of_one_preset"],
    ),
    counted(
        "usage-budget-is-judged-again-when-a-request-is-sent",
        "egress/proxy/src/usage/ledger.rs",
        (
            "if let Some(exhausted) = budget.exhausted(&self.used()) {",
            "if let Some(exhausted) = budget.exhausted(&Usage::default()) {",
        ),
        &["g12_what_was_used_outlives"],
    ),
    counted(
        "usage-outlives-the-process",
        "egress/proxy/src/usage/ledger.rs",
        (
            "serde_json::from_str(&text).with_context(cannot)?",
            "serde_json::from_str(\"\").unwrap_or_default()",
        ),
        &["g12_what_was_used_outlives"],
    ),
    counted(
        "usage-stands-where-the-api-puts-it",
        "egress/proxy/src/usage/scan.rs",
        (
            "(2, [Key::Usage, Key::Field(field), _])",
            "(2, [_, Key::Field(field), _]) | (_, [_, _, Key::Field(field)])",
        ),
        &["what_a_model_or_an_agent_says_is_no_usage"],
    ),
    counted(
        "usage-of-an-answer-left-early",
        "egress/proxy/src/usage/tally.rs",
        (
            "self.give(told.input(), told.output().max(heard));",
            "self.give(told.input(), told.output().max(heard.min(0)));",
        ),
        &["g12_whoever_leaves"],
    ),
    counted(
        "usage-must-be-readable-under-a-budget",
        "egress/proxy/src/proxy/along.rs",
        (
            "let looked_into = !needles.is_empty() || route.budget.counts_tokens();",
            "let looked_into = !needles.is_empty();",
        ),
        &["g12_what_hides_its_usage"],
    ),
    counted(
        "usage-budget-ends-a-websocket",
        "egress/proxy/src/sockets.rs",
        (
            "match self.0.tokens_exhausted() {",
            "match self.0.tokens_exhausted().filter(|_| false) {",
        ),
        &["g12_answers_in_messages"],
    ),
    counted(
        "usage-a-refused-request-uses-nothing",
        "egress/proxy/src/proxy/along.rs",
        (
            "let (mut parts, body) = request.into_parts();\n        for credential",
            "account.enter().map_err(|exhausted| spent(&exhausted, record))?;\n        \
             let (mut parts, body) = request.into_parts();\n        for credential",
        ),
        &["g12_a_refused_request_uses_nothing"],
    ),
    Mechanism {
        name: "credential-refused-by-its-service-stops-the-start",
        file: "launcher/src/probe/way.rs",
        on: "self.refusals.contains(status).then_some((variable, *status))",
        off: "(self.refusals.is_empty() && *status == 401).then_some((variable, *status))",
        package: "launcher",
        tests: &["a_credential_that_its_service_refuses_stops_the_start"],
        needs: Engine,
    },
    Mechanism {
        name: "credential-of-a-login-comes-at-a-start-alone",
        file: "launcher/src/apply/from_manifest.rs",
        on: "if matches!(source, Source::Login(_)) && !held(variable) {",
        off: "if matches!(source, Source::Login(_)) && !held(variable) && variable.is_empty() {",
        package: "launcher",
        tests: &["g9_what_is_applied_reaches"],
        needs: Engine,
    },
    Mechanism {
        name: "side-door-of-githubs-api",
        file: "pipelock/proxy/src/door.rs",
        on: "|| side_door::is_github_write(&destination.host, method, uri)",
        off: "|| (false && side_door::is_github_write(&destination.host, method, uri))",
        package: "pipelock-proxy",
        tests: &["a_commit_by_githubs_api"],
        needs: Nothing,
    },
    Mechanism {
        name: "side-door-of-ssh-by-https",
        file: "pipelock/proxy/src/door.rs",
        on: "|| side_door::is_ssh_door(&destination.host)",
        off: "|| (false && side_door::is_ssh_door(&destination.host))",
        package: "pipelock-proxy",
        tests: &["a_commit_by_githubs_api"],
        needs: Nothing,
    },
];
