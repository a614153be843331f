//! `bottle stop`.

use std::sync::Mutex;
use std::thread;

use compose_render::Slug;

use crate::cli;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::host::Host;
use crate::stop;
use crate::ui::Ui;

/// So many bottles are taken down at once: an engine gains nothing from more.
const AT_ONCE: usize = 4;

pub(crate) fn run(args: &cli::Stop, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let left = Mutex::new(args.bottles.iter());
    let failed: Mutex<Vec<anyhow::Error>> = Mutex::default();
    let next = || left.lock().ok()?.next();
    let work = || {
        while let Some(slug) = next() {
            // One that cannot be stopped does not keep the others.
            if let Err(error) = one(&host, slug, ui)
                && let Ok(mut failed) = failed.lock()
            {
                failed.push(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..AT_ONCE.min(args.bottles.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut failed = failed.into_inner().unwrap_or_default();
    let last = failed.pop();
    for error in &failed {
        ui.failure(error);
    }
    last.map_or(Ok(Exit::Done), Err)
}

fn one(host: &Host, slug: &Slug, ui: &Ui) -> anyhow::Result<()> {
    stop::stop(host, slug, ui)?;
    ui.say(format_args!("bottle `{slug}` is stopped"));
    Ok(())
}
