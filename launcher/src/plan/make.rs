//! From a manifest, the environment and what was typed to a plan, or every reason why not.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_render::{Secret, Slug};

use super::credentials::{self, Credentials};
use super::{AgentPlan, CodexLogin, Entropy, ManifestNote, Plan, StandIn, WorkspacePlan, git};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::login::account_variable;
use crate::manifest::{
    Agent, Bottle, CHATGPT_LOGIN, Fault, Faults, GEMINI_LOGIN, Manifest, Resources, UpstreamCa,
    WorkspaceMode,
};
use crate::sources::{self, Sources};
use crate::workspace::{clone, mounts};

/// Where the roots of the system lie, by distribution.
const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Larger than any bundle of roots.
const MAX_PEM: u64 = 4 << 20;

/// What a plan is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To be run: every credential must be there.
    Start,
    /// To be shown: what is not set is shown all the same.
    Show,
}

/// What was asked for, apart from the manifest.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub purpose: Purpose,
    pub agent: String,
    pub slug: Slug,
    pub workspace: PathBuf,
    pub include: Vec<PathBuf>,
    /// Added to the agent's command.
    pub args: Vec<OsString>,
    pub stand_in: Option<StandIn>,
    pub entropy: Entropy,
    /// The cores this host has.
    pub cores: usize,
}

/// The cores this host has, as far as it says.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl Plan {
    /// Makes the plan. It reads certificates and looks where the workspace is; it writes nothing.
    ///
    /// # Errors
    ///
    /// An agent that is not there, credentials that are missing: all that stands in the way, as
    /// what the person is to mend (exit 4).
    pub(crate) fn make(
        manifest: &Manifest,
        wish: Wish,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let (agent, bottle) = manifest.agent(&wish.agent)?;
        let Sources { environment, faults: unread, renewals, account_plans } = match wish.purpose {
            Purpose::Start => sources::read(&bottle.routes, environment, Some(&wish.slug)),
            Purpose::Show => Sources {
                environment: environment.clone(),
                renewals: sources::renewals(&bottle.routes),
                ..Sources::default()
            },
        };
        let environment = &environment;
        // What could not be read is not missing, too.
        let purpose = if unread.is_empty() { wish.purpose } else { Purpose::Show };
        let credentials = credentials::read(
            &bottle.routes,
            environment,
            &wish.entropy,
            purpose,
            wish.stand_in.as_ref(),
        );
        let Credentials { mut routes, placeholders, mut secrets, mut faults } = credentials;
        faults.extend(unread);
        routes.extend(sources::endpoints(&renewals));
        let held = |renewal: &egress::Renewal| {
            std::iter::once(renewal.refresh.clone()).chain(renewal.client_secret.clone())
        };
        for variable in renewals.iter().flat_map(held) {
            let value = environment.get(variable.as_str()).unwrap_or_default();
            secrets.insert(variable.in_egress(), Secret::new(value.to_owned()));
        }
        let git = git::read(&bottle.git, environment, wish.purpose);
        secrets.extend(git.secrets);
        faults.extend(git.faults);
        faults.extend(proxy_login(bottle, environment, wish.purpose, &mut secrets));
        faults.extend(needing_our_pipelock(bottle, wish.stand_in.is_some()));
        if !faults.is_empty() {
            let advice = credentials::advice(manifest, &bottle.routes, &faults);
            let faults = Faults { file: manifest.origin.to_string(), faults };
            return Err(anyhow::Error::from(faults).context("this cannot be started as it stands"))
                .hint(advice);
        }
        let forward_env = forwarded(bottle, environment, &mut secrets);
        let mut env = bottle.env.clone();
        env.extend(placeholders.clone());
        Ok(Self {
            agent: agent_plan(&wish.agent, agent, &wish.args, &placeholders, &account_plans)?,
            slug: wish.slug,
            image: bottle.image.clone(),
            workspace: workspace_plan(bottle.workspace, &wish.workspace, wish.include)?,
            resources: within(&bottle.resources, wish.cores),
            runtime: bottle.runtime,
            env,
            forward_env,
            forwarding: bottle.forward_env.clone(),
            routes,
            renewals,
            upstream_ca: authorities(&bottle.pipelock.upstream_ca)?,
            pipelock: bottle.pipelock.clone(),
            git: git.repositories,
            supervise: bottle.supervise,
            observe: None,
            stand_in: wish.stand_in,
            manifest: ManifestNote {
                origin: manifest.origin.to_string(),
                digest: manifest.digest.clone(),
            },
            secrets,
        })
    }
}

impl Manifest {
    /// The agent of that name, and the bottle it runs in.
    pub(crate) fn agent(&self, name: &str) -> anyhow::Result<(&Agent, &Bottle)> {
        let known: Vec<&str> = self.agents.keys().map(String::as_str).collect();
        let missing = || {
            let sentence = format!("{} has no agent `{}`", self.origin, name.escape_debug());
            exit::advise(
                exit::refused(sentence),
                format!("it has {}", crate::manifest::list(&known)),
            )
        };
        let agent = self.agents.get(name).ok_or_else(missing)?;
        let bottle = self.bottles.get(&agent.bottle).ok_or_else(missing)?;
        Ok((agent, bottle))
    }
}

/// Puts the login for the proxy further on among the secrets, or says that it is not there.
fn proxy_login(
    bottle: &Bottle,
    environment: &Environment,
    purpose: Purpose,
    secrets: &mut BTreeMap<String, Secret>,
) -> Option<Fault> {
    let variable = bottle.pipelock.upstream_credential.as_ref()?;
    match (environment.get(variable), purpose) {
        (Some(value), _) if !value.chars().any(char::is_control) => {
            let inside = compose_render::upstream_proxy_variable();
            secrets.insert(inside, Secret::new(value.to_owned()));
            None
        }
        (None, Purpose::Show) => None,
        (Some(_) | None, _) => {
            let message =
                format!("`{variable}` is not set in one line, and `upstream_proxy` needs it");
            Some(Fault { position: credentials::NOWHERE, message })
        }
    }
}

/// What cannot be had with an image of pipelock that is not ours.
fn needing_our_pipelock(bottle: &Bottle, stand_in: bool) -> Vec<Fault> {
    let needs = [(stand_in, "a stand-in"), (bottle.supervise, "supervise")];
    let asked = needs.into_iter().filter(|&(asked, _)| asked && bottle.pipelock.image.is_some());
    let fault = |what: &str| Fault {
        position: credentials::NOWHERE,
        message: format!("{what} needs our own pipelock: `pipelock.image` names another"),
    };
    asked.map(|(_, what)| fault(what)).collect()
}

fn agent_plan(
    name: &str,
    agent: &Agent,
    args: &[OsString],
    placeholders: &BTreeMap<String, String>,
    account_plans: &BTreeMap<String, String>,
) -> anyhow::Result<AgentPlan> {
    let mut command = agent.command.clone();
    for arg in args {
        let text = arg.to_str().filter(|text| !text.contains('\0'));
        command.push(text.ok_or_else(|| exit::usage("an argument is not UTF-8"))?.to_owned());
    }
    let program = command.first().map(Path::new).and_then(Path::file_name);
    let key = placeholders.get("ANTHROPIC_API_KEY");
    let tail = |key: &String| key.get(key.len().saturating_sub(20)..).map(str::to_owned);
    Ok(AgentPlan {
        name: name.to_owned(),
        is_claude: program.is_some_and(|program| program == "claude"),
        is_codex: program.is_some_and(|program| program == "codex"),
        is_gemini: program.is_some_and(|program| program == "gemini"),
        codex: codex_login(placeholders, account_plans),
        gemini_token: placeholders.get(GEMINI_LOGIN).cloned(),
        prompt: agent.prompt.clone(),
        skills: agent.skills.clone(),
        approved_key: key.and_then(tail),
        written: agent.command.clone(),
        command,
    })
}

/// A key is used before an account, as Codex does.
fn codex_login(
    placeholders: &BTreeMap<String, String>,
    account_plans: &BTreeMap<String, String>,
) -> Option<CodexLogin> {
    if let Some(key) = placeholders.get("OPENAI_API_KEY") {
        return Some(CodexLogin::Key(key.clone()));
    }
    let token = placeholders.get(CHATGPT_LOGIN)?.clone();
    let account = placeholders.get(&account_variable(CHATGPT_LOGIN))?.clone();
    Some(CodexLogin::Account { token, account, plan: account_plans.get(CHATGPT_LOGIN).cloned() })
}

/// The variables handed on, of those that are set; their values join the secrets, since they are
/// to reach no file.
fn forwarded(
    bottle: &Bottle,
    environment: &Environment,
    secrets: &mut BTreeMap<String, Secret>,
) -> Vec<String> {
    let mut names = Vec::new();
    for name in &bottle.forward_env {
        if let Some(value) = environment.get(name) {
            secrets.insert(name.clone(), Secret::new(value.to_owned()));
            names.push(name.clone());
        }
    }
    names
}

/// The limits, lowered to what the host has: the engine refuses more cores than there are.
fn within(asked: &Resources, cores: usize) -> Resources {
    let there = f64::from(u32::try_from(cores.max(1)).unwrap_or(u32::MAX));
    Resources { cpus: asked.cpus.min(there), ..asked.clone() }
}

fn workspace_plan(
    mode: WorkspaceMode,
    folder: &Path,
    include: Vec<PathBuf>,
) -> anyhow::Result<WorkspacePlan> {
    let (mode, folder) = if folder == Path::new(clone::WORD) {
        (WorkspaceMode::Clone, Path::new("."))
    } else {
        (mode, folder)
    };
    let source = workspace(folder)?;
    let mounts = match mode {
        WorkspaceMode::Mount => mounts(&source)?,
        WorkspaceMode::Copy | WorkspaceMode::Image | WorkspaceMode::Clone => Vec::new(),
    };
    Ok(WorkspacePlan { mode, source, include, mounts })
}

fn workspace(folder: &Path) -> anyhow::Result<PathBuf> {
    let found = folder.canonicalize();
    let path =
        found.with_context(|| format!("cannot find the workspace `{}`", folder.display()))?;
    if !path.is_dir() {
        let sentence = format!("the workspace `{}` is not a folder", path.display());
        return Err(exit::advise(exit::usage(sentence), "name a folder by `--workspace`"));
    }
    Ok(path)
}

/// The certificates themselves, so that nothing looks at these files again.
fn authorities(named: &[UpstreamCa]) -> anyhow::Result<Vec<String>> {
    named.iter().map(authority).collect()
}

fn authority(named: &UpstreamCa) -> anyhow::Result<String> {
    let path = match named {
        UpstreamCa::File(path) => path.clone(),
        UpstreamCa::System => {
            let there = SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.is_file());
            there
                .ok_or_else(|| {
                    exit::refused("this host has no bundle of roots where one is looked for")
                })
                .hint("install `ca-certificates`, or name a PEM file in `upstream_ca`")?
        }
    };
    let shown = path.display().to_string();
    let pem = read_pem(&path).with_context(|| format!("cannot read `{shown}`"))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(exit::refused(format!("`{shown}` holds no certificate in PEM")));
    }
    if pem.contains("PRIVATE KEY-----") {
        return Err(exit::refused(format!(
            "`{shown}` holds a private key, which is not to leave it"
        )));
    }
    Ok(pem)
}

fn read_pem(path: &Path) -> anyhow::Result<String> {
    let size = fs_err::metadata(path)?.len();
    anyhow::ensure!(size <= MAX_PEM, "it is larger than {MAX_PEM} bytes");
    Ok(fs_err::read_to_string(path)?)
}
