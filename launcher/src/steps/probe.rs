//! Step 8: proof from inside the agent that there is no way out but the sidecars, and that the way
//! through them is there.

use std::time::Duration;

use anyhow::anyhow;
use compose_render::Role;

use super::{Prepared, Start};
use crate::attach::StillGood;
use crate::exit;
use crate::probe::{self, Listener, Targets, Watch, Way, Went};

/// How long services may take in all to say whether credentials are good: the bottle stands meanwhile,
/// and the start waits for nothing else.
const PATIENCE: Duration = Duration::from_secs(3);

/// The attempts that have neither arrived nor failed yet: a late arrival ends the bottle.
impl StillGood for Watch {
    fn check(&self) -> anyhow::Result<()> {
        Self::check(self)
    }
}

impl Start<'_> {
    /// Probes. Comes back once nothing speaks against the bottle; what still hangs is watched on.
    pub(super) fn probe(&self, prepared: &Prepared) -> anyhow::Result<Watch> {
        let slug = &self.plan.slug;
        let (agent, uplink) = (Role::Agent.container(slug), Role::Pipelock.container(slug));
        let listener = Listener::open()?;
        let ways = probe::ways(self.plan);
        let targets = Targets {
            agent: &agent,
            uplink: &uplink,
            addresses: &prepared.ground.addresses,
            host_addresses: &prepared.ground.host_addresses,
            bottle: self.claim.dir().path(),
            ways: &ways,
        };
        let what = "probing for ways out of the agent's container";
        let watch = self.ui.step(what, |_| probe::run(&self.host.docker, listener, &targets))?;
        for (way, went) in ways.iter().zip(watch.ways(&ways, PATIENCE)) {
            self.judge_way(way, &went)?;
        }
        Ok(watch)
    }

    /// What is known of the way through by now; that pipelock has a line about it is watched for. A
    /// service that is down is no fault of the bottle's.
    fn judge_way(&self, way: &Way, went: &Went) -> anyhow::Result<()> {
        let host = &way.host;
        if let Some((variable, status)) = way.refused(went) {
            return Err(exit::advise(
                anyhow!("`{host}` refuses the credential `{variable}` ({status})"),
                format!(
                    "put a good one where `{variable}` comes from, and start again; an agent would \
                     have tried this one for minutes"
                ),
            ));
        }
        match went {
            Went::Through(_) => {
                self.ui.detail(format_args!("`{host}` answers by the bottle's way"));
            }
            Went::Denied(reason) => {
                self.ui.warn(format_args!("a request to `{host}` was denied: {reason}"));
            }
            Went::Failed(why) => {
                self.ui.warn(format_args!("`{host}` does not answer by the bottle's way: {why}"));
            }
            Went::StillGoing if way.checks() => {
                self.ui.warn(format_args!(
                    "`{host}` has not answered yet, so whether its credential is good is not known"
                ));
            }
            Went::StillGoing | Went::NotTried => {
                self.ui.detail(format_args!("no answer from `{host}` yet"));
            }
        }
        Ok(())
    }
}
