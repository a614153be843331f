//! What asking and answering cost.

mod asking;

use serde_json::json;

use super::{dashboard, keep};
use crate::checkout::Checkout;
use crate::program::Program;

/// Measures, and leaves the figures.
pub(super) fn run(checkout: &Checkout, only_dashboard: bool) -> anyhow::Result<()> {
    let asking = if only_dashboard { json!(null) } else { asking::measure(checkout)? };
    Program::cargo(checkout)
        .args(["build", "--quiet", "--release", "--package", "launcher", "--bin", "bottle"])
        .run()?;
    let program = checkout.target.join("release/bottle");
    let dashboard = dashboard::measure(&program)?;
    keep(checkout, "approvals", &json!({ "asking": asking, "dashboard": dashboard }))
}
