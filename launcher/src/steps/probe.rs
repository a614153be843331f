//! Step 8: proof from inside the agent that there is no way out but the sidecars.

use compose_render::Role;

use super::{Prepared, Start};
use crate::attach::StillGood;
use crate::exit;
use crate::probe::{self, Listener, Targets, Way, Went};

/// The attempts that have neither arrived nor failed yet: a late arrival ends the bottle.
#[derive(Debug)]
pub(crate) struct Watch {
    attempts: probe::Watch,
    way: Option<Way>,
}

impl Watch {
    /// Waits for the last attempt's end.
    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        self.attempts.verdict()?;
        self.check_way()
    }

    /// A refusal on the way that must be there is the bottle's own fault.
    fn check_way(&self) -> anyhow::Result<()> {
        if let (Went::Denied(reason), Some(way)) = (self.attempts.way(), &self.way) {
            let sentence =
                format!("the bottle refuses `{}`, which its policy allows: {reason}", way.host);
            return Err(exit::advise(
                anyhow::anyhow!(sentence),
                "`bottle audit` shows which sidecar refused it, and by which rule",
            ));
        }
        Ok(())
    }
}

impl StillGood for Watch {
    fn check(&self) -> anyhow::Result<()> {
        self.attempts.check()?;
        self.check_way()
    }
}

impl Start<'_> {
    /// Probes. The way through is proven by pipelock's own line; a host that is down is a warning.
    pub(super) fn probe(&self, prepared: &Prepared) -> anyhow::Result<Watch> {
        let ground = &prepared.ground;
        let [agent, uplink] =
            [Role::Agent, Role::Pipelock].map(|role| role.container(&self.plan.slug));
        let way = probe::way(self.plan);
        let targets = Targets {
            agent: &agent,
            uplink: &uplink,
            addresses: &ground.addresses,
            host_addresses: &ground.host_addresses,
            way: way.as_ref(),
        };
        let attempts = probe::run(&self.host.docker, Listener::open()?, &targets)?;
        let watch = Watch { attempts, way };
        watch.check_way()?;
        if let Some(way) = &watch.way {
            match watch.attempts.way() {
                Went::Failed(why) => {
                    self.ui.warn(format_args!(
                        "`{}` cannot be reached from the bottle: {why}",
                        way.host
                    ));
                }
                Went::Through(_) => {
                    let line = probe::passed(self.claim.dir().path(), &way.host)?;
                    self.ui.detail(format_args!("the way through: {line}"));
                }
                Went::NotTried | Went::StillGoing | Went::Denied(_) => {}
            }
        }
        Ok(watch)
    }
}
