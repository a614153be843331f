//! Step 6: compose starts the containers; the secrets are in its environment and nowhere else.

use anyhow::Context as _;
use compose_run::Secrets;

use super::Start;
use crate::exit::Hint as _;
use crate::plan::Rendered;

impl Start<'_> {
    /// Starts every container of the bottle.
    pub(super) fn up(&self, rendered: &Rendered) -> anyhow::Result<()> {
        let mut secrets = Secrets::new();
        for (name, value) in &self.plan.secrets {
            secrets.set(name, value.clone());
        }
        let roles: Vec<_> = rendered.healthchecks.keys().map(ToString::to_string).collect();
        let what = format!("starting {} and the agent's container", roles.join(", "));
        let project = self.host.project(&self.plan.slug);
        let hold = self.claim.hold().context("cannot hand on the lock")?;
        self.ui
            .step(what, |_| self.host.compose.up(&project, &secrets, Some(hold)))
            .with_context(|| {
                format!("`{}` could not start the containers", self.host.compose.command())
            })
            .hint(format!("`bottle logs {}` shows what they printed", self.plan.slug))
    }
}
