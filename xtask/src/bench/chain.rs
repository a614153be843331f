//! The agent's side to the origin through egress and pipelock, both opening TLS, beside one
//! mitmproxy that replaces a header, and large files beside nginx twice in a row.

mod apply;
mod nginx;
mod ours;
mod table;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::json;

use self::ours::Chain;
use self::table::{ALONE, Cell, ROWS, Row, SIDES, Table};
use super::figures::Figures;
use super::proxy::ground::{self, Ground, Programs, Way};
use super::proxy::mitmproxy;
use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::{data, say};

/// So often the policy of a running bottle is changed.
const CHANGES: usize = 10;
/// Where the figures of `apply` lie until the rest is measured: a bottle needs the host's network.
const APPLY: &str = "chain-apply.json";

/// Builds and installs what is needed, then measures in a network of its own.
pub(super) fn run(checkout: &Checkout, rounds: usize, inside: bool) -> anyhow::Result<()> {
    let rival = mitmproxy::install(checkout)?;
    nginx::install()?;
    let kept = checkout.target.join("bench").join(APPLY);
    if !inside {
        Programs::build(checkout, &["pipelock-proxy", "egress-proxy"])?;
        let applies = apply::measure(checkout, CHANGES)?;
        fs_err::create_dir_all(checkout.target.join("bench"))?;
        fs_err::write(&kept, serde_json::to_vec(&applies)?)?;
        return ground::enter(&["chain", "--rounds", &rounds.to_string(), "--inside"]);
    }
    let programs = Programs::built(checkout);
    let mut table = Table::default();
    let applies: Vec<f64> = serde_json::from_slice(&fs_err::read(&kept)?)?;
    for ms in applies {
        table.put_alone(ALONE[1].0, ms);
    }

    let ground = Ground::set(checkout, &programs, "chain")?;
    let theirs: SocketAddr = "127.0.0.1:8081".parse()?;
    let addon = replacing(&ground)?;
    let more = ["--scripts", addon.as_str()];
    let (mitmproxy, their_ca) =
        mitmproxy::start(&rival, theirs, &ground.origin_ca(), &ground.folder, &more)?;
    let nginx = nginx::start(&ground.folder, ground::HOST, "127.0.0.1:443")?;
    let chain = ours::start(&ground, &programs.sidecars)?;
    let through = |proxy, trust| {
        let headers = vec!["x-api-key: sk-bench-BottlePlaceholder0123456789".to_owned()];
        Way { proxy: Some(proxy), trust, headers, origin: None }
    };
    let ways = [
        through(theirs, their_ca),
        Way { origin: Some(nginx::LISTEN.parse()?), ..ground.direct() },
        through(ours::EGRESS.parse()?, ground.folder.join("egress/ca.pem")),
    ];
    // First, so that what the other rows left in the allocator is not counted.
    idle(&ground, &ways[2], &chain, &mut table)?;
    for round in 1..=rounds {
        say(format!("round {round} of {rounds}"));
        for row in ROWS {
            for (way, side) in ways.iter().zip(SIDES) {
                if side == row.rival || side == SIDES[2] {
                    one(&ground, way, (row, side), &mut table)?;
                }
            }
        }
    }
    let missed = table.print();
    let commands = [&mitmproxy, &nginx, &chain.egress, &chain.pipelock];
    let commands = commands.map(|process| process.shown.clone());
    let versions = [
        mitmproxy::version(&rival)?,
        nginx::version()?,
        version(&programs.sidecars.join("egress-proxy"))?,
        version(&programs.sidecars.join("pipelock-proxy"))?,
        Program::new("uname").arg("-sr").read()?,
    ];
    for line in versions.iter().chain(&commands) {
        data(line);
    }
    let written = json!({"rounds": rounds, "versions": versions, "commands": commands,
                         "missed": missed, "rows": table.json()});
    super::keep(checkout, "chain", &written)
}

/// The addon that does egress's work in mitmproxy.
fn replacing(ground: &Ground) -> anyhow::Result<String> {
    let path = ground.folder.join("replace_header.py");
    let text = format!(
        "def request(flow):\n    if flow.request.pretty_host == {:?}:\n        \
         flow.request.headers['x-api-key'] = {:?}\n",
        ground::HOST,
        ours::SECRET
    );
    fs_err::write(&path, text)?;
    path.into_os_string().into_string().ok().context("a path that is no text")
}

fn one(
    ground: &Ground,
    way: &Way,
    (row, side): (&Row, &'static str),
    table: &mut Table,
) -> anyhow::Result<()> {
    let measured = ground
        .load(way, row.arguments)
        .with_context(|| format!("`{}` of {side} came to nothing", row.name))?;
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand requests")]
    let value = match row.cell {
        Cell::PerSecond => measured.requests as f64 / measured.seconds,
        Cell::Median => Figures::of(measured.ms).median(),
    };
    table.put(row.name, side, value);
    Ok(())
}

fn idle(ground: &Ground, way: &Way, chain: &Chain, table: &mut Table) -> anyhow::Result<()> {
    let pids = [chain.egress.pid, chain.pipelock.pid].map(|pid| pid.to_string());
    let measured = ground.load(way, &["idle", "--pid", &pids[0], "--pid", &pids[1]])?;
    ensure!(measured.requests == 1000, "not all connections stayed open");
    table.put_alone(ALONE[0].0, measured.pss_mb.context("no memory was measured")?);
    Ok(())
}

fn version(binary: &Path) -> anyhow::Result<String> {
    Program::new(binary).arg("--version").read()
}
