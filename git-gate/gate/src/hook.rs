//! The hook that git calls before any ref of a mirror moves, while the new objects are in quarantine.
//!
//! It judges, then pushes on to the upstream itself, and only then lets the agent's push succeed. If
//! it ends in any other way, git throws the objects away and nothing was pushed.

mod forward;
mod made;
mod say;
mod updates;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use compose_render::Secret;
use git_gate::{GateFile, Gated, RefUpdate};

use self::made::Made;
use self::say::Refusal;
use self::updates::Update;
use crate::ground::Ground;
use crate::judge;
use crate::program::Program;
use crate::report::Report;
use crate::way::Way;

/// The name under which git calls this program.
pub const HOOK: &str = "pre-receive";

const CONFIG: &str = "GIT_GATE_CONFIG";
const MIRRORS: &str = "GIT_GATE_MIRRORS";
const RUN: &str = "GIT_GATE_RUN";
const NAME: &str = "GIT_GATE_NAME";
const ADDRESS: &str = "GIT_GATE_ADDRESS";
const TOKEN: &str = "GIT_GATE_TOKEN";
const REPORT: &str = "GIT_GATE_REPORT";
/// What git tells its hook of the quarantine.
const QUARANTINE: [&str; 3] =
    ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];
/// How many push options the client sent.
const OPTIONS: &str = "GIT_PUSH_OPTION_COUNT";
/// The most of a list of updates that is read.
const UPDATES_LIMIT: u64 = 4 << 20;

/// Tells the hook of that push what only the gate knows.
pub(crate) fn tell(program: Program, way: &Way<'_>, name: &str, report: &Path) -> Program {
    let mut program = program
        .variable(CONFIG, &way.ground.config)
        .variable(MIRRORS, &way.ground.mirrors)
        .variable(RUN, &way.ground.run)
        .variable(NAME, name)
        .variable(REPORT, report);
    if let Some(address) = way.address {
        program = program.variable(ADDRESS, address.to_string());
    }
    match way.token {
        Some(token) => program.variable(TOKEN, token.expose()),
        None => program,
    }
}

/// Judges the push whose updates stand on stdin. What it says on stderr, the person who pushes reads.
pub fn pre_receive() -> ExitCode {
    let judged = sidecar::harden()
        .context("cannot give up core dumps")
        .and_then(|()| Push::of_environment(&std::env::vars_os().collect()))
        .and_then(|push| push.run());
    match judged {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say::line(&format!(
                "git-gate could not judge this push, so nothing was pushed: {error:#}"
            ));
            ExitCode::FAILURE
        }
    }
}

/// One push, as git and the gate tell of it.
#[derive(Debug)]
struct Push {
    ground: Ground,
    file: GateFile,
    upstream: Gated,
    address: Option<std::net::IpAddr>,
    token: Option<Secret>,
    report: PathBuf,
    quarantine: BTreeMap<&'static str, OsString>,
    options: bool,
    mirror: PathBuf,
    begun: Instant,
}

impl Push {
    fn of_environment(variables: &BTreeMap<OsString, OsString>) -> anyhow::Result<Self> {
        let get = |name: &str| variables.get(std::ffi::OsStr::new(name));
        let path = |name: &str| get(name).map(PathBuf::from).context("git-gate did not call it");
        let text = |name: &str| get(name).and_then(|value| value.to_str());
        let ground = Ground::new(path(CONFIG)?, path(MIRRORS)?, path(RUN)?);
        let (file, _) = ground.read()?;
        let name = text(NAME).context("it has no name")?;
        let upstream = file.upstreams.iter().find(|one| one.url.name() == name).cloned();
        let quarantine = QUARANTINE.iter().filter_map(|name| Some((*name, get(name)?.clone())));
        Ok(Self {
            upstream: upstream.context("its repository is none of the gate's")?,
            address: text(ADDRESS).map(str::parse).transpose()?,
            token: text(TOKEN).map(|token| Secret::new(token.to_owned())),
            report: path(REPORT)?,
            quarantine: quarantine.collect(),
            options: text(OPTIONS).is_some_and(|count| count != "0"),
            mirror: std::env::current_dir().context("the mirror is gone")?,
            ground,
            file,
            begun: Instant::now(),
        })
    }

    /// git in the mirror, seeing what is in quarantine.
    fn git(&self) -> Program {
        let git = Program::git(&self.ground).within(&self.mirror).variable("GIT_DIR", ".");
        self.quarantine.iter().fold(git, |git, (name, value)| git.variable(name, value))
    }

    fn run(&self) -> anyhow::Result<bool> {
        let mut text = Vec::new();
        std::io::stdin().take(UPDATES_LIMIT).read_to_end(&mut text).context("no updates")?;
        let text = String::from_utf8(text).context("a ref's name is not UTF-8")?;
        let updates = updates::read(&text)?;
        let mut made = Made::of(&self.mirror);
        let mut counted = judge::Counted::default();
        let refusal = match self.refuse(&updates, &made, &mut counted)? {
            Some(refusal) => Some(refusal),
            None => forward::push(self, &updates)?,
        };
        if let Some(refusal) = &refusal {
            refusal.say();
        } else {
            // Only now: what another made stays another's when the upstream did not take ours.
            made.note(&updates)?;
        }
        self.write_down(&updates, refusal.as_ref(), &counted)?;
        Ok(refusal.is_none())
    }

    /// The first reason why this push must not go on.
    fn refuse(
        &self,
        updates: &[Update],
        made: &Made,
        counted: &mut judge::Counted,
    ) -> anyhow::Result<Option<Refusal>> {
        let limits = &self.file.limits;
        if self.options {
            return Ok(Some(Refusal::options()));
        }
        if updates.len() > limits.refs {
            return Ok(Some(Refusal::too_many_refs(updates.len(), limits.refs)));
        }
        let rules = self.file.rules(&self.upstream);
        let mut denials = Vec::new();
        for update in updates {
            let change = update.change(&self.git())?;
            let own = made.holds(&update.name);
            let judged = RefUpdate { name: update.name.clone(), change, own };
            denials.extend(rules.judge(&judged).err());
        }
        if !denials.is_empty() {
            return Ok(Some(Refusal::refs(&denials, &rules)));
        }
        for update in updates {
            if !update.is_current(&self.git())? {
                return Ok(Some(Refusal::moved(&update.name)));
            }
        }
        let news: Vec<&str> = updates.iter().filter_map(Update::new_object).collect();
        if news.is_empty() {
            return Ok(None);
        }
        // A push of deletes alone has none. Else, what is not in quarantine is in the mirror already.
        if self.quarantine.len() != QUARANTINE.len() {
            bail!("git gave no quarantine");
        }
        let until = self.begun + Duration::from_secs(limits.seconds);
        let judge = judge::Judge {
            git: self.git(),
            limits,
            until,
            ground: &self.ground,
            granted: &self.upstream.protected,
        };
        match judge.look(&news, counted) {
            Ok(findings) if findings.is_empty() => Ok(None),
            Ok(findings) => Ok(Some(Refusal::findings(&findings))),
            Err(judge::Unjudged::Refused(refused)) => Ok(Some(Refusal::unjudged(&refused))),
            Err(judge::Unjudged::Failed(error)) => Err(error),
        }
    }

    fn way(&self) -> Way<'_> {
        Way {
            ground: &self.ground,
            upstream: &self.upstream,
            address: self.address,
            token: self.token.as_ref(),
        }
    }

    fn write_down(
        &self,
        updates: &[Update],
        refusal: Option<&Refusal>,
        counted: &judge::Counted,
    ) -> anyhow::Result<()> {
        for update in updates {
            let report = Report {
                name: update.name.clone(),
                old: update.old.clone(),
                new: update.new.clone(),
                pushed: refusal.is_none(),
                rule: refusal.map(|refusal| refusal.rule.clone()),
                objects: counted.objects,
                bytes: counted.bytes,
            };
            report.append(&self.report).context("cannot write the push down")?;
        }
        Ok(())
    }
}

/// Tells whoever pushes how far the judging is.
pub(crate) fn progress(objects: u64, bytes: u64) {
    say::line(&format!("git-gate: judged {objects} objects, {} MiB...", bytes >> 20));
}
