//! Taking a bottle down: what every start ends in, however it ends, and what `stop` and `cleanup`
//! do from outside.
//!
//! Each part stands being run on what is there by half, or not at all, and finds what is there by
//! its labels and fixed names. So it does not matter how far a start had come.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use compose_render::{Role, Slug};
use compose_run::networks::FoundNetwork;
use compose_run::{
    BottleDir, Claim, Docker, EscapeControls, Leftover, Metadata, Phase, Undo, containers,
    networks, wait,
};

use crate::host::Host;
use crate::{login, workspace};

/// What containers have to end by themselves. The agent's ends at once, and with it the
/// connections that sidecars would drain.
const GRACE: Duration = Duration::from_secs(5);

/// How long the engine may take to end what it has begun to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whatever of a bottle's state must not outlive it: keys, what fingerprints of secrets are in, and
/// what was mounted for the agent, which is of use to nobody.
const SECRET_FILES: [&str; 7] = [
    "pipelock/ca-key.pem",
    "egress/ca-key.pem",
    "pipelock/bottle.yaml",
    "pipelock/history",
    "apply.json",
    "git-gate/keys",
    "provision",
];

/// The parts of a teardown, for one bottle whose lock we hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teardown<'a> {
    pub host: &'a Host,
    pub claim: &'a Claim,
}

impl<'a> Teardown<'a> {
    /// Everything, newest first; returns what could not be done. Nothing stops at a failure.
    pub(crate) fn all(self, tell: impl FnMut(&str)) -> Vec<Leftover> {
        let mut undo = Undo::new();
        self.register_all(&mut undo);
        undo.run_with(tell)
    }

    fn register_all(self, undo: &mut Undo<'a>) {
        self.undo_claim(undo);
        self.undo_build(undo);
        self.undo_networks(undo);
        self.undo_mint(undo);
        self.undo_up(undo);
        self.undo_provision(undo);
    }

    /// The claim's: the bottle counts as stopped, once nothing of it is left on the engine.
    pub(crate) fn undo_claim(self, undo: &mut Undo<'a>) {
        undo.register("see that nothing is left", move || self.conclude());
    }

    /// The build's: an image that was made for this bottle alone holds the user's code.
    pub(crate) fn undo_build(self, undo: &mut Undo<'a>) {
        undo.register("remove the derived image", move || self.remove_derived_image());
    }

    /// The networks'.
    pub(crate) fn undo_networks(self, undo: &mut Undo<'a>) {
        undo.register("remove the networks", move || {
            // One of these names that is not labelled as ours is another's and stays.
            if self.networks()?.is_empty() {
                return Ok(());
            }
            Ok(networks::remove(self.docker(), self.slug())?)
        });
    }

    /// The minting's and rendering's: keys, tokens and fingerprints go.
    pub(crate) fn undo_mint(self, undo: &mut Undo<'a>) {
        undo.register("remove the keys", move || Ok(self.dir().remove(&SECRET_FILES)?));
    }

    /// Up's: the logs are saved before the containers go.
    pub(crate) fn undo_up(self, undo: &mut Undo<'a>) {
        undo.register("remove the containers", move || self.down());
        undo.register("save the logs", move || self.save_logs());
    }

    /// The provisioning's: a copied workspace is saved while its container is there.
    pub(crate) fn undo_provision(self, undo: &mut Undo<'a>) {
        undo.register("save the workspace", move || self.save_workspace());
    }

    fn slug(self) -> &'a Slug {
        self.dir().slug()
    }

    fn dir(self) -> &'a BottleDir {
        self.claim.dir()
    }

    fn docker(self) -> &'a Docker {
        &self.host.docker
    }

    /// Its networks, as the engine knows them by their label.
    fn networks(self) -> anyhow::Result<Vec<FoundNetwork>> {
        let mut all = networks::list(self.docker())?;
        let state = self.host.state.path();
        all.retain(|network| {
            network.slug == *self.slug() && network.state.as_deref().is_none_or(|at| at == state)
        });
        Ok(all)
    }

    /// What is known of it; a broken file is no reason to leave anything behind.
    fn metadata(self) -> Option<Metadata> {
        self.dir().metadata().ok().flatten()
    }

    fn save_workspace(self) -> anyhow::Result<()> {
        let Some(metadata) = self.metadata() else { return Ok(()) };
        let holds = metadata.workspace.as_deref().is_some_and(|mode| mode != "mount");
        // In one that never came to run, the agent has done nothing that could be lost.
        if !holds || metadata.phase == Phase::Starting {
            return Ok(());
        }
        let agent = Role::Agent.container(self.slug());
        let Some(life) = containers::life(self.docker(), &agent)? else { return Ok(()) };
        if life.status != "running" {
            // A daemon that restarted, or memory that ran out, ended it: it still holds the work,
            // and all it runs is our own idle program.
            self.docker()
                .run(["start", &agent])
                .context("cannot look into the agent's container")?;
        }
        let tar = self.dir().workspace_tar();
        workspace::save(self.docker(), &agent, &tar, workspace::SAVE_LIMIT).map(drop)
    }

    /// Merged by compose; where compose cannot (its file is gone or cut short), one by one.
    fn save_logs(self) -> anyhow::Result<()> {
        if containers::list(self.docker(), Some(self.slug()))?.is_empty() {
            return Ok(());
        }
        let path = self.dir().compose_log();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
            .open(&path)
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        let mut out = BufWriter::new(file);
        let project = self.host.project(self.slug());
        if self.host.compose.logs(&project, &mut out).is_err() {
            let mut escaped = EscapeControls::new(&mut out);
            containers::logs(self.docker(), self.slug(), &mut escaped)?;
            escaped.finish()?;
        }
        out.flush().with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// By compose where its file is there, then whatever still bears the label.
    fn down(self) -> anyhow::Result<()> {
        let known = containers::list(self.docker(), Some(self.slug()))?;
        if !known.is_empty() && self.dir().compose_file().is_file() {
            // What compose leaves is removed below; what cannot be removed there is the error.
            let hold = self.claim.hold().ok();
            drop(self.host.compose.down(&self.host.project(self.slug()), GRACE, hold));
        }
        match containers::remove(self.docker(), self.slug()) {
            // By another cleanup, of what belongs to nobody: it will be gone in a moment.
            Err(error) if error.stderr().contains("already in progress") => {
                let gone = || containers::list(self.docker(), Some(self.slug())).ok();
                wait::until("the containers' end", PATIENCE, || gone()?.is_empty().then_some(()))?;
            }
            other => other?,
        }
        Ok(containers::remove_volumes(self.docker(), self.slug())?)
    }

    fn remove_derived_image(self) -> anyhow::Result<()> {
        let Some(metadata) = self.metadata() else { return Ok(()) };
        if metadata.workspace.as_deref() != Some("image") {
            return Ok(());
        }
        let Some(image) = metadata.images.get(&Role::Agent) else { return Ok(()) };
        // Another bottle of the same tree may run it: then it goes with that one.
        Ok(workspace::remove_derived(self.docker(), image)?)
    }

    fn conclude(self) -> anyhow::Result<()> {
        let containers = containers::list(self.docker(), Some(self.slug()))?;
        let networks = self.networks()?;
        if !containers.is_empty() || !networks.is_empty() {
            bail!(
                "{} containers and {} networks of `{}` are still there",
                containers.len(),
                networks.len(),
                self.slug()
            );
        }
        login::release(self.host.state.path(), self.slug())?;
        // One that was lost, or cannot be read, says from now on that the bottle is gone.
        let metadata = self.metadata().unwrap_or_else(|| Metadata::new(self.slug(), ""));
        Ok(self.dir().set_metadata(&Metadata { phase: Phase::Stopped, ..metadata })?)
    }
}
