//! Step 6: compose starts the containers; the secrets are in its environment and nowhere else.

use anyhow::Context as _;
use compose_run::{Secrets, images};

use super::Start;
use crate::exit::Hint as _;
use crate::plan::{Images, Rendered};

impl Start<'_> {
    /// Starts every container of the bottle.
    pub(super) fn up(&self, images: &Images, rendered: &Rendered) -> anyhow::Result<()> {
        let roles: Vec<_> = rendered.healthchecks.keys().map(ToString::to_string).collect();
        let what = format!("starting {} and the agent's container", roles.join(", "));
        let mut started = self.ui.step(&what, |_| self.compose_up());
        if started.is_err() && self.built_again(images)? {
            started = self.ui.step(&what, |_| self.compose_up());
        }
        started
            .with_context(|| {
                format!("`{}` could not start the containers", self.host.compose.command())
            })
            .hint(format!("`bottle logs {}` shows what they printed", self.plan.slug))
    }

    fn compose_up(&self) -> anyhow::Result<()> {
        let mut secrets = Secrets::new();
        for (name, value) in &self.plan.secrets {
            secrets.set(name, value.clone());
        }
        let hold = self.claim.hold().context("cannot hand on the lock")?;
        Ok(self.host.compose.up(&self.host.project(&self.plan.slug), &secrets, Some(hold))?)
    }

    /// Whether an image was gone and is back. Between the look for it and its container, somebody
    /// else's cleanup or `docker image prune` may take it.
    fn built_again(&self, wanted: &Images) -> anyhow::Result<bool> {
        for image in wanted.all() {
            if !images::exists(&self.host.docker, image)? {
                self.ui.warn(format_args!("image `{image}` was removed meanwhile"));
                // One with the user's folder in it is another one when the folder has changed.
                return Ok(self.images()?.0 == *wanted);
            }
        }
        Ok(false)
    }
}
