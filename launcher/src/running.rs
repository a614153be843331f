//! A bottle that runs, as the commands that go into it find it.

use anyhow::anyhow;
use compose_render::{Role, Slug};
use compose_run::Metadata;

use crate::apply;
use crate::attach::{Always, Ended, Foreground};
use crate::bottles::{self, Condition};
use crate::exit::{self, Exit};
use crate::host::Host;
use crate::signals::{Interrupted, Signals};

/// Its agent's container, which is up.
#[derive(Debug)]
pub(crate) struct Running {
    pub slug: Slug,
    pub agent: String,
    pub metadata: Metadata,
}

impl Running {
    /// Finds it.
    ///
    /// # Errors
    ///
    /// A bottle that does not run, with what to do about it.
    pub(crate) fn find(host: &Host, slug: &Slug) -> anyhow::Result<Self> {
        let bottle = bottles::one(host, slug)?;
        apply::settle(host, slug)?;
        let up = bottle
            .containers
            .iter()
            .any(|at| at.role == Some(Role::Agent) && at.state == "running");
        let advice = match bottle.condition {
            Condition::Running if up => None,
            Condition::Running => Some("it has no agent: it is one sidecar alone".to_owned()),
            Condition::Starting => Some("it is being started: try again in a moment".to_owned()),
            Condition::Stopping => Some("it is being taken down".to_owned()),
            Condition::Stopped => Some(format!("`bottle start --resume {slug}` goes on with it")),
            Condition::Broken => Some("`bottle cleanup` saves its logs and removes it".to_owned()),
        };
        if let Some(advice) = advice {
            let is = bottle.condition.as_str();
            return Err(exit::advise(
                anyhow!("bottle `{slug}` is {is}, not to be entered"),
                advice,
            ));
        }
        let metadata = bottle.metadata.ok_or_else(|| bottles::no_such(slug))?;
        Ok(Self { slug: slug.clone(), agent: Role::Agent.container(slug), metadata })
    }

    /// Our stdin, stdout and stderr for a command in it.
    pub(crate) fn foreground<'a>(&'a self, host: &'a Host, signals: &'a Signals) -> Foreground<'a> {
        Foreground { docker: &host.docker, container: &self.agent, signals, still_good: &Always }
    }
}

/// The code of a command that ran inside, or that of an interruption.
pub(crate) fn exit(ended: anyhow::Result<Ended>) -> anyhow::Result<Exit> {
    match ended {
        Ok(ended) => Ok(Exit::Agent(ended.code)),
        Err(error) if exit::find::<Interrupted>(&error).is_some() => Ok(Exit::Interrupted),
        Err(error) => Err(error),
    }
}
