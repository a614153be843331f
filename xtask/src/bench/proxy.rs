//! pipelock beside mitmproxy and beside no proxy at all: the same client, origin and work.

pub(super) mod ground;
pub(super) mod mitmproxy;
pub(super) mod process;
mod table;

use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

use self::ground::{Ground, Programs, Way};
use self::process::Process;
use self::table::{Cell, ROWS, Row, Table};
use super::figures::Figures;
use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::{data, say};

/// Who is measured.
pub(super) const SIDES: [&str; 3] = ["direct", "mitmproxy", "pipelock"];
const COLD_STARTS: usize = 20;

/// Builds and installs what is needed, then measures in a network of its own.
pub(super) fn run(checkout: &Checkout, rounds: usize, inside: bool) -> anyhow::Result<()> {
    let rival = mitmproxy::install(checkout)?;
    if !inside {
        Programs::build(checkout, &["pipelock-proxy"])?;
        return ground::enter(&["proxy", "--rounds", &rounds.to_string(), "--inside"]);
    }
    let programs = Programs::built(checkout);
    let ground = Ground::set(checkout, &programs, "proxy")?;
    let binary = programs.sidecars.join("pipelock-proxy");
    let mut table = Table::default();
    cold_starts(&ground, &binary, &mut table)?;
    let (ours, theirs): (SocketAddr, SocketAddr) =
        ("127.0.0.1:8888".parse()?, "127.0.0.1:8081".parse()?);
    let (mitmproxy, their_ca) =
        mitmproxy::start(&rival, theirs, &ground.origin_ca(), &ground.folder, &[])?;
    let pipelock = ground.pipelock(&binary, ours)?;
    let through =
        |proxy, trust| Way { proxy: Some(proxy), trust, headers: Vec::new(), origin: None };
    let ways = [
        (ground.direct(), None),
        (through(theirs, their_ca), Some(&mitmproxy)),
        (through(ours, ground.folder.join("ca.pem")), Some(&pipelock)),
    ];
    resident(&ways, &mut table, "resident MB, idle")?;
    for round in 1..=rounds {
        say(format!("round {round} of {rounds}"));
        for row in ROWS {
            for ((way, process), side) in ways.iter().zip(SIDES) {
                one(&ground, (way, *process), (row, side), &mut table)?;
            }
        }
    }
    resident(&ways, &mut table, "resident MB, after the bench")?;
    size(&binary, &mut table)?;
    let commands = [&mitmproxy.shown, &pipelock.shown];
    let versions = [
        mitmproxy::version(&rival)?,
        Program::new(&binary).arg("--version").read()?,
        Program::new("uname").arg("-sr").read()?,
    ];
    table.print();
    for line in versions.iter().chain(commands) {
        data(line);
    }
    let written = json!({"rounds": rounds, "versions": versions, "commands": commands,
                         "rows": table.json()});
    super::keep(checkout, "proxy", &written)
}

/// One row of one side.
fn one(
    ground: &Ground,
    (way, process): (&Way, Option<&Process>),
    (row, side): (&Row, &'static str),
    table: &mut Table,
) -> anyhow::Result<()> {
    let before = process.map(Process::cpu_seconds).transpose()?;
    let measured = ground.load(way, row.arguments)?;
    let after = process.map(Process::cpu_seconds).transpose()?;
    let figures = |ms: &[f64]| {
        let mut figures = Figures::default();
        for &ms in ms {
            figures.push(ms);
        }
        figures.median()
    };
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand requests")]
    let requests = measured.requests as f64;
    for cell in row.cells {
        let value = match cell {
            Cell::PerSecond(_) => requests / measured.seconds,
            Cell::Median(_) => figures(&measured.ms),
            Cell::First(_) => figures(&measured.first_ms),
            Cell::CpuMicros(_) => match before.zip(after) {
                Some((before, after)) => (after - before) * 1e6 / requests.max(1.0),
                None => continue,
            },
        };
        table.put(cell.name(), side, value);
    }
    Ok(())
}

fn cold_starts(ground: &Ground, binary: &Path, table: &mut Table) -> anyhow::Result<()> {
    for _ in 0..COLD_STARTS {
        let process = ground.pipelock(binary, "127.0.0.1:8888".parse()?)?;
        table.put("cold start to healthy, ms", "pipelock", process.ready_ms);
    }
    Ok(())
}

fn resident(
    ways: &[(Way, Option<&Process>)],
    table: &mut Table,
    name: &'static str,
) -> anyhow::Result<()> {
    for ((_, process), side) in ways.iter().zip(SIDES) {
        if let Some(process) = process {
            table.put(name, side, process.resident_mb()?);
        }
    }
    Ok(())
}

/// The image holds this file and nothing else.
fn size(binary: &Path, table: &mut Table) -> anyhow::Result<()> {
    #[expect(clippy::cast_precision_loss, reason = "some megabytes")]
    let mb = fs_err::metadata(binary)?.len() as f64 / 1e6;
    table.put("image MB (one static file)", "pipelock", mb);
    Ok(())
}
