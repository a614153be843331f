//! `bottle-guest`: the small static binary that lies read-only in the agent's container.
//!
//! The image of an agent may be anybody's, so nothing in a bottle relies on a shell, a `tar` or a
//! `curl` being in it. What runs here runs as the agent and is trusted no more than the agent is:
//! the launcher judges what it says by what arrives on the host.

mod idle;
mod logged;
mod pack;
mod place;
mod probe;
mod session;
mod settle;
mod unpack;

use std::process::ExitCode;

use anyhow::Context as _;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    answer(&words).unwrap_or_else(|error| {
        report(&error);
        ExitCode::FAILURE
    })
}

fn answer(words: &[&str]) -> anyhow::Result<ExitCode> {
    match words {
        ["session", "run", "--", command @ ..] => return session::run(command).map(ExitCode::from),
        ["session", "attach"] => return session::attach().map(ExitCode::from),
        ["session", "status"] => session::status(),
        ["session", "keep", "--", command @ ..] => session::keep(command)?,
        ["session", "become", terminal, "--", command @ ..] => {
            session::become_command(terminal, command)?;
        }
        ["logged", "--", command @ ..] => logged::become_command(command)?,
        ["idle"] => idle::wait_for_the_end()?,
        ["settle", uid, gid, folders @ ..] => settle::settle(uid, gid, folders)?,
        ["unpack"] => unpack::from_stdin()?,
        ["pack", limit, roots @ ..] => {
            let limit =
                limit.parse().with_context(|| format!("`{limit}` is no number of bytes"))?;
            pack::to_stdout(roots, limit)?;
        }
        ["place", paths @ ..] => place::tell(paths)?,
        ["probe", spec] => probe::run(spec)?,
        ["reach", nonce, addresses @ ..] => probe::reach(nonce, addresses)?,
        _ => {
            anyhow::bail!(
                "usage: bottle-guest idle|settle|unpack|pack|place|probe|reach|session|logged"
            )
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "the one place that says why it failed")]
fn report(error: &anyhow::Error) {
    eprintln!("bottle-guest: {error:#}");
}
