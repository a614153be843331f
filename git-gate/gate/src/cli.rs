//! What `/git-gate` can be asked.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// git-gate: serves a bottle's repositories and judges every push
#[derive(Debug, Parser)]
#[command(name = "git-gate", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM
    Run {
        /// The gate file; keys lie in `keys` beside it
        #[arg(long)]
        config: PathBuf,
        /// Where smart HTTP is spoken
        #[arg(long)]
        listen: SocketAddr,
        /// Where the mirrors are kept
        #[arg(long, default_value = "/mirrors")]
        mirrors: PathBuf,
    },
    /// Say whether a gate file could be loaded
    Check {
        /// The gate file
        #[arg(long)]
        config: PathBuf,
    },
    /// Look through objects of a mirror as a push would, and print how long it took as JSON
    Judge {
        /// The mirror's folder
        #[arg(long)]
        mirror: PathBuf,
        /// The gate file, beside which the fingerprints lie
        #[arg(long, default_value = "/config/gate.yaml")]
        config: PathBuf,
        /// What is new
        new: String,
        /// What is known already
        known: String,
    },
    /// Exit 0 when the git-gate in this container answers requests
    Healthcheck,
    /// Print the state of the git-gate in this container as JSON
    Status {
        /// Kept for scripts: the output is always JSON
        #[arg(long)]
        json: bool,
    },
}
