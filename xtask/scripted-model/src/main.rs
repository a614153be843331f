//! The scripted model's command line, on the host and in its container.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use compose_render::Slug;
use scripted_model::{Model, Server, Setting, ask, mint, tls_server};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A model that follows a script
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the running model answers `report`, `release` and `healthcheck`
    #[arg(long, global = true, default_value = "127.0.0.1:9100")]
    control: SocketAddr,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM
    Run(Run),
    /// Mint a certificate for this host, and the authority that vouches for it
    Mint {
        #[arg(long)]
        slug: Slug,
        #[arg(long)]
        host: String,
        #[arg(long)]
        folder: PathBuf,
    },
    /// Print what has arrived, as JSON
    Report,
    /// Let a held step go on
    Release,
    /// Succeed when the model answers
    Healthcheck,
}

#[derive(Debug, clap::Args)]
struct Run {
    #[arg(long, default_value = "/setting.json")]
    setting: PathBuf,
    #[arg(long, default_value = "/certificate.der")]
    certificate: PathBuf,
    #[arg(long, default_value = "/key.der")]
    key: PathBuf,
    /// The port of the model, over TLS
    #[arg(long, default_value_t = 443)]
    port: u16,
    /// The address that the model and its sinks listen on
    #[arg(long, default_value_t = Ipv4Addr::UNSPECIFIED)]
    address: Ipv4Addr,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Run(run) => serve(&run, arguments.control),
        Command::Mint { slug, host, folder } => mint(&slug, &host, &folder),
        Command::Report => print(&ask(arguments.control, "/report")?),
        Command::Release => print(&ask(arguments.control, "/release")?),
        Command::Healthcheck => ask(arguments.control, "/health").map(drop),
    }
}

#[tokio::main]
async fn serve(run: &Run, control: SocketAddr) -> anyhow::Result<()> {
    let text = fs_err::read(&run.setting)?;
    let setting: Setting = serde_json::from_slice(&text)
        .with_context(|| format!("cannot understand `{}`", run.setting.display()))?;
    let tls = tls_server(&run.certificate, &run.key)?;
    let sinks = setting.sinks.clone();
    let server = Server::new(Model::new(setting));
    server.serve_model(listen(SocketAddr::from((run.address, run.port))).await?, tls);
    for port in sinks {
        server.serve_sink(listen(SocketAddr::from((run.address, port))).await?);
    }
    server.serve_control(listen(control).await?);
    let mut stopped = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = stopped.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    server.shutdown.cancel();
    server.tasks.close();
    server.tasks.wait().await;
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on `{address}`"))
}

#[expect(clippy::print_stdout, clippy::unnecessary_wraps, reason = "a command's answer is data")]
fn print(answer: &str) -> anyhow::Result<()> {
    println!("{}", answer.trim_end());
    Ok(())
}
