//! `cargo xtask tidy`: the rules of this repository that no compiler holds.

mod edges;
mod files;

use anyhow::bail;

use crate::adversary;
use crate::checkout::Checkout;
use crate::ui::say;

/// Reports every fault there is, not only the first.
pub(crate) fn run(checkout: &Checkout) -> anyhow::Result<()> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(checkout.root.join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()?;
    let mut faults = edges::faults(&metadata);
    faults.extend(files::faults(&checkout.root)?);
    faults.extend(adversary::faults(checkout)?);
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        say(format!("  {fault}"));
    }
    bail!("{} faults", faults.len())
}
