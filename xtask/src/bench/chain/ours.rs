//! egress before pipelock, as a bottle has them, on one loopback.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;

use crate::bench::proxy::ground::{ADMIN, Ground, HOST};
use crate::bench::proxy::process::{Process, Ready};
use crate::program::Program;

pub(super) const EGRESS: &str = "127.0.0.1:8080";
const PIPELOCK: &str = "127.0.0.1:8888";
/// pipelock has the one of the contract.
const EGRESS_ADMIN: &str = "127.0.0.1:9101";
/// By which pipelock knows egress: as good as any here.
const HOP: &str = "a-hop-secret-of-the-bench-0123456789";
/// What egress puts in.
pub(super) const SECRET: &str = "sk-bench-00000000-a-secret-of-no-use-0123456789";

/// Both, pipelock first.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) pipelock: Process,
    pub(super) egress: Process,
}

pub(super) fn start(ground: &Ground, binaries: &Path) -> anyhow::Result<Chain> {
    let pipelock = pipelock(ground, &binaries.join("pipelock-proxy"))?;
    let egress = egress(ground, &binaries.join("egress-proxy"))?;
    Ok(Chain { pipelock, egress })
}

fn pipelock(ground: &Ground, binary: &Path) -> anyhow::Result<Process> {
    let policy = format!(
        "mode: strict\napi_allowlist: [{HOST}]\nforward_proxy: {{enabled: true}}\n\
         tls_interception: {{enabled: true}}\nresponse_scanning: {{action: warn}}\n\
         ssrf: {{ip_allowlist: [127.0.0.0/8]}}\n"
    );
    let config = ground.folder.join("pipelock.yaml");
    fs_err::write(&config, policy)?;
    let own = format!(
        "version: 1\negress: 127.0.0.1\nrouted: [{HOST}]\nupstream_ca: |\n{}",
        indented(&ground.origin_ca(), "  ")?
    );
    fs_err::write(ground.folder.join("bottle.yaml"), own)?;
    let program = Program::new(binary)
        .args(["run", "--config"])
        .arg(&config)
        .args(["--listen", PIPELOCK])
        .env("BOTTLE_HOP_SECRET", HOP);
    Process::start(&program, &ground.folder.join("pipelock.log"), Ready::Healthy(ADMIN.parse()?))
}

fn egress(ground: &Ground, binary: &Path) -> anyhow::Result<Process> {
    let folder = ground.folder.join("egress");
    let routes = format!(
        "version: 1\npipelock:\n  address: {PIPELOCK}\n  authority: |\n{}routes:\n- host: {HOST}\n  \
         port: 443\n  methods: []\n  paths: []\n  credentials:\n  - variable: KEY\n    \
         placeholder: sk-bench-BottlePlaceholder0123456789\n    form: header\n    name: x-api-key\n  \
         cookies: pass\n  websocket: deny\n",
        indented(&ground.folder.join("ca.pem"), "    ")?
    );
    let config = folder.join("routes.yaml");
    fs_err::write(&config, routes)?;
    let admin: SocketAddr = EGRESS_ADMIN.parse()?;
    let program = Program::new(binary)
        .args(["run", "--no-steering", "--config"])
        .arg(&config)
        .args(["--listen", EGRESS])
        .env("BOTTLE_HOP_SECRET", HOP)
        .env("BOTTLE_CREDENTIAL_KEY", SECRET)
        .env("BOTTLE_ADMIN_PORT", admin.port().to_string());
    Process::start(&program, &folder.join("log"), Ready::Healthy(admin))
}

fn indented(file: &Path, by: &str) -> anyhow::Result<String> {
    let text = fs_err::read_to_string(file).context("what was minted is missing")?;
    Ok(text.lines().flat_map(|line| [by, line, "\n"]).collect())
}
