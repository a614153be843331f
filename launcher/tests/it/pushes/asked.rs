//! A push that changes what runs elsewhere: it waits for a person on the host, who says yes, and it
//! passes once.

use compose_testkit::{eventually, record};

use super::Pushes;
use crate::ground::Ground;

#[test]
fn j2_h2_a_push_waits_for_a_person_and_passes_once() {
    let ground = Ground::new("gate-asked");
    let pushes = Pushes::start(&ground, "copy");
    pushes.well(
        "mkdir -p .github/workflows && echo 'on: push' > .github/workflows/ci.yml && git add -A \
         && git commit --quiet -m ci",
    );
    // It is held; a person who lists what waits finds it and says yes.
    let pushed = std::thread::scope(|scope| {
        let push = scope.spawn(|| pushes.agent("git push origin HEAD && git rev-parse HEAD"));
        let id = eventually("the push is asked for", || {
            let listed = ground.bottle(&["proposals", "--json"]);
            let all: serde_json::Value =
                serde_json::from_str(&listed.out).map_err(|_| format!("{listed:?}"))?;
            let text = all.to_string();
            let at = text.find("\"id\":\"").ok_or_else(|| text.clone())?;
            Ok(text.get(at + 6..at + 18).unwrap_or_default().to_owned())
        });
        let shown = ground.bottle(&["approve", &id]);
        assert!(shown.err.contains("ci.yml") || shown.out.contains("ci.yml"), "{shown:?}");
        let text = format!("{}{}", shown.out, shown.err);
        let digest = text.split("--change ").nth(1).and_then(|rest| rest.split('`').next());
        let digest = digest.unwrap_or_default();
        let approved = ground.bottle(&["approve", &id, "--change", digest]);
        assert_eq!(approved.code, Some(0), "{shown:?} {approved:?}");
        push.join().unwrap()
    });
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    assert!(pushed.err.contains("waiting for a person"), "{pushed:?}");
    assert_eq!(pushes.arrived(), pushed.out.trim());
    record("H2", "a push of a workflow, allowed by a person", "it passed once");
    let audit = ground.bottle(&["audit", ground.slug.as_str()]);
    assert!(audit.out.contains("pushed"), "{audit:?}");
    pushes.stop();
}
