//! `cargo xtask demo`: the genuine agent works in a bottle, and tries to leave it.

mod script;

use crate::checkout::Checkout;

/// Nothing to choose yet.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_checkout: &Checkout, _arguments: &Arguments) -> anyhow::Result<()> {
    let setting = serde_json::json!({
        "hosts": ["127.0.0.1"], "sinks": [script::SINK],
        "scripts": {script::NAME: script::write(4444, "n0nce")},
    });
    crate::ui::data(setting.to_string());
    Ok(())
}
