//! The keeper of a session: holds the command's pseudo-terminal, and lends it to one terminal.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::wire::{self, Frame, Frames};

/// What the last terminal showed, for the next one: enough for a screen.
const REMEMBERED: usize = 16 << 10;
/// A terminal that is so much behind is waited for: the command blocks, nothing is lost.
const BEHIND: usize = 1 << 20;
/// How long the last words of a command may take to reach a terminal.
const FAREWELL: Duration = Duration::from_secs(10);

/// Runs the command and keeps its terminal until it ends.
pub(super) fn keep(command: &[&str]) -> anyhow::Result<()> {
    nix::unistd::setsid().context("cannot leave the terminal")?;
    let folder = Path::new(super::FOLDER);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    for old in [super::socket(), super::result()] {
        // Most often there is none.
        std::fs::remove_file(old).ok();
    }
    let listener = UnixListener::bind(super::socket()).context("cannot open the session")?;
    listener.set_nonblocking(true)?;
    let (screen, ended) = spawn(command)?;
    let code = Keeper::new(screen).serve(&listener, ended)?;
    // Its folder may be full or gone; the terminal has been told the code.
    File::create_new(super::result()).and_then(|mut file| write!(file, "{code}")).ok();
    std::fs::remove_file(super::socket()).ok();
    Ok(())
}

/// Starts the command on a new pseudo-terminal. The stream tells its code when it ends.
#[expect(clippy::disallowed_methods, reason = "in the container there is no other door")]
fn spawn(command: &[&str]) -> anyhow::Result<(File, UnixStream)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?.into_string().context("a terminal without a name")?;
    tcsetwinsize(&master, size(24, 80))?;
    let this = std::env::current_exe()?;
    let mut child = Command::new(this)
        .args(["session", "become", &name, "--"])
        .args(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the command")?;
    let (told, mut tell) = UnixStream::pair()?;
    std::thread::spawn(move || {
        let code = child.wait().map_or(u8::MAX, code_of);
        tell.write_all(&[code]).ok();
    });
    rustix::io::ioctl_fionbio(&master, true)?;
    Ok((File::from(master), told))
}

/// Takes that terminal for its own, and becomes the command. Comes back only with an error.
#[expect(clippy::disallowed_methods, reason = "in the container there is no other door")]
pub(super) fn become_command(terminal: &Path, command: &[&str]) -> anyhow::Result<()> {
    nix::unistd::setsid().context("cannot leave the terminal")?;
    // The first terminal that a session leader opens becomes its own.
    let slave: OwnedFd = File::options().read(true).write(true).open(terminal)?.into();
    nix::unistd::dup2_stdin(&slave)?;
    nix::unistd::dup2_stdout(&slave)?;
    nix::unistd::dup2_stderr(&slave)?;
    drop(slave);
    let (program, args) = command.split_first().context("no command")?;
    Err(Command::new(program).args(args).exec()).with_context(|| format!("cannot run `{program}`"))
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The terminal that looks at the moment.
struct Viewer {
    stream: UnixStream,
    frames: Frames,
    owed: VecDeque<u8>,
}

struct Keeper {
    screen: File,
    /// Whether every holder of the command's terminal has closed it: nothing more can come.
    dark: bool,
    viewer: Option<Viewer>,
    /// Typed and not yet taken by the command.
    typed: VecDeque<u8>,
    remembered: VecDeque<u8>,
}

impl Keeper {
    fn new(screen: File) -> Self {
        Self {
            screen,
            dark: false,
            viewer: None,
            typed: VecDeque::new(),
            remembered: VecDeque::new(),
        }
    }

    /// Serves whoever comes until the command has ended; returns its code.
    fn serve(mut self, listener: &UnixListener, mut ended: UnixStream) -> anyhow::Result<u8> {
        loop {
            let ready = self.wait(listener, &ended)?;
            if ready.viewer {
                self.hear();
            }
            if ready.screen {
                self.show();
            }
            self.type_on();
            self.pay(false);
            if ready.knock
                && let Ok((stream, _)) = listener.accept()
            {
                self.welcome(stream);
            }
            if ready.ended {
                let mut code = [u8::MAX];
                ended.read_exact(&mut code).ok();
                let [code] = code;
                self.leave(code);
                return Ok(code);
            }
        }
    }

    fn wait(&self, listener: &UnixListener, ended: &UnixStream) -> anyhow::Result<Ready> {
        let behind = self.viewer.as_ref().map_or(0, |viewer| viewer.owed.len());
        let mut screen = PollFlags::empty();
        screen.set(PollFlags::POLLIN, behind < BEHIND);
        screen.set(PollFlags::POLLOUT, !self.typed.is_empty());
        let mut wanted = vec![
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
        ];
        // A hang-up is told without being asked for, again and again.
        if !self.dark {
            wanted.push(PollFd::new(self.screen.as_fd(), screen));
        }
        let viewer_at = wanted.len();
        if let Some(viewer) = &self.viewer {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, self.typed.len() < BEHIND);
            flags.set(PollFlags::POLLOUT, behind > 0);
            wanted.push(PollFd::new(viewer.stream.as_fd(), flags));
        }
        match poll(&mut wanted, PollTimeout::NONE) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait"),
        }
        let seen = |index: usize, flags: PollFlags| {
            let got = wanted.get(index).and_then(PollFd::revents).unwrap_or(PollFlags::empty());
            got.intersects(flags)
        };
        let readable = PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR;
        Ok(Ready {
            knock: seen(0, PollFlags::POLLIN),
            ended: seen(1, readable),
            screen: !self.dark && behind < BEHIND && seen(2, readable),
            viewer: seen(viewer_at, readable),
        })
    }

    /// A new terminal: the old one is told, the new one sees what was last shown.
    fn welcome(&mut self, stream: UnixStream) {
        if let Some(mut old) = self.viewer.take() {
            old.stream.write_all(&Frame::Taken.encode()).ok();
        }
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let owed = wire::data(self.remembered.make_contiguous()).into();
        self.viewer = Some(Viewer { stream, frames: Frames::default(), owed });
    }

    /// Takes what the terminal says; one that talks nonsense or is gone is forgotten.
    fn hear(&mut self) {
        let Some(viewer) = &mut self.viewer else { return };
        let mut open = viewer.frames.fill(&viewer.stream).unwrap_or(false);
        loop {
            match viewer.frames.next() {
                Ok(Some(Frame::Data(bytes))) => self.typed.extend(bytes),
                Ok(Some(Frame::Size(rows, columns))) => {
                    // Another size first: only a change makes a program draw its picture again.
                    tcsetwinsize(&self.screen, size(rows, columns.saturating_sub(1))).ok();
                    tcsetwinsize(&self.screen, size(rows, columns)).ok();
                }
                Ok(Some(Frame::Ended(_) | Frame::Taken)) => {}
                Ok(None) => break,
                Err(_) => {
                    open = false;
                    break;
                }
            }
        }
        if !open {
            self.viewer = None;
        }
    }

    /// Takes what the command shows. `false` when there is nothing now.
    fn show(&mut self) -> bool {
        let mut chunk = [0; wire::LIMIT];
        let read = match self.screen.read(&mut chunk) {
            Ok(read @ 1..) => read,
            Err(error) if wire::retry(&error) => return false,
            // At the end of all its holders a pseudo-terminal gives an error: the code follows.
            Ok(_) | Err(_) => {
                self.dark = true;
                return false;
            }
        };
        let shown = chunk.get(..read).unwrap_or_default();
        self.remembered.extend(shown);
        let beyond = self.remembered.len().saturating_sub(REMEMBERED);
        self.remembered.drain(..beyond);
        if let Some(viewer) = &mut self.viewer {
            viewer.owed.extend(wire::data(shown));
        }
        true
    }

    fn type_on(&mut self) {
        let (next, _) = self.typed.as_slices();
        if let Ok(written) = self.screen.write(next) {
            self.typed.drain(..written);
        }
    }

    /// Gives the terminal what it is owed, as far as it takes it.
    fn pay(&mut self, all: bool) {
        let Some(viewer) = &mut self.viewer else { return };
        while !viewer.owed.is_empty() {
            let (next, _) = viewer.owed.as_slices();
            match viewer.stream.write(next) {
                Ok(written) => drop(viewer.owed.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if !all && error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.viewer = None;
                    return;
                }
            }
        }
    }

    /// The command's last words, and its code.
    fn leave(&mut self, code: u8) {
        while self.show() {}
        let Some(viewer) = &mut self.viewer else { return };
        viewer.owed.extend(Frame::Ended(code).encode());
        let waits = viewer.stream.set_nonblocking(false);
        if waits.and_then(|()| viewer.stream.set_write_timeout(Some(FAREWELL))).is_ok() {
            self.pay(true);
        }
    }
}

/// What there is to do.
#[expect(clippy::struct_excessive_bools, reason = "one for each thing that is watched")]
#[derive(Clone, Copy, Debug)]
struct Ready {
    knock: bool,
    ended: bool,
    screen: bool,
    viewer: bool,
}
