//! The bottle whose policy is changed, held so that nobody else changes it meanwhile.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use compose_render::{Role, Secret, Slug};
use compose_run::{BottleDir, Metadata};

use super::intent::{Intent, Why};
use super::lock::Lock;
use super::sidecars::{Loaded, Sidecars};
use super::{Config, History, told};
use crate::audit::{self, Entry, Event};
use crate::bottles::{self, Condition};
use crate::environment::Environment;
use crate::exit::{self, Hint as _};
use crate::fault_point::{self, FaultPoint};
use crate::host::Host;
use crate::proposals;

/// A bottle that runs, and whose policy is ours to change until this is dropped.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub host: &'a Host,
    pub dir: BottleDir,
    pub metadata: Metadata,
    fault: FaultPoint,
    _lock: Lock,
}

impl<'a> Target<'a> {
    /// Holds the bottle. What a crash left of an earlier change is finished or undone first.
    ///
    /// # Errors
    ///
    /// A bottle that does not run, one whose pipelock is another's, a change that is under way.
    pub(crate) fn hold(
        host: &'a Host,
        slug: &Slug,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let bottle = bottles::one(host, slug)?;
        if bottle.condition != Condition::Running {
            let is = bottle.condition.as_str();
            return Err(anyhow!(
                "bottle `{slug}` is {is}: only the policy of one that runs changes"
            ))
            .hint("the next start takes the manifest as it is then");
        }
        let metadata = bottle.metadata.ok_or_else(|| bottles::no_such(slug))?;
        if metadata.standalone.is_some() {
            return Err(anyhow!("`{slug}` is one sidecar alone, not a bottle"));
        }
        let dir = host.state.bottle(slug);
        if !dir.service(Role::Pipelock).config.join(pipelock::BOTTLE_FILE).exists() {
            return Err(anyhow!("the pipelock of `{slug}` is not ours, and reports no policy"))
                .hint("stop the bottle and start it again");
        }
        let lock = Lock::take(&dir)?;
        let fault = environment.get(fault_point::VARIABLE);
        let fault = fault.map_or(Ok(FaultPoint::default()), str::parse)?;
        let target = Self { host, dir, metadata, fault, _lock: lock };
        target.finish_or_undo()?;
        Ok(target)
    }

    /// The policy that lies in the folder, which is the one in force.
    ///
    /// # Errors
    ///
    /// Files that somebody changed since: what a person saw of the policy would not be what is.
    pub(crate) fn current(&self) -> anyhow::Result<Config> {
        let config = Config::read(&self.dir)?;
        let history = History(&self.dir);
        let kept = history.latest()?.map(|number| history.version(number)).transpose()?;
        let by_hand = |role: &Role| {
            let reported = self.sidecars().all_have(&[*role], &config);
            let recorded =
                kept.as_ref().is_none_or(|kept| kept.files(*role) == config.files(*role));
            !(reported && recorded)
        };
        match config.roles().into_iter().find(by_hand) {
            None => Ok(config),
            Some(role) => {
                let slug = self.dir.slug();
                let sentence =
                    format!("the files of `{role}` were changed by hand since they were loaded");
                let hint = if kept.is_some() {
                    let number = history.latest()?.unwrap_or_default();
                    format!("`bottle rollback {slug} {number}` puts back what was in force")
                } else {
                    format!("put them back, or stop `{slug}` and start it again")
                };
                Err(exit::advise(exit::refused(sentence), hint))
            }
        }
    }

    /// Puts a policy in force, and values with it. Comes back once every sidecar concerned has said
    /// so; returns the version that it is, or `None` where there was nothing to do.
    ///
    /// # Errors
    ///
    /// Why it is not in force. Everything was put back then, or the error says what was not.
    pub(crate) fn apply(
        &self,
        before: &Config,
        after: &Config,
        values: &BTreeMap<String, Secret>,
        why: &Why,
    ) -> anyhow::Result<Option<u64>> {
        after.check()?;
        let concerned = after.concerned(before);
        if concerned.is_empty() {
            if !values.is_empty() {
                self.sidecars().give(values)?;
            }
            self.answer(why)?;
            return Ok(None);
        }
        let loaded: BTreeMap<Role, Loaded> = concerned
            .iter()
            .map(|&role| Ok((role, self.sidecars().ask(role)?)))
            .collect::<anyhow::Result<_>>()?;
        let history = History(&self.dir);
        if history.latest()?.is_none() {
            history.keep(before, "the start")?;
        }
        self.fault.reached("apply-begun")?;
        let intent = Intent { before: before.clone(), after: after.clone(), why: why.clone() };
        intent.write(&self.dir).context("cannot write down what is about to change")?;
        match self.put_in_force(&intent, &loaded, values) {
            Ok(()) => self.conclude(&intent).map(Some),
            Err(error) => Err(self.put_back(&intent, error)),
        }
    }

    fn put_in_force(
        &self,
        intent: &Intent,
        loaded: &BTreeMap<Role, Loaded>,
        values: &BTreeMap<String, Secret>,
    ) -> anyhow::Result<()> {
        self.fault.reached("apply-intent")?;
        for &role in loaded.keys() {
            intent.after.write(&self.dir, role, "")?;
            self.fault.reached(&format!("apply-{role}"))?;
        }
        self.fault.reached("apply-files")?;
        let roles: Vec<Role> = loaded.keys().copied().collect();
        let sidecars = self.sidecars();
        let load = |role: Role| match loaded.get(&role) {
            Some(before) => sidecars.load(role, &intent.after, before),
            None => Ok(()),
        };
        // The first cause is told; the others have the same end.
        Sidecars::each(&roles, load).map_err(first)?;
        self.fault.reached("apply-loaded")?;
        if !values.is_empty() {
            sidecars.give(values)?;
            self.fault.reached("apply-given")?;
        }
        Ok(())
    }

    fn conclude(&self, intent: &Intent) -> anyhow::Result<u64> {
        let number = History(&self.dir).keep(&intent.after, &intent.why.text)?;
        self.fault.reached("apply-kept")?;
        self.tell_all(intent, number)?;
        Intent::remove(&self.dir)?;
        self.fault.reached("apply-removed")?;
        Ok(number)
    }

    /// What is in force by now is written down, and told to the agent. Each step stands being done
    /// again.
    fn tell_all(&self, intent: &Intent, number: u64) -> anyhow::Result<()> {
        let why = &intent.why;
        let noted = audit::read(&self.dir)?.has_version(number);
        if !noted {
            let entry = Entry::new(why.event).version(number).digests(intent.after.digests());
            let entry = entry.change(&intent.before.change(&intent.after)).detail(&why.text);
            let id = why.answers.iter().map(|answer| &answer.id);
            audit::append(&self.dir, id.fold(entry, Entry::id))?;
        }
        self.fault.reached("apply-noted")?;
        if proposals::has_supervise(&self.dir) {
            proposals::tell(&self.dir, &told(&intent.after, number)?)?;
        }
        self.fault.reached("apply-told")?;
        self.answer(why)?;
        self.fault.reached("apply-answered")
    }

    fn answer(&self, why: &Why) -> anyhow::Result<()> {
        why.answers.iter().try_for_each(|answer| proposals::write_answer(&self.dir, answer))
    }

    /// Puts the files of before back. Returns the error to end with.
    fn put_back(&self, intent: &Intent, cause: anyhow::Error) -> anyhow::Error {
        match self.undo(intent) {
            Ok(()) => cause.context("the new policy is not in force; the old one was put back"),
            Err(error) => exit::advise(
                cause.context(format!(
                    "the new policy is not in force, and the old one could not be put back whole: \
                     {error:#}"
                )),
                "the next command on this bottle tries again; `bottle stop` ends it",
            ),
        }
    }

    fn undo(&self, intent: &Intent) -> anyhow::Result<()> {
        let concerned = intent.after.concerned(&intent.before);
        for &role in &concerned {
            intent.before.write(&self.dir, role, "")?;
        }
        self.fault.reached("undo-files")?;
        let sidecars = self.sidecars();
        Sidecars::each(&concerned, |role| sidecars.restore(role, &intent.before)).map_err(first)?;
        self.fault.reached("undo-loaded")?;
        let entry = Entry::new(Event::PutBack).digests(intent.before.digests());
        audit::append(&self.dir, entry.detail(&intent.why.text))?;
        Intent::remove(&self.dir)
    }

    /// Ends a change that its process did not: it counts where everything of it is in force.
    fn finish_or_undo(&self) -> anyhow::Result<()> {
        let Some(intent) = Intent::read(&self.dir)? else { return Ok(()) };
        let concerned = intent.after.concerned(&intent.before);
        let there = Config::read(&self.dir).is_ok_and(|config| config == intent.after);
        if there && self.sidecars().all_have(&concerned, &intent.after) {
            let kept = History(&self.dir);
            let is_kept = |number: &u64| kept.version(*number).is_ok_and(|it| it == intent.after);
            let number = match kept.latest()?.filter(is_kept) {
                Some(number) => number,
                None => kept.keep(&intent.after, &intent.why.text)?,
            };
            self.tell_all(&intent, number)?;
            return Intent::remove(&self.dir);
        }
        self.undo(&intent).context("a change of policy was cut short and cannot be undone")
    }

    /// What the bottle's fingerprints are made with: in no file, and as long as the bottle lives in
    /// the environment of its sidecars.
    pub(super) fn hop_secret(&self) -> anyhow::Result<Secret> {
        self.sidecars().hop_secret()
    }

    fn sidecars(&self) -> Sidecars<'_> {
        Sidecars { docker: &self.host.docker, slug: self.dir.slug() }
    }
}

fn first(errors: Vec<anyhow::Error>) -> anyhow::Error {
    errors.into_iter().next().unwrap_or_else(|| anyhow!("it did not work"))
}

/// Finishes or undoes what a crash left of a change, for commands that change nothing themselves.
pub(crate) fn settle(host: &Host, slug: &Slug) -> anyhow::Result<()> {
    if !Intent::is_there(&host.state.bottle(slug)) {
        return Ok(());
    }
    Target::hold(host, slug, &Environment::default()).map(drop)
}
