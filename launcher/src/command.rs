//! One module for each command: what was typed, turned into what is done.

pub(crate) mod apply;
pub(crate) mod approve;
pub(crate) mod attach;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod cleanup;
pub(crate) mod completions;
pub(crate) mod dashboard;
pub(crate) mod deny;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod export;
pub(crate) mod init;
pub(crate) mod keep;
pub(crate) mod learn;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod policy;
pub(crate) mod presets;
pub(crate) mod proposals;
pub(crate) mod render;
pub(crate) mod revoke;
pub(crate) mod rollback;
pub(crate) mod schema;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod sidecar;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod trust;
pub(crate) mod watch;

use crate::cli::Command;
use crate::exit::Exit;
use crate::ui::Ui;

/// Runs what was typed.
pub(crate) fn dispatch(command: &Command, ui: &Ui) -> anyhow::Result<Exit> {
    match command {
        Command::Start(args) => start::run(args, ui),
        Command::Attach(args) => attach::run(args, ui),
        Command::Exec(args) => exec::run(args, ui),
        Command::Shell(args) => shell::run(args, ui),
        Command::List(args) => list::run(args, ui),
        Command::Show(args) => show::run(args, ui),
        Command::Logs(args) => logs::run(args, ui),
        Command::Audit(args) => audit::run(args, ui),
        Command::Watch(args) => watch::run(args, ui),
        Command::Dashboard(args) => dashboard::run(args, ui),
        Command::Metrics(args) => metrics::run(args, ui),
        Command::Diff(args) => diff::run(args, ui),
        Command::Export(args) => export::run(args, ui),
        Command::Stop(args) => stop::run(args, ui),
        Command::Cleanup(args) => cleanup::run(args, ui),
        Command::Render(args) => render::run(args, ui),
        Command::Check(args) => check::run(args, ui),
        Command::Schema(args) => schema::run(args, ui),
        Command::Policy(args) => policy::run(args, ui),
        Command::Presets(args) => presets::run(args, ui),
        Command::Apply(args) => apply::run(args, ui),
        Command::Rollback(args) => rollback::run(args, ui),
        Command::Proposals(args) => proposals::run(args, ui),
        Command::Approve(args) => approve::run(args, ui),
        Command::Edit(args) => approve::edit(args, ui),
        Command::Deny(args) => deny::run(args, ui),
        Command::Revoke(args) => revoke::run(args, ui),
        Command::Learn(args) => learn::run(args, ui),
        Command::Trust(args) => trust::run(args, ui),
        Command::Init(args) => init::run(args, ui),
        Command::Doctor(args) => doctor::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::GitGate(args) => sidecar::run(sidecar::Part::GitGate, args, ui),
        Command::Pipelock(args) => sidecar::run(sidecar::Part::Pipelock, args, ui),
        Command::Keep(args) => keep::run(args, ui),
        Command::Egress(args) => sidecar::run(sidecar::Part::Egress, args, ui),
    }
}
