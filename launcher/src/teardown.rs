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
    BottleDir, Claim, Docker, EscapeControls, Leftover, Metadata, Phase, RunError, Undo,
    containers, networks, wait,
};

use crate::host::Host;
use crate::{decide, login, workspace};

/// What containers have to end by themselves. The agent's ends at once, and with it the
/// connections that sidecars would drain.
const GRACE: Duration = Duration::from_secs(5);

/// How long the engine may take to end what it has begun to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long the work may take to come out while anything of the agent's may still run beside it.
const UNDISTURBED: Duration = Duration::from_mins(2);

/// How long a daemon that restarts is waited for.
const ENGINE_PATIENCE: Duration = Duration::from_mins(1);

/// Whatever of a bottle's state must not outlive it: keys, and what fingerprints of secrets are in.
const SECRET_FILES: [&str; 7] = [
    "pipelock/ca-key.pem",
    "egress/ca-key.pem",
    "pipelock/bottle.yaml",
    "pipelock/grants.json",
    "pipelock/history",
    "apply.json",
    "git-gate/keys",
];

/// What was mounted for the agent. Its container can be looked into as long as this is there.
const MOUNTED: &str = "provision";

/// The parts of a teardown, for one bottle whose lock we hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teardown<'a> {
    pub host: &'a Host,
    pub claim: &'a Claim,
    pub unsaved: Unsaved,
}

/// What becomes of work that cannot be saved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unsaved {
    /// The containers stay, stopped, until it can be.
    Stays,
    /// A person said that it may go.
    Goes,
}

/// The work is still in the agent's container, and only there.
#[derive(Debug, thiserror::Error)]
#[error("the agent's work is not saved; its container stays, stopped")]
pub(crate) struct WorkStays;

impl<'a> Teardown<'a> {
    /// The teardown of that bottle, which throws no work away.
    pub(crate) fn of(host: &'a Host, claim: &'a Claim) -> Self {
        Self { host, claim, unsaved: Unsaved::Stays }
    }

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
            // A container that stays can be started again only on its networks.
            if self.holds_containers()? {
                return Ok(());
            }
            // One of these names that is not labelled as ours is another's and stays.
            if self.networks()?.is_empty() {
                return Ok(());
            }
            Ok(networks::remove(self.docker(), self.slug())?)
        });
    }

    /// The minting's and rendering's: keys, tokens and fingerprints go.
    pub(crate) fn undo_mint(self, undo: &mut Undo<'a>) {
        undo.register("remove what was mounted for the agent", move || {
            if self.holds_containers()? {
                return Ok(());
            }
            self.dir().remove(&[MOUNTED])?;
            workspace::unseal(self.dir().path(), &self.host.state)
        });
        undo.register("remove the keys", move || Ok(self.dir().remove(&SECRET_FILES)?));
    }

    /// Up's: the logs and the work are saved before the containers go.
    pub(crate) fn undo_up(self, undo: &mut Undo<'a>) {
        undo.register("save the work and remove the containers", move || {
            match (self.save_workspace(), self.unsaved) {
                (Err(error), Unsaved::Stays) => {
                    self.stop()?;
                    Err(error.context(WorkStays))
                }
                (Ok(()) | Err(_), _) => self.down(),
            }
        });
        undo.register("save the logs", move || self.save_logs());
        undo.register("note what was asked for", move || {
            // What nobody looked at was asked all the same. It keeps no bottle alive.
            decide::proposals_of(self.dir()).ok();
            Ok(())
        });
        undo.register("wait for the Docker daemon", move || {
            self.wait_for_engine();
            Ok(())
        });
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

    fn holds_containers(self) -> anyhow::Result<bool> {
        Ok(!containers::list(self.docker(), Some(self.slug()))?.is_empty())
    }

    /// A daemon that restarts took the containers with it, and the work is lost only if we go on
    /// without it. One that stays away is told by every part that needs it.
    fn wait_for_engine(self) {
        let answers = || self.docker().run(["version"]).ok();
        if answers().is_none() {
            drop(wait::until("the Docker daemon", ENGINE_PATIENCE, answers));
        }
    }

    /// Nothing of it goes on running.
    fn stop(self) -> anyhow::Result<()> {
        Ok(containers::stop(self.docker(), self.slug(), GRACE)?)
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
        let save = |patience| {
            workspace::save(self.docker(), &agent, &tar, workspace::SAVE_LIMIT, patience).map(drop)
        };
        let saved = save(UNDISTURBED);
        if !saved.as_ref().is_err_and(is_disturbed) {
            return saved;
        }
        // What runs in there beside the guest can stop and end it. A restart leaves it alone.
        self.docker()
            .run(["restart", "--time", "0", &agent])
            .context("cannot stop what runs in the agent's container")?;
        save(workspace::SAVE_PATIENCE)
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

/// Whether the guest was stopped or ended, and not the disk here full.
fn is_disturbed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let run = cause.downcast_ref::<RunError>();
        run.is_some_and(|run| matches!(run, RunError::Failed { .. } | RunError::TimedOut { .. }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Config;
    use crate::bottles::tests::bottle;
    use compose_run::Owner;

    #[test]
    fn no_file_that_fingerprints_are_in_outlives_the_bottle() {
        let (_folder, _state, dir) = bottle();
        let config = dir.create_service(Role::Pipelock, Owner::of_sidecars()).unwrap().config;
        let put = |name: &str, text: &str| {
            compose_run::replace(&config.join(name), text.as_bytes(), 0o600).unwrap();
        };
        put(pipelock::UPSTREAM_FILE, "upstream");
        put(pipelock::BOTTLE_FILE, "fingerprint");
        // What was granted lies on a copy of the policy that it was granted on.
        put("grants.json", "{\"base\": \"fingerprint\"}");
        assert!(Config::read(&dir).unwrap().granted.contains("fingerprint"));
        dir.remove(&SECRET_FILES).unwrap();
        for entry in fs_err::read_dir(&config).unwrap() {
            let path = entry.unwrap().path();
            let text = fs_err::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains("fingerprint"), "{}", path.display());
        }
    }
}
