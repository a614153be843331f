//! A grant written into the manifest, so that later bottles have it from their start.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_render::content_hash;
use compose_run::{BottleDir, replace};
use supervise::{Ask, Requests};

use super::Outlook;
use crate::apply::Started;
use crate::audit::{self, Entry, Event};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::manifest::{Bottle, Manifest, Origin, flow, lookup, rewrite};
use crate::trust::{self, Seen, Standing, Trust};

/// A manifest as it is, and as it would be.
#[derive(Debug)]
pub(crate) struct Edit {
    pub path: PathBuf,
    before: String,
    after: String,
    /// Of the grant and of this edit: what a person's yes to both is bound to.
    pub change: String,
}

impl Edit {
    /// What a grant comes to in the manifest that the bottle was started from.
    ///
    /// # Errors
    ///
    /// A bottle that was started from no file; a manifest that would have faults.
    pub(crate) fn of(
        dir: &BottleDir,
        outlook: &Outlook,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let (path, before) = manifest_of(dir)?;
        let home = environment.path("HOME");
        let manifest = Manifest::read(&before, Origin::File(path.clone()), home.clone())?;
        let agent = dir.metadata()?.map(|metadata| metadata.agent).unwrap_or_default();
        let (agent, bottle) = manifest.agent(&agent)?;
        let after = written(&before, &agent.bottle, bottle, outlook)?;
        let read = Manifest::read(&after, Origin::File(path.clone()), home);
        read.map_err(|faults| exit::refused(format!("the manifest would be refused: {faults}")))?;
        let change = content_hash([&outlook.change, &before, &after].map(String::as_bytes));
        Ok(Self { path, before, after, change })
    }

    /// The lines that change, with some around them.
    pub(crate) fn diff(&self) -> String {
        diff(&self.path, &self.before, &self.after)
    }

    /// Writes it. Where the manifest was trusted as it was, it is as it is now: a person has seen
    /// what is new.
    ///
    /// # Errors
    ///
    /// A manifest that somebody changed meanwhile.
    pub(crate) fn write(&self, dir: &BottleDir, environment: &Environment) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let shown = self.path.display();
        if lookup::text(&self.path)? != self.before {
            return Err(exit::refused(format!("`{shown}` was changed meanwhile, and stays")))
                .hint("the grant is in force in the bottle; add the lines above yourself");
        }
        let home = environment.path("HOME");
        let print = |text: &str| -> anyhow::Result<String> {
            let origin = Origin::File(self.path.clone());
            trust::fingerprint(text, &Manifest::read(text, origin, home.clone())?)
        };
        let trust = Trust::of(environment)?;
        let trusted = trust.knows(&self.path)
            && trust.standing(&self.path, &print(&self.before)?)? == Standing::Trusted;
        let mode = fs_err::metadata(&self.path)?.permissions().mode() & 0o777;
        replace(&self.path, self.after.as_bytes(), mode)
            .with_context(|| format!("cannot write `{shown}`"))?;
        if trusted {
            let origin = Origin::File(self.path.clone());
            let seen = Seen::of(&Manifest::read(&self.after, origin, home.clone())?)?;
            trust.remember(&self.path, &print(&self.after)?, seen)?;
        }
        audit::append(
            dir,
            Entry::new(Event::Manifest).change(&self.change).detail(shown.to_string()),
        )
    }
}

/// The file that the bottle was started from, and its text as it is now.
pub(crate) fn manifest_of(dir: &BottleDir) -> anyhow::Result<(PathBuf, String)> {
    let started = Started::read(dir).map(|started| started.origin).unwrap_or_default();
    let path = PathBuf::from(&started);
    if !path.is_absolute() || !path.is_file() {
        let slug = dir.slug();
        return Err(exit::refused(format!("`{slug}` was started from no file: {started}")))
            .hint("`bottle init` writes a manifest; start the next bottle with it");
    }
    let text = lookup::text(&path)?;
    Ok((path, text))
}

/// Both texts as one diff.
pub(crate) fn diff(path: &Path, before: &str, after: &str) -> String {
    let shown = path.display().to_string();
    similar::TextDiff::from_lines(before, after).unified_diff().header(&shown, &shown).to_string()
}

fn written(text: &str, name: &str, bottle: &Bottle, outlook: &Outlook) -> anyhow::Result<String> {
    if let Ask::Push(_) = outlook.ask {
        return Err(exit::refused("a push passes once: it has no place in a manifest"));
    }
    let held = outlook.ask.credential().map(|variable| {
        let mut routes = bottle.routes.iter();
        routes
            .find(|route| {
                route.route.credentials.iter().any(|one| one.variable.as_str() == variable)
            })
            .cloned()
            .ok_or_else(|| exit::refused(format!("the manifest has no credential `{variable}`")))
            .map(|route| (variable, route))
    });
    let held = held.transpose()?;
    outlook.ask.requests().iter().try_fold(text.to_owned(), |text, asked| {
        let overlaps = bottle.routes.iter().any(|one| one.route.host.overlaps(&asked.host));
        if !asked.is_narrow() && !overlaps && held.is_none() {
            let path = ["bottles", name, "pipelock", "allow"];
            return rewrite::with_item(&text, &path, &flow::quoted(&asked.host.to_string()));
        }
        let route = route(asked, held.as_ref())?;
        rewrite::with_item(&text, &["bottles", name, "egress", "routes"], &flow::route(&route))
    })
}

fn route(
    asked: &Requests,
    held: Option<&(&str, crate::manifest::Route)>,
) -> anyhow::Result<crate::manifest::Route> {
    let mut route = egress::Route::to(asked.host.clone());
    for method in &asked.methods {
        route.methods.push(method.parse()?);
    }
    for path in &asked.paths {
        route.paths.push(path.parse()?);
    }
    let mut sources = std::collections::BTreeMap::new();
    if let Some((variable, of)) = held {
        let credentials = of.route.credentials.iter();
        route.credentials =
            credentials.filter(|one| one.variable.as_str() == *variable).cloned().collect();
        sources.clone_from(&of.sources);
    }
    let position = crate::manifest::Position::default();
    Ok(crate::manifest::Route { position, route, sources })
}
