//! What lets an agent ask and keeps it from answering itself.

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

#[rustfmt::skip]
pub(super) const MECHANISMS: &[Mechanism] = &[
    of(
        "supervise",
        "a-proposal-is-named-for-its-content",
        "supervise/src/proposal.rs",
        ("if checked.id != id {", "if checked.id != id && false {"),
        &["j1_a_proposal_that_was_edited"],
    ),
    of(
        "supervise",
        "a-proposal-has-one-order",
        "supervise/src/ask/check.rs",
        ("        list.sort();\n        list.dedup();\n", ""),
        &["j3_the_same_in_another_order"],
    ),
    of(
        "supervise",
        "a-proposal-says-nothing-besides",
        "supervise/src/ask.rs",
        ("#[serde(deny_unknown_fields)]\npub struct Requests {", "pub struct Requests {"),
        &["j8_"],
    ),
    of(
        "supervise",
        "no-odd-method-is-asked-for",
        "supervise/src/ask/check.rs",
        ("&& !matches!(text, \"TRACE\" | \"CONNECT\")", ""),
        &["j8_"],
    ),
    of(
        "supervise",
        "a-package-is-a-name",
        "supervise/src/ask/check.rs",
        ("if !begins || name.len() > MAX_NAME || !name.bytes().all(good) {", "if name.len() > MAX_NAME && !begins && !name.bytes().all(good) {"),
        &["j8_"],
    ),
    of(
        "supervise",
        "an-agents-words-hide-nothing",
        "supervise/src/clean.rs",
        ("let kept = c == '\\n' || !is_hidden(c);", "let kept = c == '\\n' || !is_hidden(c) || true;"),
        &["j2_nothing_in_an_agents_words"],
    ),
    of(
        "supervise",
        "an-agents-words-are-cut",
        "supervise/src/clean.rs",
        ("if nth >= MAX_LINES {", "if nth >= MAX_LINES && false {"),
        &["j2_nothing_in_an_agents_words"],
    ),
    of(
        "supervise",
        "an-agents-words-are-marked",
        "supervise/src/clean.rs",
        ("format!(\"| {line}\")", "line.clone()"),
        &["j2_every_line_is_marked"],
    ),
    of(
        "supervise",
        "an-answer-is-for-its-proposal",
        "supervise/src/answer.rs",
        ("if answer.id == *id { Ok(answer) }", "if answer.id == *id || true { Ok(answer) }"),
        &["j1_an_answer_counts"],
    ),
    of(
        "supervise",
        "the-inbox-is-read-only",
        "supervise/src/settings.rs",
        (".mount_read_only(&folder.join(\"inbox\"), contract::INBOX_DIR)", ".mount_writable(&folder.join(\"inbox\"), contract::INBOX_DIR)"),
        &["j1_it_can_write_its_outbox_alone"],
    ),
    of(
        "supervise-server",
        "no-page-of-a-browser-asks",
        "supervise/server/src/exchange.rs",
        ("if headers.contains_key(header::ORIGIN) {", "if headers.contains_key(header::ORIGIN) && false {"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "supervise-is-asked-by-its-name",
        "supervise/server/src/exchange.rs",
        ("if !is_for_us(headers) {", "if !is_for_us(headers) && false {"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "no-session-of-anybody",
        "supervise/server/src/exchange.rs",
        ("if headers.contains_key(\"mcp-session-id\") {", "if headers.contains_key(\"mcp-session-id\") && false {"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "a-call-is-bounded",
        "supervise/server/src/exchange.rs",
        ("pub(crate) const BODY_LIMIT: usize = 64 * 1024;", "pub(crate) const BODY_LIMIT: usize = 64 << 20;"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "a-head-is-bounded",
        "supervise/server/src/exchange.rs",
        (".max_buf_size(HEAD_LIMIT)", ".max_buf_size(HEAD_LIMIT << 10)"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "one-path-is-served",
        "supervise/server/src/exchange.rs",
        ("if request.uri().path() != PATH {", "if request.uri().path() != PATH && false {"),
        &["j10_what_is_too_much"],
    ),
    of(
        "supervise-server",
        "proposals-come-slowly",
        "supervise/server/src/queue.rs",
        ("if recent.len() >= NEW {", "if recent.len() >= NEW && false {"),
        &["j3_more_than_a_few", "j3_a_thousand"],
    ),
    of(
        "supervise-server",
        "proposals-are-few",
        "supervise/server/src/queue.rs",
        ("*state == State::Open).count() >= OPEN {", "*state == State::Open).count() >= OPEN && false {"),
        &["j3_a_thousand"],
    ),
    of(
        "supervise-server",
        "the-same-twice-is-one",
        "supervise/server/src/queue.rs",
        ("return Ok((there, state, false));", "drop((there, state)); attempt += 1;"),
        &["j3_a_thousand"],
    ),
    of(
        "supervise-server",
        "what-answers-is-bounded",
        "supervise/server/src/queue.rs",
        ("(bytes.len() as u64 <= FILE_LIMIT).then_some(bytes)", "Some(bytes)"),
        &["j1_an_answer_of_another_form"],
    ),
    of(
        "supervise-server",
        "only-denials-are-told",
        "supervise/server/src/denials.rs",
        ("if line[\"event\"] != \"denied\" && !push {", "if line[\"event\"] != \"denied\" && !push && false {"),
        &["j9_only_what_was_denied"],
    ),
    of(
        "dashboard",
        "a-screen-is-not-steered",
        "launcher/dashboard/src/plain.rs",
        ("c if is_hidden(c) => shown.push('\\u{fffd}'),", "c if is_hidden(c) => shown.push(c),"),
        &["j2_"],
    ),
    of(
        "dashboard",
        "a-yes-is-one-key",
        "launcher/dashboard/src/screen.rs",
        ("if let Key::Char('y' | 'Y') = key {", "if key != Key::Null {"),
        &["a_yes_is_to_the_change"],
    ),
    of(
        "launcher",
        "an-answer-lies-where-no-container-writes",
        "launcher/src/proposals.rs",
        ("join(\"inbox\").join(id.answer_file());", "join(\"outbox\").join(id.answer_file());"),
        &["j1_an_answer_is_given_once"],
    ),
    of(
        "launcher",
        "a-proposals-file-has-its-name",
        "launcher/src/proposals.rs",
        ("if proposal.id != *id {", "if proposal.id != *id && false {"),
        &["j1_only_files_that_are"],
    ),
];
