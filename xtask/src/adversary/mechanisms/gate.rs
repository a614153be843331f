//! git-gate's mechanisms: what is looked through, what is refused, what is believed.

use super::{Mechanism, Needs};

/// One mechanism of the gate's data plane, proven with a real git on both sides of it.
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
    gate(
        "gate-objects-not-commits",
        "git-gate/gate/src/judge/objects.rs",
        r#"args(["rev-list", "--objects"])"#,
        r#"args(["rev-list"])"#,
        &["h1_in_every_kind_of_file"],
    ),
    gate(
        "gate-names-in-trees",
        "git-gate/gate/src/judge.rs",
        "scan.push(&entries);",
        "drop(entries);",
        &["h1_in_a_message_an_author_and_a_name"],
    ),
    gate(
        "gate-into-archives",
        "git-gate/gate/src/judge/scan.rs",
        r#"if first.starts_with(b"\x1f\x8b") {"#,
        r#"if first.starts_with(b"\x1f\x8c") {"#,
        &["h1_in_every_kind_of_file"],
    ),
    gate(
        "gate-own-secrets",
        "git-gate/gate/src/ground.rs",
        r#"Ok(Rules::with(own.context("the fingerprints are not in their form")?))"#,
        r#"own.context("the fingerprints are not in their form").map(|_| Rules::builtin().clone())"#,
        &["h1_the_bottles_own_secrets"],
    ),
    gate(
        "gate-marks-blanked",
        "git-gate/gate/src/judge/second.rs",
        "*byte = b'-';",
        "*byte = b':';",
        &["h1_the_mark_that_hides_a_line"],
    ),
    Mechanism {
        name: "gate-no-force-on-others",
        file: "git-gate/src/rules.rs",
        on: "Change::Force if !update.own => deny(RefRule::ForceNotAllowed),",
        off: "",
        package: "git-gate",
        tests: &["h2_force_and_delete"],
        needs: Needs::Nothing,
    },
    gate(
        "gate-believes-the-upstream",
        "git-gate/gate/src/hook.rs",
        "None => forward::push(self, &updates)?,",
        "None => forward::push(self, &updates)?.filter(|_| false),",
        &["h3_an_upstream_that_says_no_is_believed"],
    ),
    gate(
        "gate-dials-no-neighbour",
        "git-gate/gate/src/address.rs",
        "!odd && !file.never_dial.iter().any(|net| net.contains(&v4))",
        "!odd && !file.never_dial.iter().any(|net| net.contains(&v4) && net.prefix_len() > 32)",
        &["h4_an_upstream_is_not_this_container"],
    ),
    gate(
        "gate-checks-objects",
        "git-gate/gate/src/program.rs",
        r#"("receive.fsckObjects", "true"),"#,
        r#"("receive.fsckObjects", "false"),"#,
        &["h5_names_by_which", "h5_options_in_a_submodules_url"],
    ),
    gate(
        "gate-pack-limit",
        "git-gate/gate/src/program.rs",
        "let pack = limits.pack_bytes.to_string();",
        "let pack = limits.pack_bytes.saturating_mul(1 << 20).to_string();",
        &["h5_a_pack_beyond_its_size"],
    ),
    gate(
        "gate-protected-files",
        "git-gate/gate/src/judge/protected.rs",
        "if is_protected(path) {",
        "if is_protected(path) && path.is_empty() {",
        &["i3_files_that_run_elsewhere"],
    ),
];
