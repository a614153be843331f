//! The rival: mitmproxy from `PyPI`, in a virtual environment of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::process::{Process, Ready};
use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::say;

/// What was current when the figures of the README were taken; a later one may be slower or faster.
const PACKAGE: &str = "mitmproxy==11.0.2";

/// Where it reads its addon and leaves its authority.
const AUTHORITY: &str = "mitmproxy-ca-cert.pem";

/// Events pass as they come: without this they are collected to the end.
const STREAM_EVENTS: &str = "def responseheaders(flow):\n    \
     kind = flow.response.headers.get('content-type', '')\n    \
     flow.response.stream = kind.startswith('text/event-stream')\n";

/// The folder of the programs, installed if they are not there.
pub(in crate::bench) fn install(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    let folder = checkout.tools().join("mitmproxy");
    let programs = folder.join("bin");
    if programs.join("mitmdump").is_file() {
        return Ok(programs);
    }
    say(format!("installing {PACKAGE} from PyPI into `target/tools/mitmproxy`"));
    fs_err::create_dir_all(checkout.tools())?;
    Program::new("python3").args(["-m", "venv"]).arg(&folder).read()?;
    Program::new(programs.join("pip")).args(["install", "--quiet", PACKAGE]).read()?;
    Ok(programs)
}

/// Starts it as a proxy that opens TLS and trusts that authority upstream; with more settings and
/// another addon where the caller has them.
pub(in crate::bench) fn start(
    programs: &Path,
    listen: SocketAddr,
    upstream_ca: &Path,
    folder: &Path,
    more: &[&str],
) -> anyhow::Result<(Process, PathBuf)> {
    let home = folder.join("mitmproxy");
    fs_err::create_dir_all(&home)?;
    let addon = home.join("stream_events.py");
    fs_err::write(&addon, STREAM_EVENTS)?;
    let program = Program::new(programs.join("mitmdump"))
        .arg("--quiet")
        .args(["--listen-host", &listen.ip().to_string()])
        .args(["--listen-port", &listen.port().to_string()])
        .args(["--set", &format!("confdir={}", home.display())])
        .args(["--set", &format!("ssl_verify_upstream_trusted_ca={}", upstream_ca.display())])
        .args(["--set", "flow_detail=0"])
        .arg("--scripts")
        .arg(&addon)
        .args(more.iter().copied());
    let process = Process::start(&program, &home.join("log"), Ready::Accepts(listen))?;
    Ok((process, home.join(AUTHORITY)))
}

/// What it says of itself.
pub(in crate::bench) fn version(programs: &Path) -> anyhow::Result<String> {
    let said = Program::new(programs.join("mitmdump")).arg("--version").read()?;
    Ok(said.lines().take(3).collect::<Vec<_>>().join(", "))
}
