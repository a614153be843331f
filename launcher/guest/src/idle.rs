//! What an agent's container runs while nobody is attached: nothing, until it is told to stop.

use anyhow::Context as _;
use nix::sys::signal::{SigSet, Signal};

/// Waits for SIGTERM, SIGINT or SIGHUP. The engine's init beside it takes care of orphans.
pub(crate) fn wait_for_the_end() -> anyhow::Result<()> {
    let mut ends = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        ends.add(signal);
    }
    ends.thread_block().context("cannot block signals")?;
    ends.wait().context("cannot wait for a signal")?;
    Ok(())
}
