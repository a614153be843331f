//! `cargo xtask fuzz`: bytes that libFuzzer makes up, against what must hold of every reader of an agent's
//! bytes. The targets are in `fuzz/`, everything made is below `target/fuzz`.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

use crate::checkout::Checkout;
use crate::program::{Program, cargo};
use crate::ui::{data, say};

/// cargo-fuzz, as it is installed below `target/tools`.
const VERSION: &str = "0.13.2";
/// In the order in which they are run.
const TARGETS: [&str; 6] = ["client-hello", "http-head", "destination", "dlp", "dns", "config"];
/// How long each is run where nothing else is said.
const SECONDS: u32 = 60;
/// The slowest answer to one text of at most [`LONGEST`] bytes, in seconds.
const SLOWEST: u32 = 10;
const LONGEST: u32 = 16 * 1024;
const MEBIBYTES: u32 = 2048;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Build every target and run each for a minute
    #[arg(long, required_unless_present = "target", conflicts_with_all = ["target", "seconds"])]
    smoke: bool,
    /// Which to run
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// For so many seconds; 0 is without end
    #[arg(default_value_t = SECONDS)]
    seconds: u32,
}

pub(crate) fn run(checkout: &Checkout, arguments: &Arguments) -> anyhow::Result<()> {
    let one = arguments.target.as_deref();
    let wanted: Vec<&str> = one.map_or(TARGETS.to_vec(), |one| vec![one]);
    let fuzz = Fuzz { checkout, folder: checkout.target.join("fuzz") };
    fuzz.build(one)?;
    let failed: Vec<&str> =
        wanted.into_iter().filter(|target| !fuzz.holds(target, arguments.seconds)).collect();
    if !failed.is_empty() {
        bail!("{} did not hold; what broke it is in `target/fuzz/found`", failed.join(", "));
    }
    Ok(())
}

struct Fuzz<'a> {
    checkout: &'a Checkout,
    folder: PathBuf,
}

impl Fuzz<'_> {
    /// One target, or all. Instrumented, and without a sanitizer: those need a nightly compiler, and
    /// nothing here is unsafe.
    fn build(&self, target: Option<&str>) -> anyhow::Result<()> {
        let cargo_fuzz = cargo_fuzz(self.checkout)?;
        // The versions that the product has; libFuzzer's own are added to them.
        let (lock, ours) = (self.checkout.root.join("Cargo.lock"), self.checkout.root.join("fuzz"));
        fs_err::copy(lock, ours.join("Cargo.lock"))?;
        say("building the targets");
        Program::new(&cargo_fuzz)
            .within(&ours)
            .args(["fuzz", "build", "--fuzz-dir", ".", "--sanitizer", "none", "--target-dir"])
            .arg(&self.folder)
            .args(target)
            .run()
    }

    /// Runs a target from its seeds and what earlier runs came upon, and says how it went.
    fn holds(&self, target: &str, seconds: u32) -> bool {
        say(format!("running {target} for {seconds} s"));
        match self.tried(target, seconds) {
            Ok(row) => data(row),
            Err(error) => {
                say(format!("{error:#}"));
                return false;
            }
        }
        true
    }

    fn tried(&self, target: &str, seconds: u32) -> anyhow::Result<String> {
        let [corpus, found] = ["corpus", "found"].map(|kind| self.folder.join(kind).join(target));
        fs_err::create_dir_all(&corpus)?;
        fs_err::create_dir_all(&found)?;
        let host = host()?;
        let ran = Program::new(self.folder.join(&host).join("release").join(target))
            .within(&self.checkout.root)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={SLOWEST}"))
            .arg(format!("-max_len={LONGEST}"))
            .arg(format!("-rss_limit_mb={MEBIBYTES}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg("-print_final_stats=1")
            .arg(&corpus)
            .arg(self.checkout.root.join("fuzz/seeds").join(target))
            .capture()?;
        let said = |name: &str| {
            let line = ran.stderr.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim_start_matches(':').trim().to_owned()
        };
        ensure!(ran.code == 0, "{}\n{target} did not hold", tail(&ran.stderr));
        let (runs, mebibytes) = (said("stat::number_of_executed_units"), said("stat::peak_rss_mb"));
        Ok(format!("{target:<14}{runs:>12} texts{mebibytes:>8} MB at most"))
    }
}

/// What libFuzzer says at the end, where it says what broke.
fn tail(text: &str) -> String {
    const LINES: usize = 40;
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

/// What this machine is called by the compiler: cargo-fuzz builds for it by name.
fn host() -> anyhow::Result<String> {
    let said = Program::new("rustc").args(["--version", "--verbose"]).read()?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say for which machine it builds")
}

/// Installed once, from its own lock file.
fn cargo_fuzz(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    let program = checkout.tools().join("bin/cargo-fuzz");
    let there = Program::new(&program).args(["fuzz", "--version"]).read();
    if there.is_ok_and(|version| version.ends_with(VERSION)) {
        return Ok(program);
    }
    say(format!("installing cargo-fuzz {VERSION} into `target/tools`"));
    // In a folder of its own: the product's builds are not waited for.
    Program::new(cargo())
        .args(["install", "--quiet", "--locked", "--force", "--version", VERSION, "--root"])
        .arg(checkout.tools())
        .args(["cargo-fuzz"])
        .run()?;
    Ok(program)
}
