//! `bottle logs`: of a bottle that runs, and of one that is gone.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, anyhow};
use compose_render::{Role, Slug};
use compose_run::{BottleDir, EscapeControls, RunError, containers};

use crate::bottles::{self, Condition};
use crate::cli;
use crate::environment::Environment;
use crate::exit::{self, Exit, Hint as _};
use crate::host::{self, Host};
use crate::signals::Signals;
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Logs, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let service = args.service.as_deref().map(role).transpose()?;
    let dir = host::state(&environment)?.bottle(&args.bottle);
    let saved = dir.compose_log().exists() && !dir.is_locked();
    // Without Docker, what was saved can still be read.
    let host = match Host::find(&environment) {
        Ok(host) => host,
        Err(_) if saved => return print_saved(&dir, service, ui),
        Err(error) => return Err(error),
    };
    let bottle = match bottles::one(&host, &args.bottle) {
        Ok(bottle) => bottle,
        Err(_) if saved => return print_saved(&dir, service, ui),
        Err(error) => return Err(error),
    };
    if bottle.containers.is_empty() {
        if bottle.condition == Condition::Starting {
            return Err(anyhow!("bottle `{}` has no containers yet", bottle.slug))
                .hint("try again in a moment");
        }
        return print_saved(&dir, service, ui);
    }
    let signals = Signals::quiet()?;
    match print(&host, &args.bottle, service, args.follow, ui) {
        Err(_) if signals.any() => Ok(Exit::Interrupted),
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Done),
        other => other.map(|()| Exit::Done),
    }
}

fn role(name: &str) -> anyhow::Result<Role> {
    let known = || {
        let names: Vec<_> = Role::ALL.iter().map(ToString::to_string).collect();
        exit::advise(
            exit::usage(format!("there is no service `{}`", name.escape_debug())),
            format!("the services are {}", names.join(", ")),
        )
    };
    Role::named(name).ok_or_else(known)
}

fn print(
    host: &Host,
    slug: &Slug,
    service: Option<Role>,
    follow: bool,
    ui: &Ui,
) -> anyhow::Result<()> {
    let mut out = EscapeControls::new(ui.stream());
    let printed = match (service, follow) {
        (Some(role), _) => {
            let mut call = host.docker.call(["logs", "--timestamps"]);
            if follow {
                call = call.arg("--follow");
            }
            call.arg(role.container(slug)).merge_stderr().stream(&mut out)
        }
        (None, true) => host.compose.follow(&host.project(slug), &[]).stream(&mut out),
        (None, false) => match host.compose.logs(&host.project(slug), &mut out) {
            // Its compose file is gone: one container after another.
            Err(RunError::Failed { .. }) => containers::logs(&host.docker, slug, &mut out),
            other => other,
        },
    };
    out.finish()?;
    Ok(printed?)
}

/// What was saved when the bottle was taken down; escaped already.
fn print_saved(dir: &BottleDir, service: Option<Role>, ui: &Ui) -> anyhow::Result<Exit> {
    let path = dir.compose_log();
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    let opened = File::options().read(true).custom_flags(flags.bits()).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(bottles::no_such(dir.slug())).context("no log was saved");
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
        }
    };
    let mut out = ui.stream();
    let name = service.map(|role| (role, role.container(dir.slug())));
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        if name.as_ref().is_some_and(|(role, name)| !is_of(&text, *role, name)) {
            continue;
        }
        match writeln!(out, "{text}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            other => other?,
        }
    }
    Ok(Exit::Done)
}

/// Whether that line of the merged log is the container's: what stands before the first bar is
/// compose's and cannot be forged by what a container prints.
pub(crate) fn is_of(line: &str, role: Role, container: &str) -> bool {
    let name = line.split_once('|').map_or("", |(name, _)| name.trim());
    name == container || name == role.as_str() || name == format!("{role}-1")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_the_container_that_compose_names() {
        let of = |line| is_of(line, Role::Agent, "bottle-a-agent");
        assert!(of("bottle-a-agent  | 2026 hello"));
        assert!(!of("bottle-a-egress | 2026 bottle-a-agent | forged"));
        assert!(!of("Attaching to bottle-a-agent"));
    }
}
