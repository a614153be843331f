//! `bottle learn`: the smallest manifest that would have let a bottle do what it did, as a diff.

use std::path::PathBuf;

use anyhow::Context as _;
use compose_run::BottleDir;

use crate::apply::Started;
use crate::bottles;
use crate::cli;
use crate::decide::{diff, manifest_of};
use crate::decisions;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host;
use crate::learn;
use crate::manifest::{Manifest, Origin, flow, lookup, rewrite};
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Learn, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let dir = host::state(&environment)?.bottle(&args.bottle);
    if !dir.exists() {
        return Err(bottles::no_such(&args.bottle));
    }
    // A bottle of the built-in manifest comes to a file of its own.
    let built_in = Started::read(&dir).is_some_and(|it| it.origin == Origin::BuiltIn.to_string());
    let (origin, path, before) = if built_in {
        let text = Manifest::built_in_text(&environment).to_owned();
        (Origin::BuiltIn, PathBuf::from(lookup::FILE), text)
    } else {
        let (path, text) = manifest_of(&dir)?;
        (Origin::File(path.clone()), path, text)
    };
    let manifest = Manifest::read(&before, origin.clone(), environment.path("HOME"))?;
    let name = agent(&dir)?;
    let (agent, bottle) = manifest.agent(&name)?;
    let decisions = decisions::read(dir.path())
        .hint("a sidecar's own file was replaced by something else: do not trust this bottle")?;
    let uses = learn::uses(&decisions, &args.mark);
    if uses.is_empty() {
        ui.say(
            "this bottle was allowed nothing, and no denial is marked: there is nothing to learn",
        );
        return Ok(Exit::Done);
    }
    let routes: Vec<String> = learn::routes(&uses, bottle).iter().map(flow::route).collect();
    // Without TLS nothing is looked into on the way: such a host is allowed whole.
    let plain_hosts = uses.keys().filter(|(_, port)| *port == 80);
    let allow: Vec<String> = plain_hosts.map(|(host, _)| flow::quoted(host)).collect();
    let key = agent.bottle.as_str();
    let after = rewrite::with_list(&before, &["bottles", key, "egress", "routes"], &routes)?;
    let after = rewrite::with_list(&after, &["bottles", key, "pipelock", "allow"], &allow)?;
    Manifest::read(&after, origin, environment.path("HOME"))
        .context("what was learnt comes to no good manifest")?;
    if after == before {
        ui.say("the manifest grants what was used, and nothing more");
        return Ok(Exit::Done);
    }
    let base = if built_in { "" } else { before.as_str() };
    ui.data(plain(&diff(&path, base, &after)))?;
    ui.say("nothing was written: `patch` takes this, and `bottle trust` after it");
    if decisions::is_cut(dir.path()) {
        ui.warn("the sidecars' files are bounded, and their oldest lines are gone: look twice");
    }
    Ok(Exit::Done)
}

fn agent(dir: &BottleDir) -> anyhow::Result<String> {
    let metadata = dir.metadata()?.context("the bottle's `metadata.json` is not there")?;
    Ok(metadata.agent)
}
