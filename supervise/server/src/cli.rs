//! What `/supervise` can be asked.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// supervise: takes what a bottle's agent asks for, for a person to answer
#[derive(Debug, Parser)]
#[command(name = "supervise", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM
    Run {
        /// The configuration
        #[arg(long)]
        config: PathBuf,
        /// Where MCP is spoken
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Say whether a configuration could be loaded
    Check {
        /// The configuration
        #[arg(long)]
        config: PathBuf,
    },
    /// Exit 0 when the supervise in this container answers requests
    Healthcheck,
    /// Print the state of the supervise in this container as JSON
    Status {
        /// Kept for scripts: the output is always JSON
        #[arg(long)]
        json: bool,
    },
}
