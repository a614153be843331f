//! The dashboard on a terminal: it gives it back however it ends, and a person's answers there are
//! answers.

use compose_testkit::{eventually, record};
use nix::sys::signal::Signal;
use serde_json::json;

use crate::asking::Asking;
use crate::hands::Screen;
use crate::program::Account;

/// How a screen of its own is left, and the cursor shown.
const LEFT: &str = "\u{1b}[?1049l";
const CURSOR: &str = "\u{1b}[?25h";

#[track_caller]
fn assert_given_back(screen: &Screen, how: &str) {
    assert!(screen.is_sane(), "{how}: the terminal is not as it was: {}", screen.text());
    eventually("the screen is left", || {
        let text = screen.text();
        if text.contains(LEFT) && text.contains(CURSOR) { Ok(()) } else { Err(text) }
    });
}

/// What it is ended by, how, and the exit code.
type End = (&'static str, fn(&mut Screen), Option<i32>);

#[test]
fn k5_the_terminal_is_given_back_however_the_dashboard_ends() {
    let ends: [End; 6] = [
        ("q", |screen| screen.press(b"q"), Some(0)),
        ("Ctrl-C", |screen| screen.press(b"\x03"), Some(0)),
        ("SIGTERM", |screen| screen.signal(Signal::SIGTERM), Some(130)),
        ("SIGHUP", |screen| screen.signal(Signal::SIGHUP), Some(130)),
        ("SIGINT", |screen| screen.signal(Signal::SIGINT), Some(130)),
        ("SIGQUIT", |screen| screen.signal(Signal::SIGQUIT), Some(130)),
    ];
    for (how, end, code) in ends {
        let account = Account::new();
        let mut screen = Screen::on(&account, &["dashboard"]);
        screen.until("no bottle on this host");
        assert!(!screen.is_sane(), "keys are the dashboard's");
        end(&mut screen);
        assert_eq!(screen.code(), code, "{how}: {}", screen.text());
        assert_given_back(&screen, how);
    }
    for (fault, code, says) in [
        ("panic:dashboard", 101, "a fault was asked for here"),
        ("fail:dashboard", 1, "error: a fault was asked for here"),
    ] {
        let account = Account::new().with("BOTTLE_FAULT", fault);
        let screen = Screen::on(&account, &["dashboard"]);
        assert_eq!(screen.code(), Some(code), "{fault}: {}", screen.text());
        assert_given_back(&screen, fault);
        // What went wrong is told on the terminal that was given back.
        eventually("the error", || {
            let text = screen.text();
            let behind = text.split_once(LEFT).map_or("", |(_, behind)| behind);
            if behind.contains(says) { Ok(()) } else { Err(text) }
        });
    }
    record(
        "K5",
        "the dashboard, ended by keys, signals, an error, a panic",
        "given back each time",
    );
}

#[test]
fn without_a_terminal_the_dashboard_says_what_to_use() {
    let said = Account::new().bottle(&["dashboard"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("needs a terminal") && said.err.contains("bottle watch"), "{said:?}");
}

#[test]
fn j1_an_answer_on_the_dashboard_is_an_answer() {
    let asking = Asking::start("dashboard");
    let host = "docs.wanted.example";
    let id = asking.propose(host, "to read\u{1b}[2J the docs");
    assert_eq!(asking.seen(&id)["state"], "open");
    // What is drawn is what has changed: only whole pictures and empty places are read here.
    let mut screen = Screen::on(&asking.0.account, &["dashboard"]);
    screen.until("running");
    screen.press(b"pan");
    screen.until("nothing was changed");
    assert_eq!(asking.tool("status", &json!({"id": id}))["state"], "open");
    screen.press(b"ay");
    assert_eq!(asking.tool("wait", &json!({"id": id}))["state"], "approved", "{}", screen.text());
    assert!(asking.resolves(host));
    screen.press(b"q");
    assert_eq!(screen.code(), Some(0));
    assert!(!screen.text().contains("\u{1b}[2J the docs"), "an agent's words steer nothing");

    let other = asking.propose("other.wanted.example", "why not");
    let mut screen = Screen::on(&asking.0.account, &["dashboard"]);
    screen.until("running");
    screen.press(b"pduse the mirror\r");
    let told = asking.tool("wait", &json!({"id": other}));
    assert_eq!((&told["state"], &told["reason"]), (&json!("denied"), &json!("use the mirror")));
    record("J1", "a yes and a no on the dashboard", &told);
    screen.press(b"q");
    assert_eq!(screen.code(), Some(0));
    asking.stop();
}
