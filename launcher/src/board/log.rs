//! The end of the one log that is looked at, asked for while it is looked at.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use compose_render::{Role, Slug};
use compose_run::{StateDir, read_plain_from};
use dashboard::Log;

use crate::command::logs::is_of;
use crate::environment::Environment;
use crate::host::Host;

/// How often it is asked for.
const ASK: Duration = Duration::from_secs(1);
/// The most lines, and the most bytes, that are asked for.
const LINES: usize = 300;
const BYTES: usize = 512 * 1024;
/// How long the engine may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct LogWatch {
    shared: Arc<Mutex<Shared>>,
    asking: mpsc::Sender<()>,
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Option<(Slug, Role)>,
    got: Log,
}

impl LogWatch {
    pub(super) fn begin(state: StateDir, environment: Environment) -> anyhow::Result<Self> {
        let shared = Arc::<Mutex<Shared>>::default();
        let (asking, asked) = mpsc::channel();
        let known = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                let mut host = None;
                while asked.recv_timeout(ASK) != Err(RecvTimeoutError::Disconnected) {
                    let wanted = locked(&known).wanted.clone();
                    let Some((slug, role)) = wanted else { continue };
                    if host.is_none() {
                        host = Host::find(&environment).ok();
                    }
                    let lines = lines(host.as_ref(), &state, &slug, role)
                        .unwrap_or_else(|error| vec![format!("{error:#}")]);
                    let (bottle, service) = (slug.to_string(), role.to_string());
                    locked(&known).got = Log { bottle, service, lines };
                }
            })
            .context("cannot begin a thread")?;
        Ok(Self { shared, asking })
    }

    /// Which log is looked at, if any.
    pub(super) fn want(&self, wanted: Option<(Slug, Role)>) {
        let mut shared = locked(&self.shared);
        if shared.wanted != wanted {
            shared.wanted = wanted;
            // It is asked for at once; a thread that is gone shows as a log that does not come.
            self.asking.send(()).ok();
        }
    }

    pub(super) fn got(&self) -> Log {
        locked(&self.shared).got.clone()
    }
}

fn locked(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last lines: the engine's, or those that were saved when the bottle was taken down.
fn lines(
    host: Option<&Host>,
    state: &StateDir,
    slug: &Slug,
    role: Role,
) -> anyhow::Result<Vec<String>> {
    let name = role.container(slug);
    if let Some(host) = host {
        let mut out = Bounded::default();
        let count = LINES.to_string();
        let call = host.docker.call(["logs", "--timestamps", "--tail", &count, &name]);
        if call.merge_stderr().timeout(PATIENCE).stream(&mut out).is_ok() {
            return Ok(last_lines(&out.0, |_| true));
        }
    }
    let dir = state.bottle(slug);
    let size = std::fs::symlink_metadata(dir.compose_log()).map_or(0, |there| there.len());
    let from = size.saturating_sub(BYTES as u64);
    let file = dir.compose_log();
    let file = file.file_name().map(Path::new).context("a log has a name")?;
    let inode = std::fs::symlink_metadata(dir.compose_log())
        .map_or(0, |there| std::os::unix::fs::MetadataExt::ino(&there));
    let piece = read_plain_from(dir.path(), file, (inode, from), BYTES as u64)
        .context("the engine has no such container, and no log was saved")?;
    Ok(last_lines(&piece.bytes, |line| is_of(line, role, &name)))
}

fn last_lines(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().filter(|line| wanted(line)).collect();
    let from = lines.len().saturating_sub(LINES);
    lines.get(from..).unwrap_or_default().iter().map(|&line| line.to_owned()).collect()
}

/// Keeps the newest bytes.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * BYTES {
            drop(self.0.drain(..self.0.len() - BYTES));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
