//! The thread that writes: a slow disk or a full pipe must not hold up a worker of the runtime.

use super::ring::Ring;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Lines waiting to be written; beyond it, whoever writes the next one waits. None is dropped.
const WAITING: usize = 4096;

/// So many bytes of lines are written at once.
const TOGETHER: usize = 32 * 1024;

/// Lines are waited for so long after others were written. Whoever writes one would have to wake the
/// thread else, which costs more than all the rest of the line.
const BREATH: Duration = Duration::from_millis(5);

enum Job {
    Line(String),
    Flush(Sender<()>),
}

#[derive(Debug)]
pub(super) struct Writer(SyncSender<Job>);

impl Writer {
    /// Starts the thread. It ends when the last clone of the log is gone.
    pub(super) fn start(ring: Option<Ring>) -> Self {
        let (jobs, todo) = sync_channel(WAITING);
        std::thread::spawn(move || write_all(&todo, ring));
        Self(jobs)
    }

    pub(super) fn put(&self, line: String) {
        // The thread ends only after every sender: nothing is lost here.
        drop(self.0.send(Job::Line(line)));
    }

    pub(super) fn flush(&self) {
        let (done, wait) = channel();
        if self.0.send(Job::Flush(done)).is_ok() {
            wait.recv().unwrap_or_default();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing is waited for but time, on a thread of its own"
)]
fn write_all(todo: &Receiver<Job>, mut ring: Option<Ring>) {
    let mut stderr = std::io::stderr();
    let mut lines = String::new();
    while let Ok(job) = todo.recv() {
        let mut done = None;
        // Lines that wait already go out together.
        for job in std::iter::once(job).chain(todo.try_iter()) {
            match job {
                Job::Line(line) => lines.push_str(&line),
                Job::Flush(wish) => done = Some(wish),
            }
            if done.is_some() || lines.len() > TOGETHER {
                break;
            }
        }
        // Where more wait, nobody rests: whoever writes the next line would wait for us.
        let rest = done.is_none() && lines.len() <= TOGETHER;
        drop(stderr.write_all(lines.as_bytes()));
        // A full disk must not stop the sidecar; the lines are on stderr.
        drop(ring.as_mut().map(|ring| ring.append(lines.as_bytes())));
        lines.clear();
        if let Some(done) = done {
            done.send(()).unwrap_or_default();
        }
        if rest {
            std::thread::sleep(BREATH);
        }
    }
}
