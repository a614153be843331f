//! Telling a person that an agent asks: by the terminal's bell and its notification, by
//! `notify-send` where there is a desktop, and by a command of the person's own.
//!
//! What an agent wrote reaches that command alone, on its stdin: no argument, no escape sequence and
//! no desktop's markup is made of it.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use compose_render::Role;
use compose_run::{BottleDir, program, wait};
use supervise::ProposalId;

use crate::decide::{self, Outlook};
use crate::environment::Environment;
use crate::proposals::{ASK, Asked, Found};

/// The variable that names a person's own command.
const COMMAND: &str = "BOTTLE_NOTIFY";
/// Variables by which a desktop is known.
const DESKTOP: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];
/// How often the outboxes are looked at: their time alone, while nothing comes.
const LOOK: Duration = Duration::from_millis(100);
/// How long a command may take to tell.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells of one bottle's proposals until it is dropped.
#[derive(Debug)]
pub(crate) struct Notices {
    over: Arc<AtomicBool>,
    teller: Option<JoinHandle<()>>,
}

impl Notices {
    /// Begins to tell. What is open already was told before, or waits in `bottle proposals`.
    pub(crate) fn begin(dir: &BottleDir, environment: &Environment) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let desktop = DESKTOP.into_iter().any(|name| environment.get(name).is_some());
        let mut teller = Teller {
            dir: dir.clone(),
            seen: BTreeSet::new(),
            changed: None,
            command: environment.get(COMMAND).map(str::to_owned),
            desktop: program::found("notify-send").filter(|_| desktop),
        };
        if ASK.into_iter().all(|role| !dir.service(role).outbox.is_dir()) {
            return Self { over, teller: None };
        }
        teller.look(false, decide::proposals_of);
        let ends = Arc::clone(&over);
        let teller = std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                wait::pause(LOOK);
                teller.look(true, decide::proposals_of);
            }
        });
        Self { over, teller: Some(teller) }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(teller) = self.teller.take() {
            // It tells nobody any more, whatever became of it.
            teller.join().ok();
        }
    }
}

struct Teller {
    dir: BottleDir,
    seen: BTreeSet<ProposalId>,
    /// When the outboxes changed last.
    changed: Option<[Option<SystemTime>; 2]>,
    command: Option<String>,
    desktop: Option<PathBuf>,
}

impl Teller {
    fn look(&mut self, tells: bool, read: impl FnOnce(&BottleDir) -> anyhow::Result<Found>) {
        let time = |role: Role| {
            let metadata = std::fs::metadata(self.dir.service(role).outbox);
            metadata.and_then(|metadata| metadata.modified()).ok()
        };
        let changed = Some(ASK.map(time));
        if self.changed == changed {
            return;
        }
        // A file that cannot be read now is told of when it can.
        let Ok(found) = read(&self.dir) else { return };
        self.changed = changed;
        for asked in found.asked.iter().filter(|asked| asked.is_open()) {
            if self.seen.insert(asked.proposal.id.clone()) && tells {
                self.tell(asked);
            }
        }
    }

    fn tell(&self, asked: &Asked) {
        let name = asked.name();
        let kind = asked.proposal.ask.kind();
        let sentence = format!("bottle {} asks ({kind}): bottle approve {name}", self.dir.slug());
        if std::io::stderr().is_terminal() {
            // The bell, and what many terminals show as a notification. Neither moves the cursor.
            let sequence = format!("\u{7}\u{1b}]9;{sentence}\u{7}");
            std::io::stderr().lock().write_all(sequence.as_bytes()).ok();
        }
        if let Some(notify) = self.desktop.as_ref().and_then(|path| path.to_str()) {
            let call = program::call(notify).args(["--app-name=bottle", "--", &sentence]);
            call.timeout(PATIENCE).outcome().ok();
        }
        if let Some(command) = &self.command {
            let outlook = Outlook::of(&self.dir, asked, None);
            let outlook = outlook.as_ref().map_err(|error| format!("{error:#}"));
            let text = decide::text(asked, outlook);
            program::call(command).input(text.into_bytes()).timeout(PATIENCE).outcome().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proposals::tests::{bottle, proposal, put};

    #[test]
    fn what_could_not_be_read_is_told_of_when_it_can() {
        let (_folder, _state, dir) = bottle();
        let asked = proposal("a.org");
        put(&dir, &asked.id.proposal_file(), &asked.to_json());
        let (seen, changed) = (BTreeSet::new(), None);
        let mut teller = Teller { dir, seen, changed, command: None, desktop: None };
        teller.look(false, |_| anyhow::bail!("too many open files"));
        assert!(teller.seen.is_empty());
        teller.look(false, crate::proposals::of_bottle);
        assert!(teller.seen.contains(&asked.id), "nothing changed since, and it was never read");
        teller.look(false, |_| panic!("nothing changed since it was read"));
    }
}
