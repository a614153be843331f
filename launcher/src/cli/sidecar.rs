//! What runs one sidecar alone.

use clap::{Args, Subcommand};
use compose_render::Slug;

use super::ManifestChoice;

#[derive(Args, Debug)]
pub(crate) struct Sidecar {
    #[command(subcommand)]
    pub action: SidecarAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SidecarAction {
    /// Start this sidecar alone, as a project of one service
    Start(SidecarStart),
    /// Stop it and remove what it holds
    Stop(SidecarStop),
    /// Print its compose file and configs
    Render(SidecarRender),
}

#[derive(Args, Debug)]
pub(crate) struct SidecarStart {
    /// The project's name
    #[arg(long, value_name = "NAME")]
    pub name: Slug,

    /// Take its settings from the bottle of this agent
    #[arg(long, value_name = "AGENT", default_value = "implementer")]
    pub agent: String,

    #[command(flatten)]
    pub manifest: ManifestChoice,
}

#[derive(Args, Debug)]
pub(crate) struct SidecarStop {
    /// The project's name
    #[arg(value_name = "NAME")]
    pub name: Slug,
}

#[derive(Args, Debug)]
pub(crate) struct SidecarRender {
    /// The project's name
    #[arg(long, value_name = "NAME")]
    pub name: Slug,

    /// Take its settings from the bottle of this agent
    #[arg(long, value_name = "AGENT", default_value = "implementer")]
    pub agent: String,

    #[command(flatten)]
    pub manifest: ManifestChoice,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
