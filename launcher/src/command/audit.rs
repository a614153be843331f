//! `bottle audit`.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::Audit, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
