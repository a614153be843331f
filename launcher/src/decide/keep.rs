//! A grant written into the manifest, so that later bottles have it from their start.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_render::{HostPattern, content_hash};
use compose_run::{BottleDir, replace};
use supervise::{Ask, Requests};

use super::Outlook;
use crate::apply::{Started, together};
use crate::audit::{self, Entry, Event};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::manifest::{Bottle, Manifest, Origin, Position, Route, flow, lookup, rewrite};
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
        let after = written(&before, &agent.bottle, bottle, &outlook.ask)?;
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

fn written(text: &str, name: &str, bottle: &Bottle, ask: &Ask) -> anyhow::Result<String> {
    if let Ask::Push(_) = ask {
        return Err(exit::refused("a push passes once: it has no place in a manifest"));
    }
    ask.requests().iter().try_fold(text.to_owned(), |text, asked| {
        let credentials = match ask.credential() {
            Some(variable) => held(bottle, variable, &asked.host)?,
            None => Vec::new(),
        };
        let overlaps = bottle.routes.iter().any(|one| one.route.host.overlaps(&asked.host));
        if !asked.is_narrow() && !overlaps && credentials.is_empty() {
            let path = ["bottles", name, "pipelock", "allow"];
            return rewrite::with_item(&text, &path, &flow::quoted(&asked.host.to_string()));
        }
        let route = route(asked, credentials, &bottle.routes)?;
        rewrite::with_item(&text, &["bottles", name, "egress", "routes"], &flow::route(&route))
    })
}

/// As the running bottle gets it: with those that go with it on that host.
fn held(
    bottle: &Bottle,
    variable: &str,
    host: &HostPattern,
) -> anyhow::Result<Vec<egress::Credential>> {
    together(bottle.routes.iter().map(|route| &route.route), variable, host)
        .ok_or_else(|| exit::refused(format!("the manifest has no credential `{variable}`")))
}

fn route(
    asked: &Requests,
    credentials: Vec<egress::Credential>,
    own: &[Route],
) -> anyhow::Result<Route> {
    let mut route = egress::Route::to(asked.host.clone());
    for method in &asked.methods {
        route.methods.push(method.parse()?);
    }
    for path in &asked.paths {
        route.paths.push(path.parse()?);
    }
    let is_of = |name: &String| credentials.iter().any(|one| one.variable.as_str() == name);
    let sources = own.iter().flat_map(|route| &route.sources).filter(|(name, _)| is_of(name));
    let sources = sources.map(|(name, source)| (name.clone(), source.clone())).collect();
    route.credentials = credentials;
    Ok(Route { position: Position::default(), route, sources })
}

#[cfg(test)]
mod tests {
    use supervise::CredentialUse;

    use super::*;

    #[test]
    fn j4_what_goes_with_a_credential_is_written_down_with_it() {
        let text = "\
version: 1
agents: {worker: {bottle: b, command: [codex]}}
bottles:
  b:
    egress:
      routes:
        - {preset: codex-subscription}
";
        let read = |text: &str| Manifest::read(text, Origin::BuiltIn, None).unwrap();
        let ask = Ask::CredentialUse(CredentialUse {
            credential: crate::manifest::CHATGPT_LOGIN.to_owned(),
            host: "chatgpt.com".parse().unwrap(),
            methods: vec!["GET".to_owned()],
            paths: vec!["/backend-api/more".to_owned()],
        });
        let manifest = read(text);
        let after = written(text, "b", &manifest.bottles["b"], &ask).unwrap();
        let route = read(&after).bottles["b"].routes.last().unwrap().clone();
        assert_eq!(route.route.paths.len(), 1, "{after}");
        let first = &manifest.bottles["b"].routes[0];
        assert_eq!(route.route.credentials.len(), 2, "{after}");
        assert_eq!(
            (&route.route.credentials, &route.sources),
            (&first.route.credentials, &first.sources)
        );
    }
}
