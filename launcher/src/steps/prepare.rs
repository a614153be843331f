//! Steps 2 to 4, at once since none needs another's result: images, networks, authorities.

use std::thread;

use anyhow::{Context as _, anyhow};
use compose_render::{Addresses, ImageRef, Role};
use compose_run::{Metadata, Owner, cancel, networks};

use super::ground::{self, Authorities};
use super::{Prepared, Start, Step};
use crate::agent_image::{self, Builder};
use crate::engine::{self, Finding};
use crate::exit::Hint as _;
use crate::manifest::{Image, Runtime, WorkspaceMode};
use crate::plan::{Ground, Images, Places};
use crate::{sidecar_images, workspace};

/// What was asked and made at once.
struct Made {
    engine: anyhow::Result<()>,
    images: anyhow::Result<(Images, Option<workspace::Selection>)>,
    addresses: anyhow::Result<Addresses>,
    authorities: anyhow::Result<Authorities>,
}

impl Start<'_> {
    /// Finds or builds the images, makes the networks, mints the authorities; writes down what of it
    /// later commands must know.
    pub(super) fn prepare(&self, metadata: &mut Metadata) -> anyhow::Result<Prepared> {
        let what = "preparing images, networks and authorities";
        let Made { engine, images, addresses, authorities } = self.ui.step(what, |_| self.make());
        let reached = |step: Step| self.fault.reached(step.as_str());
        let named = |step: Step| format!("the step `{step}` failed");
        engine?;
        // A network that could not be made ended the build: it is the cause.
        let addresses = addresses
            .and_then(|made| reached(Step::Networks).map(|()| made))
            .with_context(|| named(Step::Networks))?;
        let (images, selection) = images
            .and_then(|made| reached(Step::Build).map(|()| made))
            .with_context(|| named(Step::Build))?;
        let authorities = authorities
            .and_then(|made| reached(Step::Mint).map(|()| made))
            .with_context(|| named(Step::Mint))?;

        self.note(metadata, &images, addresses)?;
        workspace::seal(&self.plan.workspace, self.claim.dir().path(), &self.host.state)?;
        self.tell_left_out(selection.as_ref());
        let sidecars = Owner::of_sidecars();
        let agent = match self.plan.workspace.mode {
            WorkspaceMode::Mount => workspace::mount_owner(&self.plan.workspace.source)?,
            WorkspaceMode::Copy | WorkspaceMode::Image | WorkspaceMode::Clone => {
                (compose_render::contract::AGENT_UID, compose_render::contract::AGENT_UID)
            }
        };
        let ground = Ground {
            addresses,
            images,
            places: Places {
                bottle: self.claim.dir().path().to_owned(),
                owner: (sidecars.uid, sidecars.gid),
                agent,
            },
            pipelock_authority: authorities.pipelock.certificate.clone(),
            authority_keys: authorities.keys(),
            host_addresses: ground::host_addresses()?,
        };
        Ok(Prepared { ground, authorities, selection })
    }

    fn make(&self) -> Made {
        let authorities = self.times.measure(Step::Mint.as_str(), || {
            Authorities::mint(&self.plan.slug, self.plan.has_egress())
        });
        let (engine, images, addresses) = thread::scope(|scope| {
            let minted = authorities.as_ref().ok();
            let images = scope.spawn(move || {
                let images = self.times.measure(Step::Build.as_str(), || self.images())?;
                if let Some(minted) = minted {
                    let write = || self.write_provision(&images.0.agent, minted);
                    self.times.measure("write-provision", write)?;
                }
                Ok(images)
            });
            let engine = scope.spawn(|| self.times.measure("engine", || self.engine()));
            let addresses = self.times.measure(Step::Networks.as_str(), || self.networks());
            let engine = engine.join().unwrap_or_else(|_| Err(panicked()));
            if addresses.is_err() || engine.is_err() {
                // Nobody waits for a build of minutes to read that there is no network.
                cancel::set();
            }
            let images = images.join().unwrap_or_else(|_| Err(panicked()));
            if !self.signals.any() {
                cancel::clear();
            }
            (engine, images, addresses)
        });
        Made { engine, images, addresses, authorities }
    }

    /// An engine on which a bottle would not hold, or not work, is told apart before it is tried.
    fn engine(&self) -> anyhow::Result<()> {
        let engine = self.host.docker.engine()?;
        if let Some(Finding { what, remedy, .. }) = engine::refusal(&engine) {
            let remedy = remedy.unwrap_or_else(|| "`bottle doctor` tells more".to_owned());
            return Err(crate::exit::advise(anyhow!(what), remedy));
        }
        let has = |name: &str| engine.runtimes.iter().any(|runtime| runtime == name);
        if self.plan.runtime == Runtime::Runsc && !has("runsc") {
            return Err(anyhow!(
                "the manifest asks for gVisor, and the engine has no runtime `runsc`"
            ))
            .hint("install gVisor and name it in the daemon's `runtimes`");
        }
        Ok(())
    }

    fn networks(&self) -> anyhow::Result<Addresses> {
        networks::create(
            &self.host.docker,
            &self.plan.slug,
            self.host.state.path(),
            &self.pool,
            self.uplink(),
        )
        .map_err(|error| match error {
            networks::NetworkError::Taken(_) => crate::exit::advise(
                error.into(),
                "it was left behind or is another's: `bottle cleanup` removes what is ours, \
                     `docker network rm` the rest; or choose another `--name`",
            ),
            networks::NetworkError::Exhausted { .. } | networks::NetworkError::Routed { .. } => {
                crate::exit::advise(
                    error.into(),
                    "`bottle cleanup` frees what no bottle uses; `BOTTLE_SUBNETS` names another \
                         private network, such as 172.30.0.0/16",
                )
            }
            networks::NetworkError::Host(_)
            | networks::NetworkError::Subnets(_)
            | networks::NetworkError::Run(_) => error.into(),
        })
    }

    pub(super) fn images(&self) -> anyhow::Result<(Images, Option<workspace::Selection>)> {
        let docker = &self.host.docker;
        let cache = agent_image::cache_folder(self.environment)?;
        let tell = |what: &str| self.ui.say(what);
        let builder = Builder { docker, cache: &cache, tell: &tell };
        let sidecar = |role: Role| {
            let building = || self.ui.say(format_args!("building the image of `{role}`"));
            sidecar_images::ensure(docker, &self.sidecars, role, building)
        };
        thread::scope(|scope| {
            let pipelock = scope.spawn(|| {
                if let Some(image) = &self.plan.pipelock.image {
                    builder.ensure(&Image::Named(image.clone()))?;
                }
                // Where it is another's, ours answers names.
                sidecar(Role::Pipelock)
            });
            let egress =
                scope.spawn(|| self.plan.has_egress().then(|| sidecar(Role::Egress)).transpose());
            let supervise =
                scope.spawn(|| self.plan.supervise.then(|| sidecar(Role::Supervise)).transpose());
            let git_gate = scope.spawn(|| self.git_gate_image(&builder));
            let stand_in = scope.spawn(|| self.stand_in_image(&builder));
            let selection = scope.spawn(|| self.selection());
            let agent = builder.ensure(&self.plan.image);
            let selection = selection.join().unwrap_or_else(|_| Err(panicked()))?;
            let agent = self.with_workspace(&builder, agent?, selection.as_ref())?;
            stand_in.join().unwrap_or_else(|_| Err(panicked()))?;
            let images = Images {
                agent,
                pipelock: pipelock.join().unwrap_or_else(|_| Err(panicked()))?,
                egress: egress.join().unwrap_or_else(|_| Err(panicked()))?,
                git_gate: git_gate.join().unwrap_or_else(|_| Err(panicked()))?,
                supervise: supervise.join().unwrap_or_else(|_| Err(panicked()))?,
            };
            Ok((images, selection))
        })
    }

    fn git_gate_image(&self, builder: &Builder<'_>) -> anyhow::Result<Option<ImageRef>> {
        if !self.plan.has_git_gate() {
            return Ok(None);
        }
        let binary = sidecar_images::git_gate(&self.sidecars)?;
        builder.ensure_gate(&binary, Owner::of_sidecars().uid).map(Some)
    }

    fn stand_in_image(&self, builder: &Builder<'_>) -> anyhow::Result<()> {
        let Some(stand_in) = &self.plan.stand_in else { return Ok(()) };
        if builder.exists(&stand_in.image)? {
            return Ok(());
        }
        Err(anyhow!("there is no image `{}`", stand_in.image)).hint("build it before the start")
    }

    /// What of the user's folder goes in; with `mount`, the folder itself does,
    /// and with `clone` none.
    fn selection(&self) -> anyhow::Result<Option<workspace::Selection>> {
        let mode = self.plan.workspace.mode;
        if mode == WorkspaceMode::Mount {
            workspace::Watched::look(&self.plan.workspace.source).save(self.claim.dir().path())?;
        }
        if matches!(mode, WorkspaceMode::Mount | WorkspaceMode::Clone) || self.resume.is_some() {
            return Ok(None);
        }
        workspace::select(&self.plan.workspace).map(Some)
    }

    /// A credential in the user's folder stays outside; whoever misses one reads here which.
    fn tell_left_out(&self, selection: Option<&workspace::Selection>) {
        let left_out = selection.map(workspace::Selection::left_out).unwrap_or_default();
        if left_out.is_empty() {
            return;
        }
        let names: Vec<_> = left_out.iter().map(|path| path.display().to_string()).collect();
        self.ui.say(crate::ui::plain(&format!(
            "not copied, since credentials may be in them: {}; `--include PATH` takes one along",
            names.join(", ")
        )));
    }

    fn with_workspace(
        &self,
        builder: &Builder<'_>,
        agent: ImageRef,
        selection: Option<&workspace::Selection>,
    ) -> anyhow::Result<ImageRef> {
        match (self.plan.workspace.mode, selection) {
            (WorkspaceMode::Image, Some(selection)) => {
                let (image, record) = workspace::derived(builder, &agent, selection)?;
                record.save(self.claim.dir().path())?;
                Ok(image)
            }
            _ => Ok(agent),
        }
    }

    fn note(
        &self,
        metadata: &mut Metadata,
        images: &Images,
        addresses: Addresses,
    ) -> anyhow::Result<()> {
        metadata.images.insert(Role::Agent, images.agent.clone());
        if let Some(image) = &self.plan.pipelock.image {
            metadata.images.insert(Role::Pipelock, image.clone());
            metadata.images.insert(Role::Resolver, images.pipelock.clone());
        } else {
            metadata.images.insert(Role::Pipelock, images.pipelock.clone());
        }
        if let Some(egress) = &images.egress {
            metadata.images.insert(Role::Egress, egress.clone());
        }
        if let Some(git_gate) = &images.git_gate {
            metadata.images.insert(Role::GitGate, git_gate.clone());
        }
        if let Some(supervise) = &images.supervise {
            metadata.images.insert(Role::Supervise, supervise.clone());
        }
        if let Some(stand_in) = &self.plan.stand_in {
            metadata.images.insert(Role::StandIn, stand_in.image.clone());
        }
        metadata.addresses = Some(addresses);
        Ok(self.claim.dir().set_metadata(metadata)?)
    }
}

fn panicked() -> anyhow::Error {
    anyhow!("a thread of ours ended without an answer")
}
