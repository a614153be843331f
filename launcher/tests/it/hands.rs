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

/// A terminal with `bottle` on it, and all it has shown.
struct Screen {
    keys: File,
    shown: Arc<Mutex<Vec<u8>>>,
    terminal: File,
    bottle: Handle,
}

impl Screen {
    fn of(ground: &Ground, args: &[&str]) -> Self {
        let size = Winsize { ws_row: 33, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let terminal = File::from(pty.slave);
        let keys = File::from(pty.master);
        let bottle = ground.account.on_terminal(args, &terminal);
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

    fn press(&mut self, keys: &[u8]) {
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

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn until(&self, text: &str) {
        eventually(text, || if self.text().contains(text) { Ok(()) } else { Err(self.text()) });
    }

    /// Whether the terminal is as a person left it: keys echo and lines are edited.
    fn is_sane(&self) -> bool {
        let found = tcgetattr(&self.terminal).unwrap().local_flags;
        found.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }

    fn code(&self) -> Option<i32> {
        self.bottle.wait().unwrap().status.code()
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
    for _ in 0..20 {
        first.press(b"\x1ed");
        assert_eq!(first.code(), Some(0), "{}", first.text());
        assert!(first.is_sane());
        first = Screen::of(&ground, &["attach", name]);
        first.press(b"kept=$((kept+1)); echo now=$kept.\r");
        first.until("now=");
    }
    // A terminal that dies takes nothing with it.
    first.until("now=61.");
    first.die();
    let mut last = Screen::of(&ground, &["attach", name]);
    last.press(b"echo still=$kept.; exit 2\r");
    last.until("still=61.");
    assert_eq!(last.code(), Some(2), "{}", last.text());
    record("K5", "20 times detached, one dead terminal", "the same agent, with what it remembered");
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
