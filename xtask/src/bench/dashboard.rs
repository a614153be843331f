//! What `bottle dashboard` takes of a core, its children included, while many bottles decide much.
//!
//! The bottles are folders as sidecars write them, without containers: what is measured is the
//! reading, the picture and the questions to the engine, not the engine's answers.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::program::Program;
use crate::ui::{data, say};

const BOTTLES: usize = 50;
/// Decisions a second, over all bottles.
const RATE: f64 = 1000.0;
/// What is not measured: the first picture, the first answer of the engine.
const WARM: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);
/// The aim, in hundredths of a core.
const AIM: f64 = 10.0;

/// Measures it in a folder of its own, prints a row and returns the figures.
pub(super) fn measure(bottle: &Path) -> anyhow::Result<Value> {
    say(format!("the dashboard on {BOTTLES} bottles with {RATE} decisions a second"));
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    let mut files = bottles(&state)?;
    let over = AtomicBool::new(false);
    let taken = thread::scope(|scope| {
        let writer = scope.spawn(|| write(&mut files, &over));
        let taken = watched(bottle, &state, folder.path());
        over.store(true, Ordering::Relaxed);
        let written = writer.join().ok().context("the writer ended badly")?;
        written.and(taken)
    })?;
    let Taken { hundredths, bytes, seconds } = taken;
    let verdict = if hundredths < AIM { "below" } else { "NOT below" };
    data(format!(
        "dashboard, {BOTTLES} bottles, {RATE} decisions a second: {hundredths:.1} % of one core over \
         {seconds:.0} s, children included ({verdict} {AIM} %; it read {} MB)",
        bytes / 1_000_000
    ));
    Ok(json!({
        "bottles": BOTTLES, "decisions_per_second": RATE, "percent_of_one_core": hundredths,
        "aim_percent": AIM, "seconds": seconds, "bytes_read": bytes,
    }))
}

/// Folders as they lie there while bottles run, and each one's file of decisions.
fn bottles(state: &Path) -> anyhow::Result<Vec<(String, File)>> {
    let private =
        |path: &Path, mode| fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode));
    let mut files = Vec::new();
    for number in 0..BOTTLES {
        let slug = format!("bottle-{number:02}");
        let folder = state.join(&slug);
        for role in ["pipelock", "egress", "supervise"] {
            for side in ["inbox", "outbox"] {
                fs_err::create_dir_all(folder.join(role).join(side))?;
                private(&folder.join(role).join(side), 0o700)?;
            }
            private(&folder.join(role), 0o700)?;
        }
        private(&folder, 0o700)?;
        let metadata = json!({
            "slug": slug, "agent": "implementer", "compose_project": format!("bottle-{slug}"),
            "created": "2026-01-01T00:00:00Z", "phase": "running", "detached": true,
        });
        fs_err::write(folder.join("metadata.json"), metadata.to_string())?;
        private(&folder.join("metadata.json"), 0o600)?;
        let decisions = folder.join("pipelock/outbox/decisions.jsonl");
        files.push((slug, File::options().append(true).create(true).open(decisions)?));
    }
    private(state, 0o700)?;
    Ok(files)
}

/// Writes decisions at their rate, one denied in ten, until it is over.
fn write(files: &mut [(String, File)], over: &AtomicBool) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut written = 0_usize;
    while !over.load(Ordering::Relaxed) && begun.elapsed() < WARM + MEASURED * 2 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some ten thousand"
        )]
        let due = (begun.elapsed().as_secs_f64() * RATE) as usize;
        while written < due {
            let many = files.len();
            let Some((slug, file)) = files.get_mut(written % many) else { break };
            writeln!(file, "{}", decision(slug, written))?;
            written += 1;
        }
        pause(Duration::from_millis(10));
    }
    Ok(())
}

fn decision(slug: &str, number: usize) -> Value {
    let now = OffsetDateTime::now_utc();
    let (hour, minute, second) = now.to_hms();
    let time = format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", now.date(), number % 1000);
    let denied = number.is_multiple_of(10);
    json!({
        "time": time, "bottle": slug, "service": "pipelock",
        "event": if denied { "denied" } else { "allowed" },
        "id": format!("{number:012x}"), "host": format!("h{}.example.org", number % 97), "port": 443,
        "method": "GET", "path": format!("/some/path/{number}"),
        "reason": denied.then_some("host-not-allowed"), "status": 200, "bytes_in": 120,
        "bytes_out": 4096, "duration_ms": 12, "generation": 1,
    })
}

/// What it took.
struct Taken {
    hundredths: f64,
    bytes: u64,
    seconds: f64,
}

/// Runs the dashboard on a terminal of 80 columns, and reads from the kernel what it takes.
fn watched(bottle: &Path, state: &Path, folder: &Path) -> anyhow::Result<Taken> {
    let picture = folder.join("picture");
    let command = format!("stty rows 24 cols 80; exec '{}' dashboard", bottle.display());
    let script = Program::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &command])
        .arg(&picture)
        .env("BOTTLE_STATE_DIR", state)
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh");
    let running = script.expression().stdin_null().stdout_null().unchecked().start();
    let running = running.context("cannot run `script` of util-linux")?;
    pause(WARM);
    let found = process(bottle);
    let measured = found.and_then(|process| {
        let (begun, before, read) = (Instant::now(), ticks(&process)?, bytes_read(&process)?);
        pause(MEASURED);
        let seconds = begun.elapsed().as_secs_f64();
        let taken = ticks(&process)? - before;
        let bytes = bytes_read(&process)? - read;
        end(&process)?;
        Ok(Taken { hundredths: taken / seconds * 100.0, bytes, seconds })
    });
    if measured.is_err() {
        running.kill()?;
    }
    running.wait()?;
    let drawn = fs_err::read(&picture)?;
    let drawn = String::from_utf8_lossy(&drawn);
    ensure!(drawn.contains("bottle-00"), "the dashboard drew no bottle:\n{drawn}");
    measured
}

/// The process that is this program with this command.
fn process(bottle: &Path) -> anyhow::Result<PathBuf> {
    let wanted = format!("{}\0dashboard\0", bottle.display());
    let all = fs_err::read_dir("/proc")?.flatten().map(|entry| entry.path());
    let is_it = |process: &PathBuf| {
        let line = fs_err::read_to_string(process.join("cmdline"));
        line.is_ok_and(|line| line == wanted)
    };
    all.into_iter().find(is_it).context("the dashboard does not run")
}

/// The seconds of a core that it took, and its children that have ended.
fn ticks(process: &Path) -> anyhow::Result<f64> {
    let stat = fs_err::read_to_string(process.join("stat"))?;
    let fields = stat.rsplit_once(')').context("a process without a name")?.1;
    // utime, stime, cutime and cstime, counted from the state behind the name.
    let ticks: f64 = fields.split_whitespace().skip(11).take(4).flat_map(str::parse::<f64>).sum();
    let in_a_second: f64 = Program::new("getconf").arg("CLK_TCK").read()?.parse()?;
    Ok(ticks / in_a_second)
}

fn bytes_read(process: &Path) -> anyhow::Result<u64> {
    let io = fs_err::read_to_string(process.join("io"))?;
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    Ok(read.context("the kernel counts no bytes")?.trim().parse()?)
}

fn end(process: &Path) -> anyhow::Result<()> {
    let name = process.file_name().context("a process has a number")?;
    Program::new("kill").arg(name).run()
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured here")]
fn pause(time: Duration) {
    thread::sleep(time);
}
