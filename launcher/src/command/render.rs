//! `bottle render`.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::Render, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
