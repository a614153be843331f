//! A command without a terminal, whose output becomes the container's own: the engine keeps it,
//! bounded, and `bottle logs --service agent` shows it.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;

/// The output of the container's first process, which the engine keeps.
const KEPT: &str = "/proc/1/fd/1";

/// Becomes the command. Comes back only with an error.
#[expect(clippy::disallowed_methods, reason = "in the container there is no other door")]
pub(crate) fn become_command(command: &[&str]) -> anyhow::Result<()> {
    let (program, args) = command.split_first().context("no command")?;
    let out = File::options().append(true).open(KEPT).context("cannot open the container's log")?;
    let log = out.try_clone()?;
    let failed = Command::new(program).args(args).stdout(out).stderr(log).exec();
    Err(failed).with_context(|| format!("cannot run `{program}`"))
}
