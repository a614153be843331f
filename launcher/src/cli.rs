//! What a person can type: clap types only, whose doc comments are the help.

mod decide;
mod look;
mod sidecar;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use compose_render::Slug;

pub(crate) use self::decide::{
    Apply, Approve, Deciding, Deny, Edit, Learn, Proposals, Revoke, Rollback, Scope,
};
pub(crate) use self::look::{Audit, Dashboard, List, Logs, Metrics, Show, Watch};
pub(crate) use self::sidecar::{Sidecar, SidecarAction, SidecarRender, SidecarStart, SidecarStop};

/// Run a coding agent in a bottle: a container with no way out but through its sidecars
#[derive(Debug, Parser)]
#[command(name = "bottle", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub talk: Talk,

    #[command(subcommand)]
    pub command: Command,
}

/// Behind a command's own options in its help.
const LAST: usize = 900;

/// How much is said on stderr; stdout is for data alone.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Talk {
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = LAST)]
    pub quiet: bool,

    /// Say more: what is run, and what it answers
    #[arg(short, long, global = true, display_order = LAST)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a bottle, attach to its agent, and take everything down when it ends
    Start(Start),
    /// Attach to the agent of a running bottle
    Attach(Attach),
    /// Run a command in the agent's container
    Exec(Exec),
    /// Open a shell in the agent's container
    Shell(Shell),
    /// List the bottles of this host: running, stopped, broken
    List(List),
    /// Show one bottle: services, health, policy generation, addresses
    Show(Show),
    /// Print the merged logs of a bottle, also after it is gone
    Logs(Logs),
    /// Print what the sidecars decided
    Audit(Audit),
    /// Print what the sidecars decide, as they decide it
    Watch(Watch),
    /// Show every bottle on one screen, and answer their agents there
    Dashboard(Dashboard),
    /// Print the sidecars' counters
    Metrics(Metrics),
    /// Show what the agent changed in its copy of the workspace
    Diff(Diff),
    /// Take a copied workspace out of a bottle
    Export(Export),
    /// Stop bottles and remove what they hold on this host
    Stop(Stop),
    /// Remove what no living bottle owns
    Cleanup(Cleanup),
    /// Print the compose file and every config of a start, without starting
    Render(Render),
    /// Report every fault of a manifest
    Check(Check),
    /// Print the JSON Schema of the manifest
    Schema(Schema),
    /// Print the policy a bottle runs under, or the one an agent would get
    Policy(Policy),
    /// List the routes of known services that a manifest can name with `preset`
    Presets(Presets),
    /// Put the manifest as it stands now in force in a bottle that runs
    Apply(Apply),
    /// Put a policy back that was in force before
    Rollback(Rollback),
    /// Show what agents ask for, and what it would come to
    Proposals(Proposals),
    /// Put in force what an agent asks for
    Approve(Approve),
    /// Put in force what a person makes of what an agent asks for
    Edit(Edit),
    /// Say no to what an agent asks for
    Deny(Deny),
    /// Take a grant back, and close what is open under it
    Revoke(Revoke),
    /// Show the smallest manifest that would have let a bottle do what it did
    Learn(Learn),
    /// Let a manifest found in a repository count, as it is now
    Trust(Trust),
    /// Write a commented manifest
    Init(Init),
    /// Report what on this host would make a start fail or weaken it
    Doctor(Doctor),
    /// Print shell completions
    Completions(Completions),
    /// Run pipelock alone
    Pipelock(Sidecar),
    /// Run egress alone
    Egress(Sidecar),
    /// Run git-gate alone
    GitGate(Sidecar),
    /// Stay with a bottle nobody looks at; its lock is on stdin
    #[command(hide = true)]
    Keep(Keep),
}

/// Which manifest is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManifestChoice {
    /// The manifest; else `./bottle.yaml` once trusted, the config folder's, the built-in one
    #[arg(long = "manifest", value_name = "FILE", env = "BOTTLE_MANIFEST")]
    pub path: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Start {
    /// An agent of the manifest, such as `implementer`
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// The bottle's name [default: AGENT and four letters]
    #[arg(long, value_name = "NAME")]
    pub name: Option<Slug>,

    /// The folder the agent works on; or `clone`: the first git upstream, from the gate
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,

    /// Go on with the saved workspace and conversation of a stopped bottle
    #[arg(long, value_name = "BOTTLE")]
    pub resume: Option<Slug>,

    /// Return once the bottle is proven tight; ARGS go on running inside
    #[arg(short, long)]
    pub detach: bool,

    /// Leave the containers until `bottle stop`
    #[arg(long)]
    pub keep: bool,

    /// For so long (as in `30m`) let what no rule allows pass, and write it down
    #[arg(long, value_name = "DURATION", value_parser = decide::duration)]
    pub observe: Option<u64>,

    /// Name files that hold credentials and are to be copied all the same
    #[arg(long = "include", value_name = "PATH")]
    pub include: Vec<PathBuf>,

    #[command(flatten)]
    pub manifest: ManifestChoice,

    /// An image that stands for the model's API on the uplink; for demonstrations
    #[arg(long, hide = true, value_name = "IMAGE", requires = "stand_in_ca")]
    pub stand_in: Option<String>,

    /// The authority that signed the stand-in's certificate
    #[arg(long, hide = true, value_name = "FILE", requires = "stand_in")]
    pub stand_in_ca: Option<PathBuf>,

    /// The host the stand-in answers for
    #[arg(long, hide = true, value_name = "HOST", default_value = "api.anthropic.com")]
    pub stand_in_host: String,

    /// Added to the agent's command
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct Attach {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,
}

#[derive(Args, Debug)]
pub(crate) struct Keep {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,
}

#[derive(Args, Debug)]
pub(crate) struct Exec {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// The command and its arguments; no shell reads them
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct Shell {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,
}

#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// Only the names of what changed
    #[arg(long)]
    pub names: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// A new folder, or an empty one
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Stop {
    /// The bottles, by their names
    #[arg(required = true, value_name = "BOTTLE")]
    pub bottles: Vec<Slug>,
}

#[derive(Args, Debug)]
pub(crate) struct Cleanup {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Also the saved state of stopped bottles, and images of ours that nothing uses
    #[arg(long)]
    pub all: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Render {
    /// An agent of the manifest, such as `implementer`
    #[arg(value_name = "AGENT")]
    pub agent: String,

    /// The bottle's name [default: AGENT]
    #[arg(long, value_name = "NAME")]
    pub name: Option<Slug>,

    /// The folder the agent would work on
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub workspace: PathBuf,

    #[command(flatten)]
    pub manifest: ManifestChoice,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The manifest [default: the one a start would read]
    #[arg(value_name = "MANIFEST", env = "BOTTLE_MANIFEST")]
    pub manifest: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Schema {}

#[derive(Args, Debug)]
pub(crate) struct Presets {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Policy {
    /// A bottle of this host, or an agent of the manifest
    #[arg(value_name = "BOTTLE|AGENT")]
    pub bottle: String,

    /// What changed since that version of a bottle's policy
    #[arg(long, value_name = "N")]
    pub diff: Option<u64>,

    #[command(flatten)]
    pub manifest: ManifestChoice,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Trust {
    /// The manifest
    #[arg(value_name = "MANIFEST", default_value = "bottle.yaml")]
    pub manifest: PathBuf,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,

    /// Take the trust back
    #[arg(long, conflicts_with = "yes")]
    pub revoke: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "bottle.yaml")]
    pub file: PathBuf,

    /// Replace the file that is there
    #[arg(long)]
    pub force: bool,

    /// Print it instead
    #[arg(long, conflicts_with = "force")]
    pub print: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Whose completions
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn clap_finds_no_fault_in_it() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_reference_names_every_command_that_help_shows() {
        let reference = include_str!("../../docs/commands.md");
        let commands = Cli::command();
        for command in commands.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let named = [format!("`{name}`"), format!("`{name} ")];
            assert!(named.iter().any(|named| reference.contains(named)), "{name}");
        }
    }
}
