//! `bottle watch`: one line for each decision as it is made, for people and pipes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use compose_render::{Role, contract};
use compose_run::{BottleDir, Phase, read_plain_from, wait};

use crate::bottles;
use crate::cli;
use crate::decisions::{DECIDE, Decision};
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host;
use crate::ui::{Ui, plain};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often the bottle is: its end is the end of this.
const LOOK_AT_BOTTLE: Duration = Duration::from_secs(1);
/// The most that is read of one file at a time.
const PIECE: u64 = 1 << 20;

/// How far one sidecar's file was read.
#[derive(Default)]
struct Place {
    inode: u64,
    at: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

pub(crate) fn run(args: &cli::Watch, ui: &Ui) -> anyhow::Result<Exit> {
    let dir = host::state(&Environment::of_process())?.bottle(&args.bottle);
    if !dir.exists() {
        return Err(bottles::no_such(&args.bottle));
    }
    let mut places: BTreeMap<Role, Place> = BTreeMap::new();
    let mut first = !args.all;
    let mut looked = Instant::now();
    loop {
        let mut new = Vec::new();
        for role in DECIDE {
            let place = places.entry(role).or_default();
            new.extend(read(&dir, role, place).hint(
                "a sidecar's own file was replaced by something else: do not trust this bottle",
            )?);
        }
        new.sort_by(|a: &Decision, b| a.text("time").cmp(&b.text("time")));
        let mut out = ui.stream();
        for decision in new.iter().filter(|one| !first && (!args.denied || one.is_denied())) {
            let line =
                if args.json { decision.line.clone() } else { plain(&decision.for_people()) };
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                // Whoever read has seen enough.
                return Ok(Exit::Done);
            }
        }
        if std::mem::take(&mut first) {
            ui.say("watching; `--all` prints what was decided before as well");
        }
        if looked.elapsed() >= LOOK_AT_BOTTLE {
            looked = Instant::now();
            let phase = dir.metadata()?.map(|metadata| metadata.phase);
            if !matches!(phase, Some(Phase::Starting | Phase::Running)) {
                return Ok(Exit::Done);
            }
        }
        wait::pause(LOOK);
    }
}

/// The whole lines that have come since.
fn read(dir: &BottleDir, role: Role, place: &mut Place) -> anyhow::Result<Vec<Decision>> {
    let file = Path::new(role.as_str()).join("outbox").join(contract::DECISIONS_FILE);
    let mut decisions = Vec::new();
    loop {
        let piece = match read_plain_from(dir.path(), &file, (place.inode, place.at), PIECE) {
            Ok(piece) => piece,
            Err(error) if error.is_absent() => return Ok(decisions),
            Err(error) => return Err(error.into()),
        };
        if piece.inode != place.inode {
            place.begun.clear();
        }
        (place.inode, place.at) = (piece.inode, piece.end);
        if piece.bytes.is_empty() {
            return Ok(decisions);
        }
        place.begun.extend(piece.bytes);
        let whole = place.begun.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = place.begun.drain(..whole).collect();
        decisions.extend(String::from_utf8_lossy(&lines).lines().filter_map(Decision::parse));
    }
}
