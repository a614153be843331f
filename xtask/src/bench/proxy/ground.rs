//! Where proxies are measured: a network of their own with loopback alone, a name server that leads
//! every name to the origin, and the origin.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use super::process::{Process, Ready};
use crate::checkout::Checkout;
use crate::program::{Program, found};
use crate::sidecars;

/// The name that is asked for.
pub(in crate::bench) const HOST: &str = "bench.example.org";
const ORIGIN: &str = "127.0.0.1:443";
const DNS: &str = "127.0.0.1:53";
/// Health of a sidecar, as the contract has it.
pub(in crate::bench) const ADMIN: &str = "127.0.0.1:9100";

/// The programs, built.
#[derive(Debug)]
pub(in crate::bench) struct Programs {
    /// The folder of the sidecars' static binaries.
    pub(in crate::bench) sidecars: PathBuf,
    pub(in crate::bench) load: PathBuf,
}

impl Programs {
    pub(in crate::bench) fn build(checkout: &Checkout, binaries: &[&str]) -> anyhow::Result<Self> {
        sidecars::build_these(checkout, "dist", &[], binaries)?;
        Program::cargo(checkout)
            .args(["build", "--quiet", "--release", "--package", "bench-load"])
            .run()?;
        Ok(Self::built(checkout))
    }

    /// As they were built before.
    pub(in crate::bench) fn built(checkout: &Checkout) -> Self {
        Self {
            sidecars: checkout.target.join("sidecars-dist"),
            load: checkout.target.join("release/bench-load"),
        }
    }
}

/// Becomes this very task inside of a network of its own.
pub(in crate::bench) fn enter(arguments: &[&str]) -> anyhow::Result<()> {
    for program in ["unshare", "ip", "mount"] {
        anyhow::ensure!(found(program), "`{program}` is missing: install util-linux and iproute2");
    }
    let myself = std::env::current_exe().context("cannot tell where this program is")?;
    // A user of its own where this one is not root.
    let program = Program::new("unshare").args(["--map-root-user", "--net", "--mount", "--"]);
    Err(program.arg(myself).args(["bench"]).args(arguments.iter().copied()).exec())
}

/// The ground, set: everything is stopped when it is dropped.
#[derive(Debug)]
pub(in crate::bench) struct Ground {
    pub(in crate::bench) folder: PathBuf,
    load: PathBuf,
    _origin: Process,
}

/// What the client measured.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Measured {
    pub(in crate::bench) ms: Vec<f64>,
    #[serde(default)]
    pub(in crate::bench) first_ms: Vec<f64>,
    pub(in crate::bench) requests: usize,
    pub(in crate::bench) seconds: f64,
    /// Of `idle`: what the processes that were named needed.
    #[serde(default)]
    pub(in crate::bench) pss_mb: Option<f64>,
}

/// One way to the origin: a proxy and what signs its leaves, or none.
#[derive(Clone, Debug)]
pub(in crate::bench) struct Way {
    pub(in crate::bench) proxy: Option<SocketAddr>,
    pub(in crate::bench) trust: PathBuf,
    pub(in crate::bench) headers: Vec<String>,
    /// What is dialled where there is no proxy, if it is not the origin itself.
    pub(in crate::bench) origin: Option<SocketAddr>,
}

impl Ground {
    /// Only inside of a network of its own.
    pub(in crate::bench) fn set(
        checkout: &Checkout,
        programs: &Programs,
        name: &str,
    ) -> anyhow::Result<Self> {
        let folder = checkout.target.join("bench").join(name);
        fs_err::create_dir_all(&folder)?;
        Program::new("ip").args(["link", "set", "lo", "up"]).read()?;
        let resolver = folder.join("resolv.conf");
        fs_err::write(&resolver, "nameserver 127.0.0.1\n")?;
        Program::new("mount").arg("--bind").arg(&resolver).arg("/etc/resolv.conf").read()?;
        Program::new(&programs.load)
            .args(["mint", "--host", HOST, "--folder"])
            .arg(&folder)
            .read()?;
        let origin = Program::new(&programs.load)
            .args(["origin", "--listen", ORIGIN, "--dns", DNS, "--folder"])
            .arg(&folder);
        let ready = Ready::Accepts(ORIGIN.parse()?);
        let origin = Process::start(&origin, &folder.join("origin.log"), ready)?;
        Ok(Self { folder, load: programs.load.clone(), _origin: origin })
    }

    /// Whom to trust at the origin.
    pub(in crate::bench) fn origin_ca(&self) -> PathBuf {
        self.folder.join("origin-ca.pem")
    }

    /// Without a proxy.
    pub(in crate::bench) fn direct(&self) -> Way {
        Way { proxy: None, trust: self.origin_ca(), headers: Vec::new(), origin: None }
    }

    /// Runs the client once.
    pub(in crate::bench) fn load(&self, way: &Way, row: &[&str]) -> anyhow::Result<Measured> {
        let mut program =
            Program::new(&self.load).args(["load", "--host", HOST, "--trust"]).arg(&way.trust);
        if let Some(proxy) = way.proxy {
            program = program.args(["--proxy", &proxy.to_string()]);
        }
        if let Some(origin) = way.origin {
            program = program.args(["--origin", &origin.to_string()]);
        }
        for header in &way.headers {
            program = program.args(["--header", header]);
        }
        let printed = program.args(row.iter().copied()).read()?;
        serde_json::from_str(&printed).context("the client printed something else")
    }

    /// Starts pipelock with the bench's host allowed and the origin trusted.
    pub(in crate::bench) fn pipelock(
        &self,
        binary: &Path,
        listen: SocketAddr,
    ) -> anyhow::Result<Process> {
        let config = self.folder.join("pipelock.yaml");
        let policy = format!(
            "mode: strict\napi_allowlist: [{HOST}]\nforward_proxy: {{enabled: true}}\n\
             tls_interception: {{enabled: true}}\nresponse_scanning: {{action: warn}}\n\
             ssrf: {{ip_allowlist: [127.0.0.0/8]}}\n"
        );
        fs_err::write(&config, policy)?;
        let trusted = fs_err::read_to_string(self.origin_ca())?;
        let trusted: String = trusted.lines().flat_map(|line| ["  ", line, "\n"]).collect();
        fs_err::write(
            self.folder.join("bottle.yaml"),
            format!("version: 1\nupstream_ca: |\n{trusted}"),
        )?;
        let program = Program::new(binary)
            .args(["run", "--config"])
            .arg(&config)
            .args(["--listen", &listen.to_string()]);
        Process::start(&program, &self.folder.join("pipelock.log"), Ready::Healthy(ADMIN.parse()?))
    }
}
