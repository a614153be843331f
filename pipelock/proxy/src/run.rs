//! Binds, serves, reads the policy again when asked to, and drains.

use crate::{
    door::Door,
    names,
    resolve::EngineResolver,
    rules::{Files, Rules, RulesError},
};
use anyhow::{Context as _, anyhow};
use ca::Authority;
use compose_render::UPSTREAM_PROXY_CREDENTIAL;
use compose_render::contract::DRAIN_DEADLINE;
use pipelock::{Listen, Policy};
use sidecar::{Event, Line, Log, Running, Shutdown, Status, chain, clock};
use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tls_intercept::{
    Interceptor, Limits, Mode,
    client::{Client, ClientLimits},
    serve,
};
use tokio::net::{TcpListener, UdpSocket};

/// Serves until the shutdown: the configuration's folder holds everything that is needed.
pub async fn run(
    running: Running,
    config: PathBuf,
    listen: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let Running { shutdown, mut reload, log, status, environment } = running;
    let rules = Files::read(&config)?.rules(1)?;
    let policy = Arc::clone(&rules.policy);
    if !policy.routed.is_empty() && environment.hop_secret.is_none() {
        return Err(anyhow!("hosts are routed, but the hop secret is not in the environment"));
    }
    let authority = authority(&config, &policy)?;
    let interceptor = Arc::new(Interceptor::new(authority, limits(&policy)));
    let resolver = EngineResolver::of_system().context("cannot read `/etc/resolv.conf`")?;
    let client = Client::new(ClientLimits::default(), shutdown.clone());
    said(&log, &status, &rules);
    let credential = environment.credentials.get(UPSTREAM_PROXY_CREDENTIAL);
    let door = Door::new(rules, Arc::new(resolver), client, environment.hop_secret, log.clone());
    let door = Arc::new(door.with_upstream_credential(credential));
    let sockets = Sockets::bind(&policy, listen).await?;
    sockets.serve(&door, &interceptor, &shutdown);
    status.set_ready();
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            () = reload.wished() => read_again(&config, &door, &log, &status),
            () = clock::reached(door.rules().next_end) => ended(&door, &log, &status),
        }
    }
    shutdown.drain(DRAIN_DEADLINE).await;
    Ok(())
}

/// The bounds of connections, as far as a policy sets them.
pub fn limits(policy: &Policy) -> Limits {
    let usual = Limits::default();
    Limits {
        idle: Duration::from_secs(policy.idle_seconds),
        lifetime: policy.tunnel_seconds.map_or(usual.lifetime, Duration::from_secs),
        ..usual
    }
}

/// Takes out of force what has ended, and closes its connections.
pub fn ended(door: &Door, log: &Log, status: &Status) {
    door.replace(door.rules().at(clock::now()));
    said(log, status, &door.rules());
}

/// Puts the policy in the folder in force, or keeps the one that is and says why.
pub fn read_again(config: &Path, door: &Door, log: &Log, status: &Status) {
    let before = door.rules();
    let files = match Files::read(config) {
        Ok(files) => files,
        Err(error) => return kept(log, status, &before, "", &error),
    };
    let digest = files.digest();
    if digest == before.digest {
        return said(log, status, &before);
    }
    match files.rules(before.generation + 1) {
        Ok(rules) => {
            // Listening sockets and the authority stay those of the start.
            door.replace(rules);
            said(log, status, &door.rules());
        }
        Err(error) => kept(log, status, &before, &digest, &error),
    }
}

fn said(log: &Log, status: &Status, rules: &Rules) {
    status.config_loaded(&rules.digest, rules.generation);
    log.write(Line {
        digest: Some(rules.digest.clone()),
        generation: Some(rules.generation),
        detail: rules.warning(),
        ..Line::new(Event::Config)
    });
}

fn kept(log: &Log, status: &Status, before: &Rules, digest: &str, error: &RulesError) {
    let because = chain(error);
    status.config_refused(digest, &because);
    log.write(Line {
        reason: Some("config-refused".to_owned()),
        digest: Some(digest.to_owned()),
        generation: Some(before.generation),
        detail: Some(because),
        ..Line::new(Event::Config)
    });
}

fn authority(config: &Path, policy: &Policy) -> anyhow::Result<Authority> {
    let folder = config.parent().unwrap_or(Path::new("."));
    let text = |name: &String| {
        // An absolute name stands for itself.
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    let [certificate, key] = &policy.authority;
    Ok(Authority::load(&text(certificate)?, &text(key)?)?)
}

/// Everything that is listened on, bound before anything is served: a port that is taken is an
/// error of the start.
struct Sockets {
    proxy: TcpListener,
    steered: Option<Steered>,
}

struct Steered {
    tls: TcpListener,
    http: TcpListener,
    dns_tcp: TcpListener,
    dns_udp: UdpSocket,
}

impl Sockets {
    async fn bind(policy: &Policy, listen: Option<SocketAddr>) -> anyhow::Result<Self> {
        let mut proxy = listen.unwrap_or(policy.proxy);
        let Some(Listen { address, dns, tls, http }) = policy.listen else {
            return Ok(Self { proxy: tcp(proxy).await?, steered: None });
        };
        let address = IpAddr::V4(address);
        // "Everywhere" would be the uplink as well.
        if proxy.ip().is_unspecified() {
            proxy.set_ip(address);
        }
        let at = |port| SocketAddr::new(address, port);
        let dns_udp = UdpSocket::bind(at(dns)).await;
        Ok(Self {
            proxy: tcp(proxy).await?,
            steered: Some(Steered {
                tls: tcp(at(tls)).await?,
                http: tcp(at(http)).await?,
                dns_tcp: tcp(at(dns)).await?,
                dns_udp: dns_udp.with_context(|| format!("cannot listen on `{}`", at(dns)))?,
            }),
        })
    }

    fn serve(self, door: &Arc<Door>, interceptor: &Arc<Interceptor>, shutdown: &Shutdown) {
        let accept = |listener, mode| {
            let (interceptor, door) = (Arc::clone(interceptor), Arc::clone(door));
            shutdown.spawn(serve(listener, mode, interceptor, door, shutdown.clone()));
        };
        accept(self.proxy, Mode::Proxy);
        let Some(steered) = self.steered else { return };
        accept(steered.tls, Mode::SteeredTls);
        accept(steered.http, Mode::SteeredHttp);
        let tcp = names::serve_tcp(steered.dns_tcp, Arc::clone(door), shutdown.clone());
        let udp = names::serve_udp(steered.dns_udp, Arc::clone(door), shutdown.clone());
        shutdown.spawn(tcp);
        shutdown.spawn(udp);
    }
}

async fn tcp(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on `{address}`"))
}
