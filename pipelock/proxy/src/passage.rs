//! Connections that pass unopened: hosts whose TLS a person wants left alone. Their server name was
//! held against their destination before.

use crate::budgets::Meters;
use sidecar::{Event, Line, Log};
use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tls_intercept::{Denial, Reason};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};

const PIECE: usize = 16 * 1024;

/// How many bytes passed: from the agent, and to it.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

/// The line of a connection that passes, written when it is over.
#[derive(Debug)]
pub(crate) struct Passing {
    pub(crate) log: Log,
    pub(crate) line: Line,
    pub(crate) begun: Instant,
    pub(crate) meters: Meters,
    pub(crate) passed: Passed,
}

impl Passing {
    /// It does not pass after all.
    pub(crate) fn refused(&mut self, denial: &Denial, detail: Option<String>) {
        let failed = denial.reason.status().is_server_error();
        self.line.event = if failed { Event::Error } else { Event::Denied };
        self.line.reason = Some(denial.reason.as_str().to_owned());
        (self.line.unscanned, self.line.detail) = (None, detail);
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let sent = self.passed.sent.load(Ordering::Relaxed);
        let received = self.passed.received.load(Ordering::Relaxed);
        if let Some(over) = self.meters.over() {
            self.line.event = Event::Denied;
            self.line.reason = Some(Reason::BudgetExceeded.as_str().to_owned());
            self.line.rule = Some(over.rule.clone());
        }
        self.log.write(Line {
            bytes_in: Some(sent),
            bytes_out: Some(received),
            duration_ms: Some(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)),
            ..self.line.clone()
        });
    }
}

/// Carries bytes both ways until both ends are over, one fails, nothing moves for that long, or a
/// budget is used up.
pub(crate) async fn carry<A, B>(
    agent: A,
    upstream: B,
    idle: Duration,
    (passed, meters): (&Passed, &Meters),
) where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (from_agent, to_agent) = split(agent);
    let (from_upstream, to_upstream) = split(upstream);
    let both = async {
        tokio::try_join!(
            pump(from_agent, to_upstream, (&passed.sent, meters)),
            pump(from_upstream, to_agent, (&passed.received, meters)),
        )
    };
    tokio::select! {
        // Whoever is gone does not mind how the other ended.
        _ = both => {}
        () = silence(passed, idle) => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    (count, meters): (&AtomicU64, &Meters),
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return to.shutdown().await;
        }
        meters.pass(read as u64, Instant::now()).map_err(|_| io::ErrorKind::QuotaExceeded)?;
        to.write_all(piece.get(..read).unwrap_or_default()).await?;
        count.fetch_add(read as u64, Ordering::Relaxed);
    }
}

/// Resolves when nothing moved for that long.
async fn silence(passed: &Passed, idle: Duration) {
    let moved = || passed.sent.load(Ordering::Relaxed) + passed.received.load(Ordering::Relaxed);
    let mut before = moved();
    loop {
        tokio::time::sleep(idle).await;
        let now = moved();
        if now == before {
            return;
        }
        before = now;
    }
}
