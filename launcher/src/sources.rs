//! Values of credentials that lie in files or come from programs, read at a start and at an apply.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use compose_render::Slug;
use compose_run::program;

use crate::environment::Environment;
use crate::login;
use crate::manifest::{Fault, Route, Source};

/// More than any credential.
const LIMIT: u64 = 64 * 1024;
/// A password manager may ask its owner first.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the sources of some routes came to.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The environment with the values in it. A source wins over a variable of the same name.
    pub environment: Environment,
    /// What could not be read, at the place of its route. No fault shows a value.
    pub faults: Vec<Fault>,
    /// Credentials that egress renews.
    pub renewals: Vec<egress::Renewal>,
    /// What the account of a login may do, in its service's word, by the credential's variable.
    pub account_plans: BTreeMap<String, String>,
}

/// Reads the values that these routes' credentials have elsewhere than in the environment. A login
/// is taken for that bottle; without one, egress has it already and only its renewal is told.
pub(crate) fn read(routes: &[Route], environment: &Environment, slug: Option<&Slug>) -> Sources {
    let mut sources = Sources { environment: environment.clone(), ..Sources::default() };
    let mut known: Vec<(&str, &Source)> = Vec::new();
    for route in routes {
        for (variable, source) in &route.sources {
            // A program that two routes name is run, and its owner asked, once.
            if known.contains(&(variable, source)) {
                continue;
            }
            known.push((variable, source));
            if let Err(error) = sources.take(variable, source, slug) {
                sources.faults.push(Fault {
                    position: route.position,
                    message: format!("the credential `{variable}` cannot be read: {error:#}"),
                });
            }
        }
    }
    sources
}

/// The renewals of these routes' logins, nothing read.
pub(crate) fn renewals(routes: &[Route]) -> Vec<egress::Renewal> {
    let mut renewals: Vec<egress::Renewal> = Vec::new();
    for (variable, source) in routes.iter().flat_map(|route| &route.sources) {
        if let Source::Login(login) = source
            && let Ok(renewal) = login.renewal(variable, None)
            && !renewals.contains(&renewal)
        {
            renewals.push(renewal);
        }
    }
    renewals
}

/// The routes to the endpoints where these are renewed: egress asks there, and no agent.
pub(crate) fn endpoints(renewals: &[egress::Renewal]) -> Vec<egress::Route> {
    let route = |renewal: &egress::Renewal| {
        Some(egress::Route {
            methods: vec!["POST".parse().ok()?],
            paths: vec![renewal.endpoint.path().parse().ok()?],
            ..egress::Route::to(renewal.endpoint.host().parse().ok()?)
        })
    };
    renewals.iter().filter_map(route).collect()
}

impl Sources {
    fn take(&mut self, variable: &str, source: &Source, slug: Option<&Slug>) -> anyhow::Result<()> {
        let text = match (source, slug) {
            (Source::File(path), _) => of_file(path)?,
            (Source::Command(words), _) => of_command(words)?,
            (Source::Login(login), Some(slug)) => {
                let tokens = login.take(variable, slug, &self.environment)?;
                let expires = Some(tokens.expires).filter(|&expires| expires > 0);
                self.renewals.push(login.renewal(variable, expires)?);
                self.put(&login::refresh_variable(variable), &tokens.refresh_token);
                if let Some(account) = &tokens.account {
                    self.put(&login::account_variable(variable), account);
                }
                if let Some(client) = login.client() {
                    self.put(&login::client_variable(variable), &client);
                }
                self.account_plans.extend(tokens.plan.map(|plan| (variable.to_owned(), plan)));
                tokens.access_token
            }
            (Source::Login(_), None) => return Ok(()),
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        ensure!(!text.is_empty(), "it is empty");
        self.put(variable, text);
        Ok(())
    }

    fn put(&mut self, variable: &str, value: &str) {
        self.environment = std::mem::take(&mut self.environment).with(variable, value);
    }
}

/// The file's text, when it is its owner's alone.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let file = fs::File::open(path).with_context(|| format!("cannot open `{shown}`"))?;
    // Of what was opened, not of whatever has its name by now.
    let metadata = file.metadata().with_context(|| format!("cannot look at `{shown}`"))?;
    ensure!(metadata.is_file(), "`{shown}` is not a regular file");
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    let own = nix::unistd::geteuid().as_raw();
    ensure!(
        metadata.uid() == own && others == 0,
        "`{shown}` (mode {mode:03o}) can be read by others; `chmod 600` it, as its owner"
    );
    let mut text = String::new();
    let read = file.take(LIMIT + 1).read_to_string(&mut text);
    read.map_err(|_| anyhow::anyhow!("`{shown}` is not UTF-8"))?;
    ensure!(text.len() as u64 <= LIMIT, "`{shown}` is too long for a credential");
    Ok(text)
}

fn of_command(words: &[String]) -> anyhow::Result<String> {
    let (name, args) = words.split_first().context("there is no program")?;
    let text = program::call(name).args(args).timeout(PATIENCE).text()?;
    ensure!(text.len() as u64 <= LIMIT, "what `{name}` prints is too long for a credential");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Position;

    fn route(source: Source) -> Route {
        Route {
            position: Position { line: 3, column: 5 },
            route: egress::Route::to("api.test".parse().unwrap()),
            sources: BTreeMap::from([("KEY".to_owned(), source)]),
        }
    }

    fn command(words: &[&str]) -> Source {
        Source::Command(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn one(source: Source) -> Result<String, String> {
        let before = Environment::from([("KEY", "from-the-environment")]);
        let read = read(&[route(source)], &before, None);
        match read.faults.into_iter().next() {
            Some(fault) => Err(fault.message),
            None => Ok(read.environment.get("KEY").unwrap().to_owned()),
        }
    }

    #[test]
    fn g7_a_file_counts_when_it_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        compose_run::replace(&path, b"canary-in-a-file\n", 0o600).unwrap();
        assert_eq!(one(Source::File(path.clone())).unwrap(), "canary-in-a-file");
        for mode in [0o640, 0o604, 0o666] {
            compose_run::replace(&path, b"canary-in-a-file\n", mode).unwrap();
            let message = one(Source::File(path.clone())).unwrap_err();
            assert!(message.contains("chmod 600"), "{message}");
        }
        assert!(one(Source::File(folder.path().join("absent"))).unwrap_err().contains("absent"));
    }

    #[test]
    fn a_program_is_run_without_a_shell_and_its_failure_is_shown() {
        assert_eq!(one(command(&["printf", "%s\\n", "a $HOME; b"])).unwrap(), "a $HOME; b");
        let message = one(command(&["sh", "-c", "echo not signed in >&2; exit 3"])).unwrap_err();
        assert!(message.contains("not signed in") && message.contains("KEY"), "{message}");
        let message = one(command(&["no-such-program-here"])).unwrap_err();
        assert!(message.contains("not installed"), "{message}");
        assert!(one(command(&["true"])).unwrap_err().contains("empty"));
    }
}
