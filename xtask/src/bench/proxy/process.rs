//! A program in the background: what it uses, and its end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::program::{Program, terminate};

/// What a start may take before it counts as failed.
const START: Duration = Duration::from_secs(30);
/// And what an end may take until it is a kill.
const END: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_micros(200);

/// Runs until it is dropped.
#[derive(Debug)]
pub(in crate::bench) struct Process {
    handle: duct::Handle,
    pub(in crate::bench) pid: u32,
    /// The command line, as it would be typed.
    pub(in crate::bench) shown: String,
    /// From the start until it was ready.
    pub(in crate::bench) ready_ms: f64,
}

/// When a program counts as started.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) enum Ready {
    /// Somebody accepts there.
    Accepts(SocketAddr),
    /// `GET /health` is answered with 200 there.
    Healthy(SocketAddr),
}

impl Process {
    /// Starts it; what it says goes to that file.
    pub(in crate::bench) fn start(
        program: &Program,
        log: &Path,
        ready: Ready,
    ) -> anyhow::Result<Self> {
        let shown = program.shown();
        let began = Instant::now();
        let expression = program.expression().stdin_null().stderr_to_stdout().stdout_path(log);
        let handle =
            expression.unchecked().start().with_context(|| format!("cannot run `{shown}`"))?;
        let pid = handle.pids().first().copied().context("a program without a process")?;
        let mut process = Self { handle, pid, shown, ready_ms: 0.0 };
        while !ready.is_so() {
            if process.handle.try_wait()?.is_some() || began.elapsed() > START {
                let said = fs_err::read_to_string(log).unwrap_or_default();
                bail!("`{}` does not start: {}", process.shown, said.trim());
            }
            std::thread::park_timeout(GLANCE);
        }
        process.ready_ms = began.elapsed().as_secs_f64() * 1000.0;
        Ok(process)
    }

    /// Resident memory, in MB.
    pub(in crate::bench) fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb = line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?;
        Ok(kb.parse::<f64>()? * 1.024 / 1000.0)
    }

    /// Processor time it used so far, in seconds.
    pub(in crate::bench) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        /// What the kernel counts in, on every Linux that Docker runs on.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (_, fields) = stat.rsplit_once(')').context("an odd `stat`")?;
        let ticks = |at| fields.split_whitespace().nth(at).and_then(|text| text.parse().ok());
        let (user, system): (f64, f64) = ticks(11).zip(ticks(12)).context("an odd `stat`")?;
        Ok((user + system) / TICKS_PER_SECOND)
    }
}

impl Drop for Process {
    /// Asked first: a killed nginx leaves its workers behind.
    fn drop(&mut self) {
        terminate(self.pid);
        if !matches!(self.handle.wait_timeout(END), Ok(Some(_))) {
            self.handle.kill().ok();
        }
    }
}

impl Ready {
    fn is_so(self) -> bool {
        match self {
            Self::Accepts(address) => TcpStream::connect(address).is_ok(),
            Self::Healthy(address) => is_healthy(address).unwrap_or(false),
        }
    }
}

fn is_healthy(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
