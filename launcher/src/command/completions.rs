//! `bottle completions`.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::Completions, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
