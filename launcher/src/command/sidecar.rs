//! `bottle pipelock|egress start|stop|render`: one sidecar alone.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

/// Which sidecar was named.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Pipelock,
    Egress,
}

pub(crate) fn run(_part: Part, _args: &cli::Sidecar, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
