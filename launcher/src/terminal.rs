//! The person's terminal: as it was found, whatever the program on it did and however it ended.

use std::io::{self, IsTerminal as _, Write as _};

use nix::sys::termios::{self, SetArg, Termios};

/// Leaves what a full-screen program may have switched on: mouse reports, focus reports, bracketed
/// paste, the alternate screen, a hidden cursor, colours.
const SANE: &str = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1049l\
                    \x1b[?25h\x1b[0m";

/// The terminal's settings when we met it. They are put back when this is dropped.
pub(crate) struct Terminal {
    found: Termios,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

impl Terminal {
    /// The terminal, if both what is typed and what is shown go through one.
    pub(crate) fn present() -> Option<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return None;
        }
        termios::tcgetattr(io::stdin()).ok().map(|found| Self { found })
    }

    /// Gives it back after a program that was cut off in the middle of its picture.
    pub(crate) fn give_back_calm(self) {
        let mut out = io::stdout().lock();
        // A terminal that is gone needs no rest.
        out.write_all(SANE.as_bytes()).and_then(|()| out.flush()).ok();
        drop(out);
        drop(self);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.found).ok();
    }
}
