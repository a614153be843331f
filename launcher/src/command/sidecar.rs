//! `bottle pipelock|egress|git-gate start|stop|render`: one sidecar alone, as a project of one service.

use anyhow::{Context as _, anyhow};
use compose_render::{RenderedFile, Role, ServiceSpec, Sidecar, stitch, to_yaml};
use compose_run::networks::Uplink;
use compose_run::standalone::{self, Recipe, Site};
use compose_run::{Owner, Secrets};
use serde_json::json;
use time::OffsetDateTime;

use crate::agent_image::{self, Builder};
use crate::bottles;
use crate::cli;
use crate::command::{render, start};
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _};
use crate::host::Host;
use crate::manifest::lookup;
use crate::plan::{Entropy, Ground, Images, Places, Plan, Purpose, Wish, cores};
use crate::ui::Ui;
use crate::{sidecar_images, steps, stop};

/// Which sidecar was named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Pipelock,
    Egress,
    GitGate,
}

impl Part {
    fn role(self) -> Role {
        match self {
            Self::Pipelock => Role::Pipelock,
            Self::Egress => Role::Egress,
            Self::GitGate => Role::GitGate,
        }
    }

    /// What its image is made from.
    fn recipe(self, host: &Host, environment: &Environment, ui: &Ui) -> anyhow::Result<Recipe> {
        let sidecars = sidecar_images::folder(environment);
        match self {
            Self::Pipelock | Self::Egress => sidecar_images::recipe(self.role(), &sidecars),
            Self::GitGate => {
                let cache = agent_image::cache_folder(environment)?;
                let tell = |what: &str| ui.say(what);
                let builder = Builder { docker: &host.docker, cache: &cache, tell: &tell };
                let binary = sidecar_images::git_gate(&sidecars)?;
                builder.gate_recipe(&binary, Owner::of_sidecars().uid)
            }
        }
    }

    /// The sidecar of that plan on that ground.
    fn describe(self, plan: &Plan, ground: &Ground) -> anyhow::Result<Box<dyn Sidecar>> {
        Ok(match self {
            Self::Pipelock => Box::new(plan.pipelock(ground)),
            Self::Egress => Box::new(
                plan.egress(ground)?
                    .ok_or_else(|| anyhow!("the bottle of this agent has no routes"))
                    .hint("egress is there for routes: give the bottle one")?,
            ),
            Self::GitGate => Box::new(
                plan.git_gate(ground)?
                    .ok_or_else(|| anyhow!("the bottle of this agent has no git upstreams"))
                    .hint("git-gate is there for upstreams: give the bottle one")?,
            ),
        })
    }
}

/// A sidecar with the authority that was minted for it, where it needs one.
struct Alone {
    sidecar: Box<dyn Sidecar>,
    authority: Vec<RenderedFile>,
}

impl Sidecar for Alone {
    fn role(&self) -> Role {
        self.sidecar.role()
    }

    fn service(&self) -> ServiceSpec {
        self.sidecar.service()
    }

    fn files(&self) -> Vec<RenderedFile> {
        let mut files = self.sidecar.files();
        files.extend(self.authority.iter().cloned());
        files
    }

    fn healthcheck(&self) -> Vec<String> {
        self.sidecar.healthcheck()
    }
}

pub(crate) fn run(part: Part, args: &cli::Sidecar, ui: &Ui) -> anyhow::Result<Exit> {
    match &args.action {
        cli::SidecarAction::Start(args) => begin(part, args, ui),
        cli::SidecarAction::Stop(args) => end(part, args, ui),
        cli::SidecarAction::Render(args) => show(part, args, ui),
    }
}

fn begin(part: Part, args: &cli::SidecarStart, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let host = Host::find(&environment)?;
    let entropy = Entropy::draw();
    let plan = plan(&args.name, &args.agent, &args.manifest, (Purpose::Start, entropy), ui)?;
    let recipe = part.recipe(&host, &environment, ui)?;
    let mut secrets = Secrets::new();
    for (name, value) in &plan.secrets {
        secrets.set(name, value.clone());
    }
    let pool = start::pool(&environment)?;
    let place = standalone::Host {
        docker: &host.docker,
        compose: &host.compose,
        state: &host.state,
        pool: &pool,
        uplink: Uplink::Open,
    };
    let role = part.role();
    let describe = |site: &Site| alone(part, &plan, site);
    let standing = ui.step(format_args!("starting {role} alone"), |_| {
        standalone::start(&place, &args.name, role, &recipe, &secrets, describe)
    })?;
    ui.say(format_args!("`{}` serves; `bottle {role} stop {}`", standing.container, args.name));
    ui.data(&args.name)?;
    Ok(Exit::Done)
}

fn alone(part: Part, plan: &Plan, site: &Site) -> anyhow::Result<Alone> {
    let authority = ca::Authority::mint(&site.slug, part.role(), OffsetDateTime::now_utc())
        .context("cannot mint an authority")?;
    let bottle = site.dirs.config.parent().context("a sidecar's folder lies in a bottle's")?;
    let own = |of: Part| (part == of).then(|| site.image.clone());
    let ground = Ground {
        addresses: site.addresses,
        images: Images {
            agent: site.image.clone(),
            pipelock: site.image.clone(),
            egress: own(Part::Egress),
            git_gate: own(Part::GitGate),
            supervise: None,
        },
        places: Places {
            bottle: bottle.to_owned(),
            owner: (site.owner.uid, site.owner.gid),
            agent: (site.owner.uid, site.owner.gid),
        },
        // Alone it has no pipelock to trust; what stands in for one is no part of this.
        pipelock_authority: authority.certificate_pem().to_owned(),
        authority_keys: Vec::new(),
        host_addresses: steps::host_addresses()?,
    };
    // Mounted where a probe is to come; empty here.
    fs_err::create_dir_all(bottle.join("provision"))?;
    let authority = match part {
        Part::Pipelock | Part::Egress => authority.files()?.into(),
        Part::GitGate => {
            let mirrors = site.dirs.config.join(git_gate::MIRRORS_DIR);
            fs_err::create_dir_all(&mirrors)?;
            site.owner.take(&mirrors)?;
            Vec::new()
        }
    };
    Ok(Alone { sidecar: part.describe(plan, &ground)?, authority })
}

fn end(part: Part, args: &cli::SidecarStop, ui: &Ui) -> anyhow::Result<Exit> {
    let host = Host::find(&Environment::of_process())?;
    let bottle = bottles::one(&host, &args.name)?;
    let alone = bottle.metadata.as_ref().and_then(|metadata| metadata.standalone);
    let role = part.role();
    if alone != Some(role) {
        return Err(anyhow!("`{}` is no {role} that was started alone", args.name))
            .hint(format!("`bottle stop {}` stops a whole bottle", args.name));
    }
    stop::stop(&host, &args.name, ui)?;
    ui.say(format_args!("`{}` is stopped", args.name));
    Ok(Exit::Done)
}

fn show(part: Part, args: &cli::SidecarRender, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let entropy = Entropy::for_show(&args.name);
    let plan = plan(&args.name, &args.agent, &args.manifest, (Purpose::Show, entropy), ui)?;
    let ground = render::ground(&plan, &environment)?;
    let sidecar = part.describe(&plan, &ground)?;
    let compose = to_yaml(&stitch(&args.name, [sidecar.service()])?);
    let files: Vec<_> = sidecar.files().into_iter().filter(|file| !file.is_secret()).collect();
    if args.json {
        let files: std::collections::BTreeMap<_, _> =
            files.iter().map(|file| (file.path.display().to_string(), file.contents())).collect();
        ui.json(&json!({ "compose": compose, "files": files }))?;
        return Ok(Exit::Done);
    }
    let shown =
        files.iter().map(|file| format!("\n# {}\n{}", file.path.display(), file.contents()));
    ui.data(format!("# docker-compose.yml\n{compose}{}", shown.collect::<String>()))?;
    Ok(Exit::Done)
}

fn plan(
    name: &compose_render::Slug,
    agent: &str,
    choice: &cli::ManifestChoice,
    (purpose, entropy): (Purpose, Entropy),
    ui: &Ui,
) -> anyhow::Result<Plan> {
    let environment = Environment::of_process();
    let manifest = lookup::find(choice, &environment, ui)?;
    let wish = Wish {
        purpose,
        agent: agent.to_owned(),
        slug: name.clone(),
        workspace: std::env::current_dir().context("this folder is gone")?,
        include: Vec::new(),
        args: Vec::new(),
        stand_in: None,
        entropy,
        cores: cores(),
    };
    Plan::make(&manifest, wish, &environment)
}
