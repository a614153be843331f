//! One pipelock with its policy, and everything round it.

use arc_swap::ArcSwap;
use ca::Authority;
use compose_render::{Role, Secret, contract};
use pipelock_proxy::{
    door::Door,
    resolve::{Answer, Resolve, Unresolved},
    rules::Files,
    run,
};
use rustls::{RootCertStore, pki_types::CertificateDer};
use serde_json::Value;
use sidecar::{Log, Shutdown, Status};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tls_intercept::{
    Interceptor, Mode,
    client::{Client, ClientLimits},
    serve,
};
use tokio::net::TcpListener;

use crate::{
    client::{Agent, PATIENCE},
    upstream::Upstream,
};

/// The hop secret of every world.
pub(crate) const SECRET: &str = "the-hop-secret-of-this-bottle";

/// What every world would show an upstream proxy.
pub(crate) const CREDENTIAL: &str = "user:pass";

/// A running pipelock. It stops with the test.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) door: Arc<Door>,
    pub(crate) status: Arc<Status>,
    pub(crate) log: Log,
    pub(crate) names: Arc<Names>,
    pub(crate) agent: Agent,
    /// Steered TLS.
    pub(crate) steered: SocketAddr,
    pub(crate) shutdown: Shutdown,
    /// What signs its leaves, in PEM.
    pub(crate) authority: String,
}

/// A name server that answers what a test says, and remembers what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Names {
    answers: ArcSwap<BTreeMap<String, Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn set(&self, name: &str, addresses: &[&str]) {
        let mut answers = BTreeMap::clone(&self.answers.load());
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        answers.insert(name.to_owned(), addresses);
        self.answers.store(Arc::new(answers));
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> Answer<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let found = self.answers.load().get(name).cloned();
        Box::pin(async move { found.ok_or_else(|| Unresolved::new(name, "no such name")) })
    }
}

impl World {
    /// A pipelock with these lines in its two files, besides the least that each needs.
    pub(crate) async fn new(upstream: &str, bottle: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        write_policy(dir.path(), upstream, bottle);
        let now = OffsetDateTime::now_utc();
        let authority = Authority::mint(&"it".parse().unwrap(), Role::Pipelock, now).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::clone(authority.certificate())).unwrap();
        let signs = authority.certificate_pem().to_owned();
        let status = Arc::new(Status::new(Role::Pipelock.as_str(), "0"));
        let log = Log::new(Role::Pipelock, None, Arc::clone(&status), Some(dir.path()));
        let rules = Files::read(&dir.path().join("pipelock.yaml")).unwrap().rules(1).unwrap();
        let limits = run::limits(&rules.policy);
        let (names, shutdown) = (Arc::new(Names::default()), Shutdown::new());
        let client = Client::new(ClientLimits::default(), shutdown.clone());
        let resolver: Arc<dyn Resolve> = Arc::<Names>::clone(&names);
        let secret = Some(Secret::new(SECRET.to_owned()));
        let door = Door::new(rules, resolver, client, secret, log.clone());
        let shown = Secret::new(CREDENTIAL.to_owned());
        let door = Arc::new(door.with_upstream_credential(Some(&shown)));
        let interceptor = Arc::new(Interceptor::new(authority, limits));
        let listen = async |mode| {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (interceptor, door) = (Arc::clone(&interceptor), Arc::clone(&door));
            shutdown.spawn(serve(listener, mode, interceptor, door, shutdown.clone()));
            address
        };
        let (proxy, steered) = (listen(Mode::Proxy).await, listen(Mode::SteeredTls).await);
        let agent = Agent { proxy, roots };
        Self { dir, door, status, log, names, agent, steered, shutdown, authority: signs }
    }

    /// A pipelock that allows `a.org`, which leads to this upstream, and trusts what signed it.
    pub(crate) async fn leading_to(upstream: &Upstream) -> Self {
        let world = Self::new(
            "api_allowlist: [a.org, '*.wild.org']\nssrf: {ip_allowlist: [127.0.0.0/8]}\n",
            &bottle(upstream),
        )
        .await;
        world.names.set("a.org", &["127.0.0.1"]);
        world
    }

    /// Replaces the files and asks for them to be read, as a SIGHUP does.
    pub(crate) fn reload(&self, upstream: &str, bottle: &str) {
        write_policy(self.dir.path(), upstream, bottle);
        self.read_again();
    }

    /// Asks for the files to be read, as a SIGHUP does.
    pub(crate) fn read_again(&self) {
        run::read_again(&self.config(), &self.door, &self.log, &self.status);
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("pipelock.yaml")
    }

    /// What `status --json` says.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.status.to_json()).unwrap()
    }

    /// Every line of the log so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.log.flush();
        let path = self.dir.path().join(contract::DECISIONS_FILE);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until the log has a line that fits.
    pub(crate) async fn line(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                if let Some(line) = self.lines().into_iter().find(&fits) {
                    return line;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        found.unwrap_or_else(|late| panic!("no such line, {late}: {:#?}", self.lines()))
    }

    /// Waits for the line with that reason.
    pub(crate) async fn reason(&self, reason: &str) -> Value {
        self.line(|line| line["reason"] == reason).await
    }
}

impl Deref for World {
    type Target = Agent;

    fn deref(&self) -> &Agent {
        &self.agent
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// The lines of `bottle.yaml` that open an upstream's port for `a.org` and trust its authority.
pub(crate) fn bottle(upstream: &Upstream) -> String {
    let mut text = format!(
        "ports: [{{host: a.org, port: {0}}}, {{host: '*.wild.org', port: {0}}}]\n",
        upstream.address.port()
    );
    if !upstream.authority.is_empty() {
        text.push_str("upstream_ca: |\n");
        for line in upstream.authority.lines() {
            writeln!(text, "  {line}").unwrap();
        }
    }
    text
}

fn write_policy(dir: &Path, upstream: &str, bottle: &str) {
    let least = [
        "mode: strict\n",
        "forward_proxy: {enabled: true}\n",
        "tls_interception: {enabled: true}\n",
    ];
    let section = |line: &&&str| !upstream.contains(line.split(' ').next().unwrap());
    let upstream = least.iter().filter(section).chain([&upstream]).copied().collect::<String>();
    let bottle = format!("version: 1\n{bottle}");
    compose_run::replace(&dir.join("pipelock.yaml"), upstream.as_bytes(), 0o600).unwrap();
    compose_run::replace(&dir.join("bottle.yaml"), bottle.as_bytes(), 0o600).unwrap();
}
