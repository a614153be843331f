//! The only place that prints: data on stdout, talk on stderr, nothing that came out of a
//! container without its control characters taken away.

use std::fmt::{Display, Write as _};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::cli::Talk;
use crate::environment::Environment;
use crate::exit;

/// A wait shorter than this is not worth a word on the terminal.
const PATIENCE: Duration = Duration::from_millis(300);

/// How we talk to the person.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    talk: Talk,
    colour: bool,
    live: bool,
    /// Whether a progress line stands on the terminal, to be wiped before the next word.
    standing: Arc<Mutex<bool>>,
}

impl Ui {
    /// Talks on stderr; colour and progress only where that is a terminal.
    pub(crate) fn new(talk: Talk) -> Self {
        let environment = Environment::of_process();
        let dumb = environment.get("TERM").is_none_or(|term| term == "dumb");
        let terminal = io::stderr().is_terminal() && !dumb;
        let colour = terminal && environment.get("NO_COLOR").is_none();
        Self { talk, colour, live: terminal && !talk.quiet, standing: Arc::default() }
    }

    /// Prints data: the answer to what was asked. Ends with one newline.
    #[expect(clippy::unused_self, reason = "who prints has been given the one that may")]
    pub(crate) fn data(&self, text: impl Display) -> io::Result<()> {
        let text = text.to_string();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end.as_bytes()));
        match written.and_then(|()| out.flush()) {
            // Whoever read the first lines and went away has what they wanted.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Where data goes that is too long, or too slow in coming, to be held.
    pub(crate) fn stream(&self) -> io::Stdout {
        self.wipe();
        io::stdout()
    }

    /// Prints a value as JSON, the answer to `--json`.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        Ok(self.data(inert(&serde_json::to_string_pretty(value)?))?)
    }

    /// Says one thing, unless `-q`.
    pub(crate) fn say(&self, text: impl Display) {
        if !self.talk.quiet {
            self.line(&text.to_string());
        }
    }

    /// Says what only someone looking for a fault wants to read: `-v`.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.talk.verbose {
            self.line(&self.paint("2", &text.to_string()));
        }
    }

    /// Says what a person should know although it works, unless `-q`.
    pub(crate) fn warn(&self, text: impl Display) {
        if !self.talk.quiet {
            self.line(&format!("{} {text}", self.paint("33", "warning:")));
        }
    }

    /// Says what went wrong: the sentence, its causes, and the advice that goes with it.
    pub(crate) fn failure(&self, error: &anyhow::Error) {
        let mut causes = error.chain();
        let sentence = causes.next().map(ToString::to_string).unwrap_or_default();
        self.line(&format!("{} {}", self.paint("31", "error:"), plain(&sentence)));
        for cause in causes {
            let indented = plain(&cause.to_string()).replace('\n', "\n    ");
            self.line(&format!("  {} {indented}", self.paint("2", "because:")));
        }
        if let Some(hint) = exit::hint_of(error).map(str::to_owned).or_else(|| hint_for(error)) {
            self.line(&format!("{} {hint}", self.paint("36", "hint:")));
        }
    }

    /// Tells what is waited for while `work` runs: a line that goes away on a terminal, and
    /// with `-v` a line with the time it took.
    pub(crate) fn step<T>(&self, what: impl Display, work: impl FnOnce(&Step<'_>) -> T) -> T {
        let step = Step { ui: self, what: what.to_string(), since: Instant::now() };
        step.show("");
        let result = work(&step);
        self.wipe();
        self.detail(format_args!("{} ({} ms)", step.what, step.since.elapsed().as_millis()));
        result
    }

    /// Asks a question whose answer is yes or no. No terminal to ask on means no.
    pub(crate) fn confirm(&self, question: &str) -> io::Result<bool> {
        if !io::stdin().is_terminal() {
            return Ok(false);
        }
        self.wipe();
        let mut err = io::stderr().lock();
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Writes one line to stderr. Where stderr is gone there is nobody to tell.
    fn line(&self, text: &str) {
        self.wipe();
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    fn wipe(&self) {
        let Ok(mut standing) = self.standing.lock() else { return };
        if std::mem::take(&mut *standing) {
            write!(io::stderr().lock(), "\r\u{1b}[K").ok();
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Something that takes a while, and can say how far it is.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    ui: &'a Ui,
    what: String,
    since: Instant,
}

impl Step<'_> {
    /// Says what it is waiting for now: on a terminal only, and only after a moment.
    pub(crate) fn waiting(&self, what: impl Display) {
        if self.since.elapsed() >= PATIENCE {
            self.show(&format!(": {what}"));
        }
    }

    fn show(&self, more: &str) {
        if !self.ui.live {
            return;
        }
        self.ui.wipe();
        let text = plain(&format!("{}{more} …", self.what)).replace('\n', " ");
        write!(io::stderr().lock(), "{}", self.ui.paint("2", &text)).ok();
        if let Ok(mut standing) = self.ui.standing.lock() {
            *standing = true;
        }
    }
}

/// Text without control characters, newline and tab excepted: what came out of a container, a
/// file or an engine must not steer the terminal.
pub(crate) fn plain(text: &str) -> String {
    let keeps = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_direction(c));
    text.chars().map(|c| if keeps(c) { c } else { '\u{fffd}' }).collect()
}

/// The same on one line: a name with a line break in it cannot pass for another line of ours.
pub(crate) fn line(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ")
}

/// JSON that means the same and steers no terminal: what acts without being seen is written as its
/// number. In valid JSON it stands in texts alone, but for the white space that is one control.
pub(crate) fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_direction(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap_or_default();
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Characters that turn the direction of text round, so that it reads as what it is not.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Advice for errors that carry none of their own.
fn hint_for(error: &anyhow::Error) -> Option<String> {
    match exit::Exit::of(error) {
        exit::Exit::NoDocker => Some(
            "install Docker Engine 20.10 or newer, start it, and see that `docker version` answers"
                .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_what_a_container_wrote_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\rb\tc\n"), "a\u{fffd}[2J\u{fffd}b\tc\n");
        assert_eq!(plain("a\u{202e}b"), "a\u{fffd}b");
        compose_testkit::record("I6", "ESC, CR and an override in a text", plain("a\u{1b}[2J\rb"));
        assert_eq!(line("a\nerror: b"), "a error: b");
    }

    #[test]
    fn i6_json_steers_no_terminal_and_means_the_same() {
        // serde escapes what is below a space and nothing else: U+009B begins a sequence as ESC [.
        let said = serde_json::json!({"reason": "a\u{9b}2J\u{1b}[2J\u{202e}\u{7f}b", "é": 1});
        let shown = inert(&serde_json::to_string_pretty(&said).unwrap());
        assert!(
            !shown.chars().any(|c| c != '\n' && (c.is_control() || is_direction(c))),
            "{shown}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), said);
        let spaced = inert("{\"a\":\r1}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&spaced).unwrap()["a"], 1);
        compose_testkit::told("U+009B, ESC, an override in a value of --json", shown);
    }
}
