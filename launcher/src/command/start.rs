//! `bottle start`.

use anyhow::Context as _;
use compose_run::networks::Pool;

use crate::apply::never_observed;
use crate::cli;
use crate::environment::Environment;
use crate::exit::{Exit, Hint as _, refused};
use crate::fault_point::{self, FaultPoint};
use crate::host::Host;
use crate::manifest::{WorkspaceMode, lookup};
use crate::plan::{Entropy, Plan, Purpose, StandIn, Wish};
use crate::policy_view::clock;
use crate::proposals;
use crate::signals::Signals;
use crate::start::{self, Afterwards};
use crate::steps::Start;
use crate::times::{self, Times};
use crate::ui::Ui;
use crate::{claim, login, provision, sidecar_images, workspace};

/// The variable that names another pool for subnets.
const SUBNETS: &str = "BOTTLE_SUBNETS";

pub(crate) fn run(args: &cli::Start, ui: &Ui) -> anyhow::Result<Exit> {
    let environment = Environment::of_process();
    let times = Times::begin(environment.path(times::VARIABLE));
    let signals = Signals::watch(ui)?;
    let fault = fault(&environment)?;
    let host = Host::find(&environment)?;
    let plan = times.measure("read", || plan(args, &environment, &host, ui))?;
    let resume =
        args.resume.as_ref().map(|slug| start::saved_workspace(&host, slug)).transpose()?;
    let pool = pool(&environment)?;

    let claim = times.measure("name", || claim::take(&host, &plan.slug, args.resume.as_ref()))?;
    if let Err(error) = login::confirm(host.state.path(), &plan.slug, &plan.renewals) {
        start::let_go(claim);
        return Err(error);
    }
    let ended = start::start(
        &Start {
            ui,
            environment: &environment,
            host: &host,
            claim: &claim,
            plan: &plan,
            signals: &signals,
            times: &times,
            fault: &fault,
            sidecars: sidecar_images::folder(&environment),
            pool,
            resume,
        },
        afterwards(args),
    );
    if ended.is_err() {
        start::let_go(claim);
    }
    ended
}

fn afterwards(args: &cli::Start) -> Afterwards {
    match (args.detach, args.args.is_empty(), args.keep) {
        (true, true, _) => Afterwards::Leave,
        (true, false, _) => Afterwards::Work,
        (false, _, true) => Afterwards::AttachAndKeep,
        (false, _, false) => Afterwards::Attach,
    }
}

fn plan(
    args: &cli::Start,
    environment: &Environment,
    host: &Host,
    ui: &Ui,
) -> anyhow::Result<Plan> {
    let manifest = lookup::find(&args.manifest, environment, ui)?;
    let slug = match args.name.as_ref().or(args.resume.as_ref()) {
        Some(slug) => slug.clone(),
        None => claim::fresh_name(host, &args.agent)?,
    };
    let wish = Wish {
        purpose: Purpose::Start,
        agent: args.agent.clone(),
        slug,
        workspace: args.workspace.clone(),
        include: args.include.clone(),
        args: args.args.clone(),
        stand_in: stand_in(args)?,
        entropy: Entropy::draw(),
        cores: crate::plan::cores(),
    };
    let mut plan = Plan::make(&manifest, wish, environment)?;
    if plan.pipelock.image.is_some() {
        ui.warn(pipelock::ABSENT_WITH_STOCK);
    }
    plan.observe = args.observe.map(|seconds| observe(seconds, &plan, ui)).transpose()?;
    let home = environment.path("HOME");
    if plan.workspace.mode == WorkspaceMode::Clone {
        workspace::clone::check(&plan.git)?;
    } else {
        workspace::check(&plan.workspace, home.as_deref(), host.state.path())?;
    }
    provision::check(&plan)?;
    Ok(plan)
}

/// Denials are findings for so long. A data plane that is another's knows nothing of that.
fn observe(seconds: u64, plan: &Plan, ui: &Ui) -> anyhow::Result<pipelock::Observe> {
    if plan.pipelock.image.is_some() {
        return Err(refused("the pipelock of this bottle is another's, which cannot observe"));
    }
    let until = proposals::now().saturating_add(seconds);
    ui.warn(format_args!(
        "until {} every host but known side doors can be reached; `bottle learn` shows what was",
        clock(until)
    ));
    Ok(pipelock::Observe { until, deny: never_observed() })
}

fn stand_in(args: &cli::Start) -> anyhow::Result<Option<StandIn>> {
    let (Some(image), Some(authority)) = (&args.stand_in, &args.stand_in_ca) else {
        return Ok(None);
    };
    Ok(Some(StandIn {
        image: image.clone().try_into()?,
        authority: fs_err::read_to_string(authority)?,
        host: args.stand_in_host.parse().context("`--stand-in-host` names no host")?,
    }))
}

pub(super) fn pool(environment: &Environment) -> anyhow::Result<Pool> {
    match environment.get(SUBNETS) {
        Some(text) => text
            .parse()
            .with_context(|| format!("`{SUBNETS}` is no pool of addresses"))
            .hint("name a private network, such as 10.213.0.0/16"),
        None => Ok(Pool::default()),
    }
}

fn fault(environment: &Environment) -> anyhow::Result<FaultPoint> {
    environment.get(fault_point::VARIABLE).map_or(Ok(FaultPoint::default()), str::parse)
}
