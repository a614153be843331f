//! What makes a bottle end whole, however it ends.

use super::Mechanism;
use super::Needs::{Engine, Nothing};

pub(super) const MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "an-engine-that-cannot-hold-is-refused",
        file: "launcher/src/engine.rs",
        on: "find(|finding| finding.weight == Weight::Fails)",
        off: "find(|finding| finding.weight == Weight::Fails && false)",
        package: "launcher",
        tests: &["what_a_bottle_cannot_hold_on"],
        needs: Nothing,
    },
    Mechanism {
        name: "keys-go-with-the-bottle",
        file: "launcher/src/teardown.rs",
        on: "self.dir().remove(&SECRET_FILES)?",
        off: "self.dir().remove(&SECRET_FILES[..0])?",
        package: "launcher",
        tests: &["a_command_runs_in_the_bottle"],
        needs: Engine,
    },
    Mechanism {
        name: "networks-go-with-the-bottle",
        file: "launcher/src/teardown.rs",
        on: "Ok(networks::remove(self.docker(), self.slug())?)",
        off: "Ok(())",
        package: "launcher",
        tests: &["a_command_runs_in_the_bottle"],
        needs: Engine,
    },
    Mechanism {
        name: "a-network-of-others-stays",
        file: "launcher/src/teardown.rs",
        on: "if self.networks()?.is_empty() {",
        off: "if self.networks()?.is_empty() && false {",
        package: "launcher",
        tests: &["k3_a_network_of_somebody_else"],
        needs: Engine,
    },
    Mechanism {
        name: "logs-are-saved-first",
        file: "launcher/src/teardown.rs",
        on: "undo.register(\"save the logs\", move || self.save_logs());",
        off: "undo.register(\"save the logs\", move || if false { self.save_logs() } else { Ok(()) });",
        package: "launcher",
        tests: &["a_command_runs_in_the_bottle"],
        needs: Engine,
    },
    Mechanism {
        name: "work-is-saved",
        file: "launcher/src/teardown.rs",
        on: "if !holds || metadata.phase == Phase::Starting {",
        off: "if !holds || metadata.phase != Phase::Starting {",
        package: "launcher",
        tests: &["k1_after_kill_9_while_the_agent_works"],
        needs: Engine,
    },
    Mechanism {
        name: "saved-work-is-not-overwritten",
        file: "launcher/src/claim.rs",
        on: "if claim.dir().workspace_tar().exists() && resume != Some(slug) {",
        off: "if claim.dir().workspace_tar().exists() && resume != Some(slug) && false {",
        package: "launcher",
        tests: &["a_kept_bottle_stays"],
        needs: Engine,
    },
    Mechanism {
        name: "stop-asks-whoever-holds-it",
        file: "launcher/src/stop.rs",
        on: "if dir.is_locked() {\n        ui.step(",
        off: "if dir.is_locked() && false {\n        ui.step(",
        package: "launcher",
        tests: &["k4_stop_ends_a_start"],
        needs: Engine,
    },
];
