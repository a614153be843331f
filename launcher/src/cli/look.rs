//! What shows bottles, what they wrote and what was decided in them.

use clap::Args;
use compose_render::Slug;

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// One service alone: agent, pipelock, egress, git-gate, supervise
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,

    /// Go on printing as lines arrive
    #[arg(short, long)]
    pub follow: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Audit {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// Only what was denied
    #[arg(long)]
    pub denied: bool,

    /// Print the lines as the sidecars wrote them
    #[arg(long)]
    pub json: bool,

    /// Check the chain of what people decided, and print the digest of its last line
    #[arg(long, conflicts_with_all = ["denied", "json"])]
    pub verify: bool,

    /// A digest that `--verify` printed before: finds lines that were cut off since
    #[arg(long, value_name = "DIGEST", requires = "verify")]
    pub head: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Dashboard {}

#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// Also what was decided before
    #[arg(long)]
    pub all: bool,

    /// Only what is denied
    #[arg(long)]
    pub denied: bool,

    /// Print the lines as the sidecars write them
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Metrics {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,
}
