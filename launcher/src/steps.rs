//! The steps of a start, in their order. What undoes a step is registered before it begins.

mod ground;
mod prepare;
mod probe;
mod provision;
mod render;
mod up;

pub(crate) use self::ground::host_addresses;

use std::fmt;

use anyhow::Context as _;
use compose_run::images::Sidecars;
use compose_run::networks::{Pool, Uplink};
use compose_run::{Claim, Metadata, Phase, Undo};

use crate::environment::Environment;
use crate::fault_point::FaultPoint;
use crate::host::Host;
use crate::plan::Plan;
use crate::signals::Signals;
use crate::teardown::Teardown;
use crate::times::Times;
use crate::ui::Ui;

/// A step of a start, as errors, times and fault points name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Claim,
    Build,
    Networks,
    Mint,
    Render,
    Up,
    Provision,
    Probe,
}

impl Step {
    /// Its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Build => "build",
            Self::Networks => "networks",
            Self::Mint => "mint",
            Self::Render => "render",
            Self::Up => "up",
            Self::Provision => "provision",
            Self::Probe => "probe",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All that the steps of one start share.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub ui: &'a Ui,
    pub environment: &'a Environment,
    pub host: &'a Host,
    pub claim: &'a Claim,
    pub plan: &'a Plan,
    pub signals: &'a Signals,
    pub times: &'a Times,
    pub fault: &'a FaultPoint,
    pub sidecars: Sidecars,
    pub pool: Pool,
    /// A saved workspace to go on with.
    pub resume: Option<std::path::PathBuf>,
}

/// A bottle whose last step went well.
#[derive(Debug)]
pub(crate) struct Standing {
    pub metadata: Metadata,
    pub agent: String,
    pub watch: crate::probe::Watch,
}

impl<'a> Start<'a> {
    /// Takes every step after the claim. Where one fails, `undo` holds what is to be undone.
    pub(crate) fn run(&self, undo: &mut Undo<'a>) -> anyhow::Result<Standing> {
        let teardown = Teardown::of(self.host, self.claim);
        teardown.undo_claim(undo);
        let mut metadata = self.metadata();
        self.step(Step::Claim, || Ok(self.claim.dir().set_metadata(&metadata)?))?;

        teardown.undo_build(undo);
        teardown.undo_networks(undo);
        teardown.undo_mint(undo);
        let prepared = self.prepare(&mut metadata)?;
        let rendered = self.step(Step::Render, || self.render(&prepared))?;

        teardown.undo_up(undo);
        self.step(Step::Up, || self.up(&prepared.ground.images, &rendered))?;
        self.step(Step::Provision, || self.provision_and_wait(&prepared, &rendered))?;
        let watch = self.step(Step::Probe, || self.probe(&prepared))?;

        metadata.phase = Phase::Running;
        metadata.command = crate::provision::command(self.plan)?;
        self.claim.dir().set_metadata(&metadata)?;
        let agent = compose_render::Role::Agent.container(&self.plan.slug);
        Ok(Standing { metadata, agent, watch })
    }

    /// Takes one step: measured, named where it fails, and not begun once a signal came.
    fn step<T>(&self, step: Step, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.signals.check()?;
        let done = self.times.measure(step.as_str(), work);
        done.and_then(|done| self.fault.reached(step.as_str()).map(|()| done))
            .with_context(|| format!("the step `{step}` failed"))
    }

    fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new(&self.plan.slug, &self.plan.agent.name);
        metadata.manifest_digest.clone_from(&self.plan.manifest.digest);
        metadata.command.clone_from(&self.plan.agent.command);
        metadata.workspace = Some(self.plan.workspace.mode.as_str().to_owned());
        metadata.workspace_dir = Some(self.plan.workspace.source.display().to_string());
        metadata.observed_until = self.plan.observe.as_ref().map(|observe| observe.until);
        metadata.stand_in = self.plan.stand_in.as_ref().map(|stand_in| stand_in.host.to_string());
        metadata
    }

    /// A demo's outside is a sink beside it: its uplink leads nowhere else.
    fn uplink(&self) -> Uplink {
        if self.plan.stand_in.is_some() { Uplink::Sealed } else { Uplink::Open }
    }
}

/// What the steps before rendering found and made.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub ground: crate::plan::Ground,
    pub authorities: ground::Authorities,
    pub selection: Option<crate::workspace::Selection>,
}
