//! What `/egress` can be asked.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// egress: adds a bottle's credentials to the requests its routes name
#[derive(Debug, Parser)]
#[command(name = "egress", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM; read the routes again on SIGHUP
    Run {
        /// The routes file; the authority's `ca.pem` and `ca-key.pem` lie beside it
        #[arg(long)]
        config: PathBuf,
        /// Where CONNECT and absolute-form requests are taken
        #[arg(long)]
        listen: SocketAddr,
        /// Leave ports 443 and 80, for tools that know nothing of proxies, alone
        #[arg(long)]
        no_steering: bool,
    },
    /// Say whether a routes file could be loaded
    Check {
        /// The routes file
        #[arg(long)]
        config: PathBuf,
    },
    /// Exit 0 when the egress in this container answers requests
    Healthcheck,
    /// Print the state of the egress in this container as JSON
    Status {
        /// Kept for scripts: the output is always JSON
        #[arg(long)]
        json: bool,
    },
    /// Give the egress in this container new values: a JSON object of names and values on stdin
    Credentials,
}
