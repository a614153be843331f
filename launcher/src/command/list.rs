//! `bottle list`.

use crate::cli;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(_args: &cli::List, _ui: &Ui) -> anyhow::Result<Exit> {
    anyhow::bail!("not there yet")
}
