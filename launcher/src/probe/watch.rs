//! Watches the attempts that still hang while the agent starts: a late arrival ends the bottle.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use compose_run::Docker;
use ipnet::Ipv4Net;

use super::guest::{Report, Spec, State};
use super::{Listener, Way, Went, breach, passed, read_report};
use crate::plan::guest as guest_path;

/// The guest's last line comes after the watch; the engine may be slow to pass it on.
const PATIENCE: Duration = Duration::from_secs(30);

/// pipelock's line is written when an answer has gone out, which is a moment later.
const LINE_DEADLINE: Duration = Duration::from_secs(10);

/// How the sidecars say that the other end is at fault, and not their policy.
const BAD_GATEWAY: u16 = 502;

/// A probe that still runs, or has ended.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    listener: Listener,
    /// The agent's network: whatever comes from there is a breach.
    internal: Ipv4Net,
    /// The bottle's folder, where pipelock's lines are, and the first way that must be there.
    proof: Option<(PathBuf, Way)>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    report: Option<Report>,
    /// Since when pipelock's line about the way through is looked for.
    through: Option<Instant>,
    /// Whether it was found.
    proven: bool,
    /// How the command inside ended, once it has.
    ended: Option<Result<(), String>>,
}

impl Watch {
    /// Starts the guest in the agent's container.
    pub(super) fn begin(
        docker: &Docker,
        agent: &str,
        spec: &Spec,
        listener: Listener,
        internal: Ipv4Net,
        proof: Option<(PathBuf, Way)>,
    ) -> anyhow::Result<Self> {
        let spec = serde_json::to_string(spec).context("cannot write down what is to be tried")?;
        let call = docker.exec(agent, None, false, [guest_path::BINARY, "probe", &spec]);
        let shared = Arc::new(Shared::default());
        let to = Arc::clone(&shared);
        thread::spawn(move || {
            let mut lines = Lines { shared: Arc::clone(&to), open: Vec::new() };
            let ended = call.stream(&mut lines).map_err(|error| error.to_string());
            to.change(|progress| progress.ended = Some(ended));
        });
        Ok(Self { shared, listener, internal, proof })
    }

    /// Waits until every attempt had its grace time.
    pub(super) fn first_report(&self, within: Duration) -> anyhow::Result<()> {
        self.wait(within, |progress| progress.report.is_some())
    }

    /// Waits for the control.
    pub(super) fn control_arrived(&self, within: Duration) -> bool {
        self.listener.control_arrived(within)
    }

    /// An error once something speaks against the bottle. Asks nobody, so it can be called often.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if let Some(arrival) = self.listener.breach(Some(self.internal)) {
            return Err(breach(&arrival));
        }
        let progress = self.shared.lock();
        let attempts = progress.report.iter().flat_map(|report| &report.attempts);
        for (name, state) in attempts {
            if *state == State::Arrived {
                return Err(breach(&format!("{name} was reached")));
            }
        }
        drop(progress);
        self.check_proof()
    }

    /// What came back over the sidecars has its line in pipelock's own file, or it went another way.
    fn check_proof(&self) -> anyhow::Result<()> {
        let Some((bottle, way)) = &self.proof else { return Ok(()) };
        let host = &way.host;
        if !matches!(self.way(way), Went::Through(_)) || self.shared.lock().proven {
            return Ok(());
        }
        let found = passed(bottle, host).is_some();
        let mut progress = self.shared.lock();
        progress.proven = found;
        let since = *progress.through.get_or_insert_with(Instant::now);
        if !found && since.elapsed() > LINE_DEADLINE {
            bail!("a request to `{host}` was answered, and pipelock knows nothing of it");
        }
        Ok(())
    }

    /// Waits for the end of every attempt.
    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        let last = |progress: &Progress| progress.report.as_ref().is_some_and(|report| report.last);
        self.wait(PATIENCE, last)?;
        self.check()?;
        let through = |(_, way): &&(PathBuf, Way)| matches!(self.way(way), Went::Through(_));
        let Some((_, way)) = self.proof.as_ref().filter(through) else { return Ok(()) };
        // The line is written a moment after the answer has gone out.
        let what = format!("pipelock's line about `{}`", way.host);
        let proven = || {
            self.check_proof().ok()?;
            self.shared.lock().proven.then_some(())
        };
        compose_run::wait::until(&what, LINE_DEADLINE, proven)?;
        Ok(())
    }

    /// What became of a way that must be there, as far as is known by now.
    pub(crate) fn way(&self, way: &Way) -> Went {
        Self::went(&self.shared.lock(), way)
    }

    /// The same of several: once it is known of each that tells of a credential, or after that time,
    /// which is for all of them together.
    pub(crate) fn ways(&self, ways: &[Way], within: Duration) -> Vec<Went> {
        let known = |progress: &Progress| {
            let last = progress.report.as_ref().is_some_and(|report| report.last);
            let mut checks = ways.iter().filter(|way| way.checks());
            last || checks.all(|way| Self::went(progress, way) != Went::StillGoing)
        };
        // Whoever waited in vain is told so by what is known.
        drop(self.wait(within, known));
        ways.iter().map(|way| self.way(way)).collect()
    }

    fn went(progress: &Progress, way: &Way) -> Went {
        let attempts = progress.report.as_ref().map(|report| &report.attempts);
        let Some(state) = attempts.and_then(|attempts| attempts.get(&way.label())) else {
            return Went::NotTried;
        };
        match state {
            State::Pending | State::Arrived | State::Sent => Went::StillGoing,
            State::Failed(why) => Went::Failed(why.clone()),
            // A name that does not resolve, a host that is down, a certificate that fails.
            State::Answered { status: BAD_GATEWAY, denied: Some(reason) } => {
                Went::Failed(reason.clone())
            }
            State::Answered { denied: Some(reason), .. } => Went::Denied(reason.clone()),
            State::Answered { status, denied: None } => Went::Through(*status),
        }
    }

    fn wait(&self, within: Duration, done: impl Fn(&Progress) -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        let mut progress = self.shared.lock();
        loop {
            if done(&progress) {
                return Ok(());
            }
            match &progress.ended {
                Some(Ok(())) => bail!("the probe in the agent's container ended without a report"),
                Some(Err(error)) => bail!("the probe in the agent's container failed: {error}"),
                None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the probe in the agent's container did not report within {within:?}");
            }
            let waited = self.shared.changed.wait_timeout(progress, left);
            progress = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Takes the guest's lines as they come.
struct Lines {
    shared: Arc<Shared>,
    open: Vec<u8>,
}

/// A report is shorter; what the agent's side says is bounded all the same.
const LINE_LIMIT: usize = 256 << 10;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open.extend_from_slice(bytes);
        if self.open.len() > LINE_LIMIT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        while let Some(end) = self.open.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.open.drain(..=end).collect();
            let report =
                read_report(String::from_utf8_lossy(&line).trim()).map_err(io::Error::other)?;
            self.shared.change(|progress| progress.report = Some(report));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_do_not_answer_are_waited_for_together_and_those_that_did_are_known() {
        let way = |name: &str| Way {
            variable: Some("KEY".to_owned()),
            ..Way::nowhere(format!("{name}.example.org"), "/x".to_owned(), true)
        };
        let ways: Vec<_> = ["a", "b", "c", "d", "e", "good"].map(way).into();
        let state = |way: &Way| {
            let good = State::Answered { status: 200, denied: None };
            (way.label(), if way.host.starts_with("good") { good } else { State::Pending })
        };
        let report = Report { last: false, attempts: ways.iter().map(state).collect() };
        let shared = Shared::default();
        shared.lock().report = Some(report);
        let watch = Watch {
            shared: Arc::new(shared),
            listener: Listener::open().unwrap(),
            internal: "10.213.0.0/28".parse().unwrap(),
            proof: None,
        };
        let (begun, patience) = (Instant::now(), Duration::from_secs(1));
        let went = watch.ways(&ways, patience);
        let waited = begun.elapsed();
        assert!(waited >= patience && waited < 4 * patience, "{waited:?}");
        assert!(went[..5].iter().all(|went| *went == Went::StillGoing));
        assert_eq!(went[5], Went::Through(200));
        // Where nothing is asked of a credential, nobody is waited for.
        let plain = Way { variable: None, ..way("a") };
        assert_eq!(watch.ways(&[plain], Duration::from_mins(1)).len(), 1);
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}
