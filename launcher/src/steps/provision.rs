//! Step 7: what the agent finds when it begins; meanwhile the sidecars get ready.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use compose_render::Role;
use compose_run::{containers, ready};

use super::{Prepared, Start};
use crate::exit::Hint as _;
use crate::manifest::{Runtime, WorkspaceMode};
use crate::plan::Rendered;
use crate::provision::{self, Arrival, Identity};
use crate::workspace;
use crate::workspace::clone::{self, Cloned};

/// How long a sidecar may take until it serves: seconds, even on a machine that is busy.
const READY_LIMIT: Duration = Duration::from_mins(1);

/// How much of a container's log an error carries.
const LOG_LINES: u32 = 20;

impl Start<'_> {
    /// Brings in workspace and settings while every sidecar is waited for.
    pub(super) fn provision_and_wait(
        &self,
        prepared: &Prepared,
        rendered: &Rendered,
    ) -> anyhow::Result<()> {
        let names: Vec<_> = rendered.healthchecks.keys().map(ToString::to_string).collect();
        let what = format!("waiting for {}, bringing in the workspace", names.join(", "));
        self.ui.step(what, |_| {
            thread::scope(|scope| {
                let waits: Vec<_> = rendered
                    .healthchecks
                    .iter()
                    .map(|(&role, argv)| scope.spawn(move || self.wait_for(role, argv)))
                    .collect();
                let placed = self.is_placed();
                let brought = self.bring(prepared);
                for wait in waits {
                    wait.join().unwrap_or_else(|_| Err(anyhow!("a thread of ours ended")))?;
                }
                placed?;
                brought
            })
        })?;
        self.clone_workspace()
    }

    /// What is mounted is what was looked at. gVisor numbers files in its own way and is not asked.
    fn is_placed(&self) -> anyhow::Result<()> {
        let mounts = &self.plan.workspace.mounts;
        if mounts.is_empty() || self.plan.runtime == Runtime::Runsc {
            return Ok(());
        }
        workspace::place::check(&self.host.docker, &Role::Agent.container(&self.plan.slug), mounts)
    }

    /// The gate serves by now, and the agent has not begun.
    fn clone_workspace(&self) -> anyhow::Result<()> {
        let dir = self.claim.dir().path();
        if let Some(before) = self.resume.as_deref().and_then(std::path::Path::parent) {
            return match Cloned::load(before)? {
                Some(cloned) => cloned.save(dir),
                None => Ok(()),
            };
        }
        if self.plan.workspace.mode != WorkspaceMode::Clone {
            return Ok(());
        }
        self.ui.step("cloning the workspace from git-gate", |_| {
            let agent = Role::Agent.container(&self.plan.slug);
            let (docker, git) = (&self.host.docker, &self.plan.git);
            self.times.measure("clone", || clone::clone(docker, &agent, &self.plan.slug, git, dir))
        })
    }

    fn wait_for(&self, role: Role, argv: &[String]) -> anyhow::Result<()> {
        let container = role.container(&self.plan.slug);
        let ready = self.times.measure(ready_step(role), || {
            ready::wait(&self.host.docker, &container, argv, READY_LIMIT)
        });
        ready
            .with_context(|| format!("`{role}` did not get ready"))
            .hint(format!("`bottle logs {} --service {role}` shows all it printed", self.plan.slug))
    }

    fn bring(&self, prepared: &Prepared) -> anyhow::Result<()> {
        let agent = Role::Agent.container(&self.plan.slug);
        let docker = &self.host.docker;
        let arrival = Arrival {
            plan: self.plan,
            identity: &Identity::of_person(self.environment),
            // With `image`, it lies there already.
            selection: prepared
                .selection
                .as_ref()
                .filter(|_| self.plan.workspace.mode == WorkspaceMode::Copy),
            resume: self.resume.as_deref(),
        };
        let brought = self.times.measure("bring", || provision::bring(docker, &agent, &arrival));
        let record = brought.map_err(|error| {
            let lines = containers::last_log_lines(docker, &agent, LOG_LINES);
            let said = if lines.is_empty() { lines } else { format!("\n{lines}") };
            error.context(format!("cannot set up the agent's container{said}"))
        })?;
        // What it was to begin with: `bottle diff` compares with it.
        record.map_or(Ok(()), |record| record.save(self.claim.dir().path()))
    }
}

fn ready_step(role: Role) -> &'static str {
    match role {
        Role::Pipelock => "ready-pipelock",
        Role::Resolver => "ready-resolver",
        Role::Egress => "ready-egress",
        Role::GitGate => "ready-git-gate",
        Role::Supervise => "ready-supervise",
        Role::StandIn => "ready-stand-in",
        Role::Agent => "ready-agent",
    }
}
