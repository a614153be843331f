//! `bottle render`: the compose file and every config of a start, without starting.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;
use compose_render::{ImageRef, Slug};
use compose_run::Owner;
use compose_run::networks::Pool;
use serde_json::json;

use crate::agent_image;
use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::manifest::lookup;
use crate::plan::{Entropy, Ground, Images, Places, Plan, Purpose, Rendered, Wish, cores};
use crate::trust::state_root;
use crate::ui::Ui;

/// The tag of images whose content is known only once they are built.
const UNBUILT: &str = "built-at-the-start";
/// In the place of a certificate that is minted at the start.
const UNMINTED: &str = "minted at the start\n";

pub(crate) fn run(args: &cli::Render, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let plan = plan(args, &environment, ui)?;
    let ground = ground(&plan, &environment)?;
    let rendered = plan.render(&ground)?;
    let files = shown(&rendered);
    if args.json {
        ui.json(&json!({
            "slug": plan.slug, "compose": rendered.compose, "files": files,
            "routes": plan.routes.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "secrets": plan.secrets.keys().collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let mut out = format!("# docker-compose.yml\n{}", rendered.compose);
    for (name, text) in files.iter().filter(|(name, _)| name.as_str() != "seccomp.json") {
        write!(out, "\n# {name}\n{text}")?;
    }
    ui.data(out)?;
    Ok(Exit::Done)
}

fn plan(args: &cli::Render, environment: &Environment, ui: &Ui) -> anyhow::Result<Plan> {
    let manifest = lookup::find(&args.manifest, environment, ui)?;
    let slug = match &args.name {
        Some(slug) => slug.clone(),
        None => args.agent.parse::<Slug>()?,
    };
    let wish = Wish {
        purpose: Purpose::Show,
        agent: args.agent.clone(),
        entropy: Entropy::for_show(&slug),
        slug,
        workspace: args.workspace.clone(),
        include: Vec::new(),
        args: Vec::new(),
        stand_in: None,
        cores: cores(),
    };
    Plan::make(&manifest, wish, environment)
}

/// The ground a start would stand on, as far as it is known without asking the engine.
pub(super) fn ground(plan: &Plan, environment: &Environment) -> anyhow::Result<Ground> {
    let pool = match environment.get("BOTTLE_SUBNETS") {
        Some(text) => text.parse().hint("`BOTTLE_SUBNETS` is a network such as 10.213.0.0/16")?,
        None => Pool::default(),
    };
    let image = |part: &str| ImageRef::local(part, UNBUILT);
    let owner = Owner::of_sidecars();
    let agent = compose_render::contract::AGENT_UID;
    Ok(Ground {
        addresses: pool.first().context("the pool of subnets has no room")?,
        images: Images {
            agent: agent_image::name_of(&plan.image)?,
            pipelock: image("pipelock"),
            egress: plan.has_egress().then(|| image("egress")),
            git_gate: plan.has_git_gate().then(|| image("git-gate")),
            supervise: plan.supervise.then(|| image("supervise")),
        },
        places: Places {
            bottle: state_root(environment)?.join(plan.slug.as_str()),
            owner: (owner.uid, owner.gid),
            agent: (agent, agent),
        },
        pipelock_authority: UNMINTED.to_owned(),
        authority_keys: Vec::new(),
        host_addresses: Vec::new(),
    })
}

/// Every file that may be shown, by its path in the bottle's folder.
fn shown(rendered: &Rendered) -> BTreeMap<String, String> {
    let of_sidecars = rendered.files.iter().flat_map(|(role, files)| {
        files.iter().map(move |file| (format!("{role}/{}", file.path.display()), file))
    });
    let own = rendered.own.iter().map(|file| (file.path.display().to_string(), file));
    of_sidecars
        .chain(own)
        .filter(|(_, file)| !file.is_secret())
        .map(|(name, file)| (name, file.contents().to_owned()))
        .collect()
}
