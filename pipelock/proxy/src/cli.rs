//! What may be typed: upstream's own argv, so that the one image can take the other's place.

use clap::{Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// The one door to the internet of a bottle
#[derive(Debug, Parser)]
#[command(name = "pipelock", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM; SIGHUP reads the configuration again
    Run {
        /// The configuration; `bottle.yaml` lies beside it
        #[arg(short, long)]
        config: PathBuf,
        /// Where the proxy listens, instead of `fetch_proxy.listen`
        #[arg(short, long)]
        listen: Option<SocketAddr>,
    },
    /// Answer DNS until SIGTERM, for a bottle whose pipelock is another's: no name exists
    Names {
        /// Where, over UDP and TCP
        #[arg(short, long)]
        listen: SocketAddr,
    },
    /// Say what is wrong with a configuration, and which of its keys have no effect
    Check {
        /// The configuration; `bottle.yaml` lies beside it
        #[arg(short, long)]
        config: PathBuf,
    },
    /// Succeed when the pipelock in this container serves
    Healthcheck,
    /// Show what the pipelock in this container has loaded
    Status {
        /// As one line of JSON, which is the only form there is
        #[arg(long)]
        json: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn upstreams_argv_is_understood() {
        Cli::command().debug_assert();
        for argv in [
            &["run", "--config", "/config/pipelock.yaml", "--listen", "0.0.0.0:8888"][..],
            &["run", "-c", "/config/pipelock.yaml", "-l", "10.213.0.3:8888"],
            &["check", "--config", "/config/pipelock.yaml"],
            &["names", "--listen", "10.213.0.7:53"],
            &["healthcheck"],
            &["status", "--json"],
        ] {
            Cli::try_parse_from(["pipelock"].iter().chain(argv)).unwrap();
        }
        assert!(Cli::try_parse_from(["pipelock", "run"]).is_err());
    }
}
