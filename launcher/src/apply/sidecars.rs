//! The sidecars' side of a change: told by SIGHUP, believed by what they report.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use compose_render::{Role, Secret, Slug, contract};
use compose_run::{Docker, wait};
use serde::Deserialize;

use super::Config;

/// How long a sidecar may take to load a policy: milliseconds, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
/// One question to a sidecar.
const ASK_LIMIT: Duration = Duration::from_secs(15);

/// What a sidecar says of itself, as far as a change wants to know.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Loaded {
    generation: u64,
    config_digest: Option<String>,
    refused_digest: Option<String>,
    refused_because: Option<String>,
}

/// The sidecars of one bottle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sidecars<'a> {
    pub docker: &'a Docker,
    pub slug: &'a Slug,
}

impl Sidecars<'_> {
    /// What that sidecar has loaded.
    pub(super) fn ask(&self, role: Role) -> anyhow::Result<Loaded> {
        let argv = [format!("/{role}"), "status".to_owned(), "--json".to_owned()];
        let container = role.container(self.slug);
        let said = self.docker.exec(&container, None, false, argv).timeout(ASK_LIMIT).text();
        let said = said.with_context(|| format!("`{role}` does not say what it has loaded"))?;
        serde_json::from_str(&said)
            .with_context(|| format!("`{role}` says something that is no status"))
    }

    /// Whether each of these sidecars has loaded that config.
    pub(super) fn all_have(&self, roles: &[Role], config: &Config) -> bool {
        roles.iter().all(|&role| {
            let wanted = config.digest(role);
            self.ask(role).is_ok_and(|loaded| loaded.config_digest == Some(wanted))
        })
    }

    /// Tells a sidecar to read its files again, and waits until it says that it has: another
    /// generation than `before`, with the config's own digest.
    pub(super) fn load(&self, role: Role, config: &Config, before: &Loaded) -> anyhow::Result<()> {
        self.signal(role)?;
        let wanted = config.digest(role);
        let judged = wait::until("an answer", PATIENCE, || {
            let loaded = self.ask(role).ok()?;
            let is = loaded.config_digest.as_ref() == Some(&wanted);
            // One that has it already, under files that were changed since, counts no further.
            let had = before.config_digest.as_ref() == Some(&wanted);
            if is && (had || loaded.generation != before.generation) {
                return Some(Ok(()));
            }
            let refused = loaded.refused_digest.filter(|digest| *digest == wanted);
            refused.map(|_| Err(loaded.refused_because.unwrap_or_default()))
        });
        match judged {
            Ok(Ok(())) => Ok(()),
            Ok(Err(because)) => Err(anyhow!(because)).with_context(|| refused_by(role)),
            Err(late) => Err(anyhow!(late)).with_context(|| {
                format!("`{role}` does not report that the new policy is in force")
            }),
        }
    }

    /// The same for a config that was in force before: the sidecar may never have left it.
    pub(super) fn restore(&self, role: Role, config: &Config) -> anyhow::Result<()> {
        self.signal(role)?;
        let wanted = config.digest(role);
        wait::until("an answer", PATIENCE, || {
            let loaded = self.ask(role).ok()?;
            let is = loaded.config_digest.as_ref() == Some(&wanted);
            (is && loaded.refused_digest.is_none()).then_some(())
        })
        .with_context(|| format!("`{role}` does not report that the old policy is in force"))
    }

    /// The secret by which egress is known, from where the engine keeps it.
    pub(super) fn hop_secret(&self) -> anyhow::Result<Secret> {
        let container = Role::Egress.container(self.slug);
        let call = ["inspect", "--format", "{{json .Config.Env}}", &container];
        let said = self.docker.call(call).timeout(ASK_LIMIT).text()?;
        let variables: Vec<String> = serde_json::from_str(&said).unwrap_or_default();
        let ours = format!("{}=", contract::HOP_SECRET_VARIABLE);
        let found = variables.iter().find_map(|variable| variable.strip_prefix(&ours));
        let found = found.ok_or_else(|| anyhow!("`{container}` has no hop secret"))?;
        Ok(Secret::new(found.to_owned()))
    }

    /// SIGHUP, which would end a process that has not come to listen for it: only one that answers
    /// is told.
    fn signal(&self, role: Role) -> anyhow::Result<()> {
        self.ask(role)?;
        let container = role.container(self.slug);
        Ok(self.docker.run(["kill", "--signal", "HUP", &container])?)
    }

    /// Does the same for each of the roles at once; every error is kept.
    pub(super) fn each(
        roles: &[Role],
        work: impl Fn(Role) -> anyhow::Result<()> + Sync,
    ) -> Result<(), Vec<anyhow::Error>> {
        let errors: Vec<_> = thread::scope(|scope| {
            let begun: Vec<_> = roles
                .iter()
                .map(|&role| {
                    scope.spawn({
                        let work = &work;
                        move || work(role)
                    })
                })
                .collect();
            begun
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| Err(anyhow!("a thread of ours ended"))))
                .filter_map(Result::err)
                .collect()
        });
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Gives egress new values, by a stdin that ends in its own memory.
    pub(super) fn give(
        &self,
        values: &std::collections::BTreeMap<String, Secret>,
    ) -> anyhow::Result<()> {
        let exposed: std::collections::BTreeMap<&str, &str> =
            values.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        let text = serde_json::to_vec(&exposed)?;
        let container = Role::Egress.container(self.slug);
        let call = self.docker.exec(&container, None, true, ["/egress", "credentials"]);
        let outcome = call.input(text).timeout(ASK_LIMIT).outcome()?;
        if !outcome.status.success() {
            bail!("egress did not take the new values: {}", outcome.stderr.trim());
        }
        Ok(())
    }
}

fn refused_by(role: Role) -> String {
    format!("`{role}` refused the new policy")
}
