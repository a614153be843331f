//! What keeps a WebSocket under the rules of requests, and a login that is renewed in egress alone.

use super::{Mechanism, Needs};

/// One mechanism that a test of its own package proves.
const fn of(
    package: &'static str,
    name: &'static str,
    file: &'static str,
    (on, off): (&'static str, &'static str),
    tests: &'static [&'static str],
) -> Mechanism {
    Mechanism { name, file, on, off, package, tests, needs: Needs::Nothing }
}

const FRAME: &str = "pipelock/tls-intercept/src/websocket/frame.rs";
const HANDSHAKE: &str = "pipelock/tls-intercept/src/websocket/handshake.rs";
const RENEW: &str = "egress/proxy/src/renew.rs";

#[rustfmt::skip]
pub(super) const MECHANISMS: &[Mechanism] = &[
    of(
        "tls-intercept",
        "frames-use-no-extension",
        FRAME,
        ("if one & 0x70 != 0 {", "if one & 0x70 != 0 && false {"),
        &["f2_f3_what_is_no_frame"],
    ),
    of(
        "tls-intercept",
        "agents-mask-and-nobody-else",
        FRAME,
        ("if masked != (self.from == From::Agent) {", "if masked != (self.from == From::Agent) && false {"),
        &["f2_f3_what_is_no_frame"],
    ),
    of(
        "tls-intercept",
        "a-length-is-written-one-way",
        FRAME,
        ("if left < least || left >> 63 != 0 {", "if (left < least || left >> 63 != 0) && false {"),
        &["f2_f3_what_is_no_frame"],
    ),
    of(
        "tls-intercept",
        "control-frames-are-short",
        FRAME,
        ("if kind.is_control() && (!last || left > CONTROL) {", "if kind.is_control() && (!last || left > CONTROL) && false {"),
        &["f2_f3_what_is_no_frame"],
    ),
    of(
        "tls-intercept",
        "nothing-after-the-goodbye",
        FRAME,
        ("self.closed = kind == Kind::Close;", "self.closed = kind == Kind::Close && false;"),
        &["f2_f3_what_is_no_frame"],
    ),
    of(
        "tls-intercept",
        "no-extension-is-offered",
        HANDSHAKE,
        ("    headers.remove(SEC_WEBSOCKET_EXTENSIONS);\n", ""),
        &["f5_frames_pass"],
    ),
    of(
        "tls-intercept",
        "no-extension-is-taken",
        HANDSHAKE,
        ("} else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {", "} else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) && false {"),
        &["f2_f3_an_answer"],
    ),
    of(
        "tls-intercept",
        "a-switch-is-to-a-websocket",
        HANDSHAKE,
        ("if !is(headers, &UPGRADE, \"websocket\") || !lists(headers, &CONNECTION, \"upgrade\") {", "if false {"),
        &["f2_f3_an_answer", "f2_a_switch"],
    ),
    of(
        "tls-intercept",
        "a-message-is-read-as-one",
        "pipelock/tls-intercept/src/websocket/inspect.rs",
        ("self.inspector.look(kind, &mut message.pending, seen, last)?;", "self.inspector.look(kind, &mut message.pending, seen, last)?.max(usize::MAX);"),
        &["f3_a_message_is_looked_through"],
    ),
    of(
        "tls-intercept",
        "control-frames-are-read-too",
        "pipelock/tls-intercept/src/websocket/inspect.rs",
        ("            self.inspector.look(frame.kind, &mut frame.payload, 0, true)?;\n", ""),
        &["f3_a_message_is_looked_through"],
    ),
    of(
        "tls-intercept",
        "a-revoked-socket-ends",
        "pipelock/tls-intercept/src/serve/http1.rs",
        ("() = revoked.cancelled() => {}", "() = revoked.cancelled(), if false => {}"),
        &["f6_"],
    ),
    of(
        "tls-intercept",
        "a-stop-waits-for-no-socket",
        "pipelock/tls-intercept/src/websocket/relay.rs",
        ("() = &mut leaving => {}", "() = &mut leaving, if false => {}"),
        &["e11_a_silent_one_is_closed_and_a_stop_waits_for_none"],
    ),
    of(
        "pipelock-proxy",
        "a-secret-stops-a-message",
        "pipelock/proxy/src/content/frames.rs",
        (
            "let Err(rule) = settled else { return Ok(()) };",
            "let Err(rule) = settled.or(Ok::<_, &'static str>(())) else { return Ok(()) };",
        ),
        &["f3_a_secret"],
    ),
    of(
        "pipelock-proxy",
        "a-ping-is-read",
        "pipelock/proxy/src/content/frames.rs",
        ("            self.settle(&self.rules.scan(pending), 0, pending)?;\n", ""),
        &["f3_a_secret"],
    ),
    of(
        "egress-proxy",
        "a-route-says-websocket",
        "egress/proxy/src/proxy.rs",
        ("if websocket && route.websocket == Websocket::Deny {", "if websocket && route.websocket == Websocket::Deny && false {"),
        &["f1_a_route"],
    ),
    of(
        "egress-proxy",
        "no-login-in-a-protocol",
        "egress/proxy/src/inject/protocol.rs",
        ("(!login || protocol.contains(MARK)).then(", "(!login || protocol.contains(MARK) || true).then("),
        &["f4_the_agents_logins"],
    ),
    of(
        "egress-proxy",
        "a-secret-is-one-protocol",
        "egress/proxy/src/inject/protocol.rs",
        ("if refused { Err(Refusal::Malformed) } else { Ok(()) }", "if refused && false { Err(Refusal::Malformed) } else { Ok(()) }"),
        &["e5_a_secret_that_is_no_protocol"],
    ),
    of(
        "egress-proxy",
        "a-placeholder-ends-a-socket",
        "egress/proxy/src/sockets.rs",
        ("if self.0.replaced(pending).is_some() {", "if self.0.replaced(pending).is_some() && false {"),
        &["g4_a_placeholder_in_a_message"],
    ),
    of(
        "egress-proxy",
        "an-echo-in-a-message-is-replaced",
        "egress/proxy/src/sockets.rs",
        ("pending.copy_from_slice(&clean);", "drop(clean);"),
        &["g5_an_echo_in_a_message", "f4_g1_"],
    ),
    of(
        "egress-proxy",
        "one-flight-renews",
        RENEW,
        ("Standing::Expired => Arc::clone(&slot.flight).lock_owned().await,", "Standing::Expired => Arc::new(tokio::sync::Mutex::new(Flight::default())).lock_owned().await,"),
        &["g8_one_flight"],
    ),
    of(
        "egress-proxy",
        "whoever-waited-looks-again",
        RENEW,
        ("if self.standing(&slot, renewal) == Standing::Fresh {", "if self.standing(&slot, renewal) == Standing::Fresh && false {"),
        &["g8_one_flight"],
    ),
    of(
        "egress-proxy",
        "an-expired-token-is-not-sent",
        RENEW,
        ("Some(_) => Standing::Expired,", "Some(_) => Standing::Due,"),
        &["g8_the_old_token"],
    ),
    of(
        "egress-proxy",
        "a-token-ends-before-the-clock-does",
        RENEW,
        ("tokens.life.unwrap_or(UNSAID).min(LONGEST);", "tokens.life.unwrap_or(UNSAID);"),
        &["g8_a_token_that_lives_for_ever"],
    ),
    of(
        "egress-proxy",
        "no-line-break-in-a-new-token",
        RENEW,
        ("            egress::check_secret(form, tokens.access.expose()).map_err(unfit)?;\n", "            let _ = form;\n"),
        &["g8_e5_"],
    ),
    of(
        "egress-proxy",
        "a-token-endpoint-is-not-the-agents",
        "egress/proxy/src/proxy.rs",
        ("return Ok(placeholders_for(policy, renewal));", "drop(placeholders_for(policy, renewal));"),
        &["g6_the_agent_gets_placeholders"],
    ),
    of(
        "egress-proxy",
        "what-is-handed-back-is-private",
        "egress/proxy/src/renew/handed.rs",
        ("replace(&path, &text, 0o600)", "replace(&path, &text, 0o644)"),
        &["g8_one_flight"],
    ),
];
