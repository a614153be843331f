//! `bottle check`: every fault of a manifest, and nothing else.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, find};
use crate::manifest::{Faults, Manifest, list, lookup};
use crate::ui::Ui;

pub(crate) fn run(args: &cli::Check, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let read = match named(args, &environment) {
        Some(path) => lookup::open(&path, &environment),
        None => Manifest::built_in(&environment).map_err(Into::into),
    };
    if args.json {
        return as_json(read, ui);
    }
    let manifest = read?;
    let names: Vec<&str> = manifest.agents.keys().map(String::as_str).collect();
    ui.say(format_args!("{} is right: it has {}", manifest.origin, list(&names)));
    Ok(Exit::Done)
}

/// The file to check: the one that was named, else the first that is there. To check one is not
/// to trust it.
fn named(args: &cli::Check, environment: &Environment) -> Option<PathBuf> {
    let here = || Some(PathBuf::from(lookup::FILE)).filter(|path| path.exists());
    let own = || {
        let folder = environment.config_folder()?;
        Some(folder.join(lookup::FILE)).filter(|path| path.exists())
    };
    args.manifest.as_deref().map(Path::to_owned).or_else(here).or_else(own)
}

fn as_json(read: anyhow::Result<Manifest>, ui: &Ui) -> anyhow::Result<Exit> {
    let error = match read {
        Ok(manifest) => {
            ui.json(&json!({ "file": manifest.origin.to_string(), "faults": [] }))?;
            return Ok(Exit::Done);
        }
        Err(error) => error,
    };
    let Some(Faults { file, faults }) = find::<Faults>(&error) else { return Err(error) };
    ui.json(&json!({ "file": file, "faults": faults }))?;
    Ok(Exit::Refused)
}
