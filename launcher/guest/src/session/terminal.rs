//! The terminal's side of a session: raw bytes in, raw bytes out, the size whenever it changes.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use super::wire::{self, Frame, Frames};

/// Shows the session until its command ends, or another terminal takes it over.
pub(super) fn show(mut session: UnixStream) -> anyhow::Result<u8> {
    let raw = Raw::enter();
    let resized = resizes()?;
    send_size(&mut session)?;
    let (mut frames, mut typing) = (Frames::default(), true);
    loop {
        let [typed, told, size] = wait(&session, &resized, typing)?;
        if size {
            resized.read_signal().context("cannot read a signal")?;
            send_size(&mut session)?;
        }
        if typed {
            typing = pass_on(&mut session)?;
        }
        if told && let Some(code) = take(&mut session, &mut frames)? {
            drop(raw);
            return Ok(code);
        }
    }
}

/// What there is to read: from the terminal, from the session, about the size.
fn wait(session: &UnixStream, resized: &SignalFd, typing: bool) -> anyhow::Result<[bool; 3]> {
    let stdin = io::stdin();
    let mut wanted = vec![
        PollFd::new(session.as_fd(), PollFlags::POLLIN),
        PollFd::new(resized.as_fd(), PollFlags::POLLIN),
    ];
    if typing {
        wanted.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
    }
    match poll(&mut wanted, PollTimeout::NONE) {
        Ok(_) => {}
        Err(nix::Error::EINTR) => return Ok([false; 3]),
        Err(error) => return Err(error).context("cannot wait for the terminal"),
    }
    let ready = |index: usize| wanted.get(index).is_some_and(|fd| fd.any().unwrap_or(false));
    Ok([ready(2), ready(0), ready(1)])
}

/// Passes on what was typed. `false` when no more can come.
fn pass_on(session: &mut UnixStream) -> anyhow::Result<bool> {
    let mut chunk = [0; wire::LIMIT];
    match io::stdin().lock().read(&mut chunk) {
        Ok(0) => Ok(false),
        Ok(read) => {
            let typed = wire::data(chunk.get(..read).unwrap_or_default());
            session.write_all(&typed).context("the session is gone")?;
            Ok(true)
        }
        Err(error) if wire::retry(&error) => Ok(true),
        // A terminal that died: what runs goes on without it.
        Err(_) => Ok(false),
    }
}

/// Shows what came. `Some` when it is over.
fn take(session: &mut UnixStream, frames: &mut Frames) -> anyhow::Result<Option<u8>> {
    let open = frames.fill(&mut *session).context("the session is gone")?;
    while let Some(frame) = frames.next().context("the session talks nonsense")? {
        match frame {
            Frame::Data(bytes) => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes).and_then(|()| out.flush()).context("nobody looks")?;
            }
            Frame::Ended(code) => return Ok(Some(code)),
            Frame::Taken => return Ok(Some(0)),
            Frame::Size(..) => {}
        }
    }
    Ok(if open { None } else { Some(u8::MAX) })
}

fn send_size(session: &mut UnixStream) -> anyhow::Result<()> {
    let Ok(size) = tcgetwinsize(io::stdout()) else { return Ok(()) };
    let frame = Frame::Size(size.ws_row, size.ws_col);
    session.write_all(&frame.encode()).context("the session is gone")
}

fn resizes() -> anyhow::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGWINCH);
    signals.thread_block().context("cannot block a signal")?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
        .context("cannot watch the terminal's size")
}

/// A terminal that passes on every key as it is; put back when dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> Self {
        let stdin = io::stdin();
        if !isatty(&stdin) {
            return Self(None);
        }
        let Ok(found) = tcgetattr(&stdin) else { return Self(None) };
        let mut raw = found.clone();
        raw.make_raw();
        Self(tcsetattr(&stdin, OptionalActions::Now, &raw).ok().map(|()| found))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            tcsetattr(io::stdin(), OptionalActions::Drain, found).ok();
        }
    }
}
