//! What asking and answering cost.

use serde_json::json;

use super::{dashboard, keep};
use crate::checkout::Checkout;
use crate::program::Program;

/// Measures, and leaves the figures.
pub(super) fn run(checkout: &Checkout, _only_dashboard: bool) -> anyhow::Result<()> {
    Program::cargo(checkout)
        .args(["build", "--quiet", "--release", "--package", "launcher", "--bin", "bottle"])
        .run()?;
    let program = checkout.target.join("release/bottle");
    let dashboard = dashboard::measure(&program)?;
    keep(checkout, "approvals", &json!({ "dashboard": dashboard }))
}
