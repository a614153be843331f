//! The hook that git calls before any ref of a mirror moves, while the new objects are in quarantine.
//!
//! It judges, then pushes on to the upstream itself, and only then lets the agent's push succeed. If
//! it ends in any other way, git throws the objects away and nothing was pushed.

mod approvals;
mod forward;
mod known;
mod made;
mod say;
mod updates;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use compose_render::Secret;
use git_gate::{GateFile, Gated, Pushed, RefUpdate};

use self::approvals::{Allowed, Approvals, Outcome};
use self::made::Made;
use self::say::Refusal;
use self::updates::{Current, Update};
use crate::ground::Ground;
use crate::judge::{self, Judged};
use crate::program::Program;
use crate::report::Report;
use crate::way::Way;

/// The name under which git calls this program.
pub const HOOK: &str = "pre-receive";

const CONFIG: &str = "GIT_GATE_CONFIG";
const MIRRORS: &str = "GIT_GATE_MIRRORS";
const RUN: &str = "GIT_GATE_RUN";
const INBOX: &str = "GIT_GATE_INBOX";
const OUTBOX: &str = "GIT_GATE_OUTBOX";
const NAME: &str = "GIT_GATE_NAME";
const ADDRESS: &str = "GIT_GATE_ADDRESS";
const RELAY: &str = "GIT_GATE_RELAY";
const TOKEN: &str = "GIT_GATE_TOKEN";
const REPORT: &str = "GIT_GATE_REPORT";
/// From which second to which the mirror is what a push may be judged against.
const FRESH: &str = "GIT_GATE_FRESH";
/// What git tells its hook of the quarantine.
const QUARANTINE: [&str; 3] =
    ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"];
/// How many push options the client sent.
const OPTIONS: &str = "GIT_PUSH_OPTION_COUNT";
/// The most of a list of updates that is read.
const UPDATES_LIMIT: u64 = 4 << 20;

/// Tells the hook of that push what only the gate knows.
pub(crate) fn tell(
    program: Program,
    way: &Way<'_>,
    name: &str,
    report: &Path,
    fresh: &Range<u64>,
) -> Program {
    let mut program = program
        .variable(CONFIG, &way.ground.config)
        .variable(MIRRORS, &way.ground.mirrors)
        .variable(RUN, &way.ground.run)
        .variable(INBOX, &way.ground.inbox)
        .variable(OUTBOX, &way.ground.outbox)
        .variable(NAME, name)
        .variable(REPORT, report)
        .variable(FRESH, known::write(fresh));
    if let Some(address) = way.address {
        program = program.variable(ADDRESS, address.to_string());
    }
    if let Some(port) = way.relay {
        program = program.variable(RELAY, port.to_string());
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

/// What becomes of a push.
#[derive(Debug)]
enum Verdict {
    /// With what a person allowed of it.
    Pass(Allowed),
    Refuse(Refusal),
}

/// One push, as git and the gate tell of it.
#[derive(Debug)]
struct Push {
    ground: Ground,
    file: GateFile,
    upstream: Gated,
    address: Option<std::net::IpAddr>,
    relay: Option<u16>,
    token: Option<Secret>,
    report: PathBuf,
    fresh: Range<u64>,
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
        let ground = Ground::new(path(CONFIG)?, path(MIRRORS)?, path(RUN)?)
            .with_queue(path(INBOX)?, path(OUTBOX)?);
        let file = ground.read_in_force()?;
        let name = text(NAME).context("it has no name")?;
        let upstream = file.upstreams.iter().find(|one| one.url.name() == name).cloned();
        let quarantine = QUARANTINE.iter().filter_map(|name| Some((*name, get(name)?.clone())));
        Ok(Self {
            upstream: upstream.context("its repository is none of the gate's")?,
            address: text(ADDRESS).map(str::parse).transpose()?,
            relay: text(RELAY).map(str::parse).transpose()?,
            token: text(TOKEN).map(|token| Secret::new(token.to_owned())),
            report: path(REPORT)?,
            fresh: text(FRESH).and_then(known::read).context("nobody says how fresh it is")?,
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
        let verdict = match self.judge(&updates, &made, &mut counted)? {
            Verdict::Pass(allowed) => self.pass_on(&updates, allowed)?,
            refused @ Verdict::Refuse(_) => refused,
        };
        match &verdict {
            Verdict::Refuse(refusal) => refusal.say(),
            // Only now: what another made stays another's when the upstream did not take ours.
            Verdict::Pass(_) => made.note(&updates)?,
        }
        self.write_down(&updates, &verdict, &counted)?;
        Ok(matches!(verdict, Verdict::Pass(_)))
    }

    /// Pushes on. What a person allowed is used up by it, unless the upstream takes nothing.
    fn pass_on(&self, updates: &[Update], allowed: Allowed) -> anyhow::Result<Verdict> {
        let approvals = self.approvals(updates);
        approvals.use_up(&allowed)?;
        Ok(match forward::push(self, updates)? {
            None => Verdict::Pass(allowed),
            Some(refusal) => {
                approvals.give_back(&allowed);
                Verdict::Refuse(refusal)
            }
        })
    }

    /// Judges the refs, then every new object, then asks a person where it takes one.
    fn judge(
        &self,
        updates: &[Update],
        made: &Made,
        counted: &mut judge::Counted,
    ) -> anyhow::Result<Verdict> {
        if let Some(refusal) = known::renew(self)? {
            return Ok(Verdict::Refuse(refusal));
        }
        if let Some(refusal) = self.refuse_refs(updates, made)? {
            return Ok(Verdict::Refuse(refusal));
        }
        let news: Vec<&str> = updates.iter().filter_map(Update::new_object).collect();
        if news.is_empty() {
            return Ok(Verdict::Pass(Allowed::default()));
        }
        // A push of deletes alone has none. Else, what is not in quarantine is in the mirror already.
        if self.quarantine.len() != QUARANTINE.len() {
            bail!("git gave no quarantine");
        }
        let limits = &self.file.limits;
        let judge = judge::Judge {
            git: self.git(),
            limits,
            until: self.until(),
            ground: &self.ground,
            granted: &self.upstream.protected,
        };
        match judge.look(&news, counted) {
            Ok(judged) => self.ask(updates, &judged),
            Err(judge::Unjudged::Refused(refused)) => {
                Ok(Verdict::Refuse(Refusal::unjudged(&refused)))
            }
            Err(judge::Unjudged::Failed(error)) => Err(error),
        }
    }

    /// The first reason why these refs may not be changed so.
    fn refuse_refs(&self, updates: &[Update], made: &Made) -> anyhow::Result<Option<Refusal>> {
        let limits = &self.file.limits;
        if self.options {
            return Ok(Some(Refusal::options()));
        }
        if updates.len() > limits.refs {
            return Ok(Some(Refusal::too_many_refs(updates.len(), limits.refs)));
        }
        // It is answered while the changes are looked at.
        let current = Current::ask(&self.git(), updates)?;
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
        Ok(current.moved(updates)?.map(|update| Refusal::moved(&update.name)))
    }

    /// Passes what nothing was found in, and what a person allowed. A credential is waited for by
    /// nobody: most often it is one. A person may have said beforehand that it is none, but never of
    /// one of the bottle's own.
    fn ask(&self, updates: &[Update], judged: &Judged) -> anyhow::Result<Verdict> {
        let Judged { secrets, own, held } = judged;
        if secrets.is_empty() && held.is_empty() {
            return Ok(Verdict::Pass(Allowed::default()));
        }
        let approvals = self.approvals(updates);
        let own = *own;
        if !secrets.is_empty() {
            return Ok(match approvals.given().filter(|_| !own) {
                Some(allowed) => Verdict::Pass(allowed),
                None => Verdict::Refuse(Refusal::secrets(secrets, own)),
            });
        }
        let found: Vec<String> = held.iter().map(ToString::to_string).collect();
        let hold = Duration::from_secs(self.file.limits.hold_seconds);
        Ok(match approvals.obtain(&found, hold)? {
            Outcome::Allowed(allowed) => Verdict::Pass(allowed),
            outcome => Verdict::Refuse(Refusal::held(held, &outcome)),
        })
    }

    /// What a person may allow: each ref of the push with its new object.
    fn approvals(&self, updates: &[Update]) -> Approvals<'_> {
        let upstream = self.upstream.url.name();
        let pushed = |update: &Update| {
            let (reference, object) = (update.name.clone(), update.new_object()?.to_owned());
            Some(Pushed { upstream: upstream.clone(), reference, object })
        };
        Approvals::new(&self.ground, updates.iter().filter_map(pushed).collect())
    }

    /// By then it is judged, or it is refused.
    fn until(&self) -> Instant {
        self.begun + Duration::from_secs(self.file.limits.seconds)
    }

    fn way(&self) -> Way<'_> {
        Way {
            ground: &self.ground,
            upstream: &self.upstream,
            address: self.address,
            relay: self.relay,
            token: self.token.as_ref(),
        }
    }

    fn write_down(
        &self,
        updates: &[Update],
        verdict: &Verdict,
        counted: &judge::Counted,
    ) -> anyhow::Result<()> {
        let (refusal, allowed) = match verdict {
            Verdict::Refuse(refusal) => (Some(refusal), None),
            Verdict::Pass(allowed) => (None, Some(allowed).filter(|one| !one.ids.is_empty())),
        };
        for update in updates {
            let report = Report {
                name: update.name.clone(),
                old: update.old.clone(),
                new: update.new.clone(),
                pushed: refusal.is_none(),
                rule: refusal.map(|refusal| refusal.rule.clone()),
                objects: counted.objects,
                bytes: counted.bytes,
                approver: allowed.map(|allowed| allowed.by.clone()),
                proposal: match (allowed, refusal) {
                    (Some(allowed), _) => Some(allowed.ids.join(" ")),
                    (None, refusal) => refusal.and_then(|refusal| refusal.proposal.clone()),
                },
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
