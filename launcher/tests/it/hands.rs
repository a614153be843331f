//! A person's hands on a bottle: a terminal, its keys, going away and coming back.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::thread;

use compose_testkit::{eventually, record};
use duct::Handle;
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::ground::Ground;
use crate::memory;
use crate::program::Account;

/// Neither the launcher nor the client it waits for may ever have taken so much.
const MOST_MEMORY: u64 = 96 << 20;

/// A terminal with `bottle` on it, and all it has shown.
pub(crate) struct Screen {
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
    terminal: File,
    bottle: Handle,
}

impl Screen {
    fn of(ground: &Ground, args: &[&str]) -> Self {
        Self::on(&ground.account, args)
    }

    pub(crate) fn on(account: &Account, args: &[&str]) -> Self {
        let size = Winsize { ws_row: 33, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let terminal = File::from(pty.slave);
        let keys = File::from(pty.master);
        let bottle = account.on_terminal(args, &terminal);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut from, to) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                to.lock().unwrap().extend_from_slice(&chunk[..read]);
            }
        });
        Self { keys, shown, terminal, bottle }
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
    }

    /// The window changes its size. The kernel tells whoever has this terminal for their own; here
    /// nobody has, so all of the test's group is told, which nobody minds.
    fn resize(&self, rows: u16, columns: u16) {
        let size =
            rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.keys, size).unwrap();
        nix::sys::signal::killpg(nix::unistd::getpgrp(), nix::sys::signal::Signal::SIGWINCH)
            .unwrap();
    }

    /// Waits until it has shown that many bytes, and keeps none of them.
    fn swallow(&self, bytes: usize) {
        let mut seen = 0;
        eventually("so much output", || {
            seen += std::mem::take(&mut *self.shown.lock().unwrap()).len();
            if seen >= bytes { Ok(()) } else { Err(format!("{seen} bytes")) }
        });
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    pub(crate) fn until(&self, text: &str) {
        eventually(text, || if self.text().contains(text) { Ok(()) } else { Err(self.text()) });
    }

    /// Whether the terminal is as a person left it: keys echo and lines are edited.
    pub(crate) fn is_sane(&self) -> bool {
        let found = tcgetattr(&self.terminal).unwrap().local_flags;
        found.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.bottle.wait().unwrap().status.code()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = self.bottle.pids().first().copied().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.try_into().unwrap()), signal)
            .unwrap();
    }

    /// The terminal is gone, as when its window is closed.
    fn die(self) {
        let pid = self.bottle.pids().first().copied().unwrap();
        let group = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
        nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGHUP).unwrap();
        drop((OwnedFd::from(self.keys), self.terminal));
        self.bottle.wait().unwrap();
    }
}

#[test]
fn k5_keys_go_to_the_agent_and_the_terminal_is_restored() {
    let ground = Ground::new("hands-keys");
    let args = Ground::start_args(ground.slug.as_str(), &["--", "-i"]);
    let mut screen = Screen::of(&ground, &args);
    screen.until("$ ");
    assert!(!screen.is_sane(), "the terminal passes on every key while the agent has it");
    screen.press(b"stty size; echo A$((1+1))B\r");
    screen.until("A2B");
    assert!(screen.text().contains("33 111"), "{}", screen.text());
    // Ctrl-C ends what runs inside and nothing else; Ctrl-P and Ctrl-Z arrive.
    screen.press(b"sleep 600\r");
    screen.until("sleep 600");
    screen.press(b"\x03");
    screen.press(b"\recho C$((1+2))D\r");
    screen.until("C3D");
    screen.press(b"head -c 2 | od -An -c\r");
    screen.until("od -An -c");
    screen.press(b"\x10q\r");
    screen.until("020");
    // A window that changes its size is seen inside.
    screen.resize(44, 99);
    screen.press(b"stty size\r");
    screen.until("44 99");
    screen.press(b"exit 6\r");
    assert_eq!(screen.code(), Some(6), "{}", screen.text());
    assert!(screen.is_sane());
    record("K5", "Ctrl-C, Ctrl-P, a resize, the end", "all arrived; the terminal is as it was");
    ground.assert_gone();
}

#[test]
fn k5_the_agent_goes_on_while_nobody_looks() {
    let ground = Ground::new("hands-again");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let mut first = Screen::of(&ground, &["attach", name]);
    first.until("$ ");
    first.press(b"kept=41; echo set$((0))\r");
    first.until("set0");
    for _ in 0..100 {
        first.press(b"\x1ed");
        assert_eq!(first.code(), Some(0), "{}", first.text());
        assert!(first.is_sane());
        first = Screen::of(&ground, &["attach", name]);
        first.press(b"kept=$((kept+1)); echo now=$kept.\r");
        first.until("now=");
    }
    // A terminal that dies takes nothing with it.
    first.until("now=141.");
    first.die();
    let mut last = Screen::of(&ground, &["attach", name]);
    last.press(b"echo still=$kept.; exit 2\r");
    last.until("still=141.");
    assert_eq!(last.code(), Some(2), "{}", last.text());
    record(
        "K5",
        "100 times detached, one dead terminal",
        "the same agent, with what it remembered",
    );
    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn k5_a_terminal_full_of_output_takes_no_memory() {
    let ground = Ground::new("hands-much");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let mut screen = Screen::of(&ground, &["attach", name]);
    screen.until("$ ");
    screen.press(b"yes of the agent | head -c 100000000; echo e$((0))d\r");
    screen.swallow(100_000_000);
    let memory = memory::peaks(screen.bottle.pids()[0]);
    assert!(memory.iter().all(|peak| *peak < MOST_MEMORY), "{memory:?}");
    screen.press(b"echo e$((1))f\r");
    screen.until("e1f");
    screen.press(b"\x1ed");
    assert_eq!(screen.code(), Some(0), "{}", screen.text());
    assert!(screen.is_sane());
    record("K5", "100 000 000 bytes on a terminal", format_args!("at most {memory:?} bytes"));
    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn k5_a_thousand_million_bytes_pass_through_whole_and_take_no_memory() {
    let ground = Ground::new("hands-bytes");
    let name = ground.slug.as_str();
    assert_eq!(ground.start(&["--detach"]).code, Some(0));
    let script = "head -c 1000000000 /dev/zero; while [ ! -e seen ]; do sleep 0.1; done";
    let mut exec = ground.account.piped(&["exec", name, "--", "sh", "-c", script]);
    let whole = std::io::copy(&mut (&mut exec).take(1_000_000_000), &mut std::io::sink()).unwrap();
    assert_eq!(whole, 1_000_000_000);
    let memory = memory::peaks(exec.pids()[0]);
    assert!(memory.iter().all(|peak| *peak < MOST_MEMORY), "{memory:?}");
    assert_eq!(ground.bottle(&["exec", name, "--", "touch", "seen"]).code, Some(0));
    assert_eq!(std::io::copy(&mut exec, &mut std::io::sink()).unwrap(), 0);
    record("K5", "1 000 000 000 bytes by exec", format_args!("whole, at most {memory:?} bytes"));
    assert_eq!(ground.bottle(&["stop", name]).code, Some(0));
    ground.assert_gone();
}

#[test]
fn k5_a_start_whose_terminal_dies_is_taken_down() {
    let ground = Ground::new("hands-dead");
    let args = Ground::start_args(ground.slug.as_str(), &["--", "-i"]);
    let screen = Screen::of(&ground, &args);
    screen.until("$ ");
    screen.die();
    ground.assert_gone();
    assert!(ground.state("workspace.tar").exists());
}
