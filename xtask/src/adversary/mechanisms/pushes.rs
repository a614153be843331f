//! Pushes that a person allows, and the gate's own files: what makes an approval good once and for one
//! thing, and what a push is judged by.

use super::{Mechanism, Needs};

const fn gate(
    name: &'static str,
    file: &'static str,
    on: &'static str,
    off: &'static str,
    tests: &'static [&'static str],
) -> Mechanism {
    Mechanism { name, file, on, off, package: "git-gate-server", tests, needs: Needs::Nothing }
}

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "push-approval-names-the-object",
        file: "git-gate/src/approval.rs",
        on: "(answer.push.as_ref() == Some(self)).then_some(",
        off: "(answer.push.as_ref() == Some(self) || true).then_some(",
        package: "git-gate",
        tests: &["j2_an_approval_is_good_for_what_it_names"],
        needs: Needs::Nothing,
    },
    gate(
        "push-approval-is-used-up",
        "git-gate/gate/src/hook/approvals.rs",
        "Some(PushAnswer::Approved(_)) if self.used(&id).exists() => {}",
        "Some(PushAnswer::Approved(_)) if self.used(&id).exists() && false => {}",
        &["j2_what_a_person_allowed_passes_once"],
    ),
    gate(
        "push-own-secrets-never-pass",
        "git-gate/gate/src/hook.rs",
        "Ok(match approvals.given().filter(|_| !own) {",
        "Ok(match approvals.given().filter(|_| !own || true) {",
        &["h1_a_person_may_say"],
    ),
    gate(
        "push-held-files-ask",
        "git-gate/gate/src/hook.rs",
        "if secrets.is_empty() && held.is_empty() {",
        "if secrets.is_empty() {",
        &["j2_what_a_person_allowed_passes_once", "i3_files_that_run_elsewhere"],
    ),
    gate(
        "push-few-proposals-wait",
        "git-gate/gate/src/hook/approvals.rs",
        "if self.open() >= OPEN {",
        "if self.open() >= OPEN && false {",
        &["j3_a_flood_of_pushes"],
    ),
    gate(
        "push-judged-by-what-is-in-force",
        "git-gate/gate/src/hook.rs",
        "let file = ground.read_in_force()?;",
        "let file = ground.parse(&ground.text()?)?;",
        &["c7_a_bad_file_keeps"],
    ),
    gate(
        "push-one-login-for-each-key",
        "git-gate/gate/src/way.rs",
        "part(&std::fs::read(folder.join(name)).unwrap_or_default());",
        "part(folder.as_os_str().as_encoded_bytes()); drop(name);",
        &["h4_a_kept_login_is_of_one_key"],
    ),
    gate(
        "push-makes-nothing-known-for-longer",
        "git-gate/gate/src/mirror.rs",
        "self.fetched = None;",
        "*self = Self { fetched: None, asked: Some(Moment::now()) };",
        &["h1_a_push_makes_nothing_known_for_longer"],
    ),
    gate(
        "push-judged-against-what-upstream-has",
        "git-gate/gate/src/hook/known.rs",
        "if push.fresh.contains(&clock::now()) {",
        "if push.fresh.contains(&clock::now()) || true {",
        &["h1_a_client_that_asks_for_no_refs", "h1_a_client_that_takes_its_time"],
    ),
    gate(
        "push-what-upstream-took-back-is-new",
        "git-gate/gate/src/mirror.rs",
        r#"["fetch", "--quiet", "--prune", "#,
        r#"["fetch", "--quiet", "#,
        &["h1_i3_what_upstream_took_back"],
    ),
];
