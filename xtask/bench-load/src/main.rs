//! The origin and the client between which a proxy is measured: small, so that what is measured is
//! the proxy.

mod client;
mod content;
mod load;
mod mint;
mod names;
mod origin;
mod row;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::client::Way;
use crate::row::Row;

/// Serve, or ask
#[derive(Debug, Parser)]
#[command(name = "bench-load")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Mint the origin's authority and leaf, and an authority for the proxy
    Mint {
        #[arg(long)]
        host: String,
        #[arg(long)]
        folder: PathBuf,
    },
    /// Serve the origin until SIGTERM, and say where every name leads
    Origin {
        #[arg(long)]
        listen: SocketAddr,
        /// Where questions for any name are answered with the address of `--listen`
        #[arg(long)]
        dns: Option<SocketAddr>,
        /// The folder that `mint` filled
        #[arg(long)]
        folder: PathBuf,
    },
    /// Measure one row, and print it as one line of JSON
    Load {
        /// The proxy that is asked for a tunnel; none is the direct way
        #[arg(long)]
        proxy: Option<SocketAddr>,
        /// A PEM file with the authority that signs what is seen at the other end
        #[arg(long)]
        trust: PathBuf,
        /// The name that is asked for
        #[arg(long)]
        host: String,
        #[arg(long, default_value_t = 443)]
        port: u16,
        /// What is dialled where there is no proxy
        #[arg(long, default_value = "127.0.0.1:443")]
        origin: SocketAddr,
        /// A header line of every request
        #[arg(long = "header")]
        headers: Vec<String>,
        #[command(subcommand)]
        row: Row,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Mint { host, folder } => mint::mint(&host, &folder),
        Command::Origin { listen, dns, folder } => origin::serve(listen, dns, &folder).await,
        Command::Load { proxy, trust, host, port, origin, headers, row } => {
            let way = Way::new(proxy, origin, &trust, (&host, port), &headers)?;
            print(&load::measure(&way, row).await?)
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command's answer is data")]
fn print(measured: &load::Measured) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(measured)?);
    Ok(())
}
