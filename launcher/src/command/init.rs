//! `bottle init`.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::Init, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
