//! A plan from a manifest, and what it becomes: the snapshots are the review.

use compose_render::contract;
use compose_run::{Compose, ComposeProject, Docker};

use super::*;
use crate::environment::Environment;
use crate::exit::{Exit, hint_of};
use crate::manifest::{Manifest, Origin};

const SECRET: &str = "sk-ant-api03-the-real-value-Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7Zq7AA";

fn manifest(text: &str) -> Manifest {
    let origin = Origin::File(PathBuf::from("bottle.yaml"));
    Manifest::read(text, origin, None).unwrap_or_else(|faults| panic!("{faults}"))
}

fn wish(purpose: Purpose) -> Wish {
    let slug: Slug = "fix-login".parse().unwrap();
    Wish {
        purpose,
        agent: "implementer".to_owned(),
        entropy: Entropy::for_show(&slug),
        slug,
        workspace: PathBuf::from("/"),
        include: Vec::new(),
        args: Vec::new(),
        stand_in: None,
        cores: 8,
    }
}

pub(crate) fn ground() -> Ground {
    let net = |text: &str| text.parse().unwrap();
    let image = |part| ImageRef::local(part, "0123456789abcdef");
    Ground {
        addresses: Addresses::new(net("10.213.0.0/28"), net("10.213.0.16/28")).unwrap(),
        images: Images {
            agent: image("agent"),
            pipelock: image("pipelock"),
            egress: Some(image("egress")),
            git_gate: Some(image("git-gate")),
            supervise: Some(image("supervise")),
        },
        places: Places {
            bottle: PathBuf::from("/state/fix-login"),
            owner: (65532, 65532),
            agent: (1000, 1000),
        },
        pipelock_authority: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        authority_keys: Vec::new(),
        host_addresses: vec!["192.0.2.7".parse().unwrap()],
    }
}

fn with_key() -> Environment {
    Environment::from([("ANTHROPIC_API_KEY", SECRET), ("TERM", "xterm-term-value")])
}

pub(crate) fn built_in() -> Plan {
    let environment = with_key();
    let manifest = Manifest::built_in(&environment).unwrap();
    Plan::make(&manifest, wish(Purpose::Start), &environment).unwrap()
}

pub(crate) const HOSTILE: &str = r#"
version: 1
agents:
  implementer:
    bottle: b
    command: [claude, "${HOME}", "a\nb: c", "$(id)", "- x"]
bottles:
  b:
    workspace: mount
    env:
      PLAIN: "${HOME} $HOME $$"
      LINES: "first\n    privileged: true\n"
      NUMBER: 1_000
      DATE: 2001-02-03
      YAML: "{a: [b, *c], &d !!e # f"
      QUOTES: "\"'\\ \t"
      EMPTY: ""
    pipelock: {allow: ["*.example.net"]}
    resources: {cpus: 0.5, memory: 512m, pids: 64}
    runtime: runsc
"#;

pub(crate) fn hostile() -> Plan {
    let manifest = manifest(HOSTILE);
    Plan::make(&manifest, wish(Purpose::Start), &Environment::default()).unwrap()
}

pub(crate) fn stand_in() -> Plan {
    let environment = Environment::from([("ANTHROPIC_API_KEY", "sk-ant-demo-0123456789")]);
    let manifest = Manifest::built_in(&environment).unwrap();
    Plan::make(&manifest, with_stand_in(), &environment).unwrap()
}

fn with_stand_in() -> Wish {
    let mut wish = wish(Purpose::Start);
    wish.stand_in = Some(StandIn {
        image: ImageRef::local("stand-in", "0123456789abcdef"),
        authority: "-----BEGIN CERTIFICATE-----\nstand-in\n".to_owned(),
        host: "api.anthropic.com".parse().unwrap(),
    });
    wish
}

fn compose(plan: &Plan) -> String {
    plan.render(&ground()).unwrap().compose
}

#[test]
fn a_whole_bottle() {
    insta::assert_snapshot!(compose(&built_in()));
}

#[test]
fn a_bottle_with_git_upstreams() {
    let text = r#"
version: 1
agents: {implementer: {bottle: b, command: [sh]}}
bottles:
  b:
    git: {upstreams: [{url: "https://git.example.org/a/b.git", credential: {env: TOKEN}}]}
"#;
    let environment = Environment::from([("TOKEN", SECRET)]);
    let plan = Plan::make(&manifest(text), wish(Purpose::Start), &environment).unwrap();
    let rendered = plan.render(&ground()).unwrap();
    assert!(!rendered.compose.contains(SECRET));
    assert!(plan.secrets.contains_key("BOTTLE_CREDENTIAL_TOKEN"));
    insta::assert_snapshot!(rendered.compose);
    let missing = Plan::make(&manifest(text), wish(Purpose::Start), &Environment::default());
    assert!(format!("{:#}", missing.unwrap_err()).contains("`TOKEN` is not set"));
}

/// The way out that the manifest names is that of pipelock and of git-gate.
#[test]
fn c6_git_gate_goes_through_the_same_proxy_with_the_same_login() {
    let text = r#"
version: 1
agents: {implementer: {bottle: b, command: [sh]}}
bottles:
  b:
    pipelock: {upstream_proxy: {address: "proxy.example.org:3128", credential: {env: LOGIN}}}
    git: {upstreams: [{url: "https://git.example.org/a/b.git"}]}
"#;
    let environment = Environment::from([("LOGIN", SECRET)]);
    let plan = Plan::make(&manifest(text), wish(Purpose::Start), &environment).unwrap();
    let rendered = plan.render(&ground()).unwrap();
    let variable = git_gate::GitGate::variable_inside(compose_render::UPSTREAM_PROXY_CREDENTIAL);
    assert_eq!(variable, compose_render::upstream_proxy_variable());
    assert_eq!(plan.secrets[&variable].expose(), SECRET);
    // For one sidecar and for the other; the value is in neither's file.
    assert_eq!(rendered.compose.matches(&format!("\"{variable}\"")).count(), 2);
    let gate = plan.git_gate(&ground()).unwrap().unwrap().gate_file();
    let proxy = gate.upstream_proxy.unwrap();
    assert_eq!((proxy.host.to_string().as_str(), proxy.port), ("proxy.example.org", 3128));
}

#[test]
fn another_pipelock_gets_upstreams_file_and_argv_and_ours_answers_the_names() {
    let text = "\
version: 1
agents: {implementer: {bottle: b, command: [x]}}
bottles:
  b:
    egress: {routes: [{preset: anthropic-api-key}]}
    pipelock: {allow: [docs.example.org], image: 'ghcr.io/luckypipewrench/pipelock:3.5'}
";
    let plan = Plan::make(&manifest(text), wish(Purpose::Start), &with_key()).unwrap();
    let rendered = plan.render(&ground()).unwrap();
    insta::assert_snapshot!(rendered.compose);
    let names = |role: Role| -> Vec<_> {
        rendered.files[&role].iter().map(|file| file.path.display().to_string()).collect()
    };
    assert_eq!(names(Role::Pipelock), ["pipelock.yaml"]);
    assert_eq!(names(Role::Resolver), [""; 0]);
    let config = &rendered.files[&Role::Pipelock][0].contents();
    assert!(config.contains("- docs.example.org") && config.contains("listen: 10.213.0.3:8888"));
    let health = ["/pipelock", "healthcheck", "--addr", "10.213.0.3:8888"];
    assert_eq!(rendered.healthchecks[&Role::Pipelock], health);
    assert_eq!(rendered.healthchecks[&Role::Resolver], ["/pipelock", "healthcheck"]);
    let manifest = manifest(text);
    let (agent, bottle) = manifest.agent("implementer").unwrap();
    let said = crate::policy_view::PolicyView::of("implementer", agent, bottle).text();
    assert!(said.contains("hosts with a route are also reached around egress"), "{said}");
}

#[test]
fn observation_changes_one_key_of_pipelocks_own_file_and_no_rule_of_another() {
    let text = "\
version: 1
agents: {implementer: {bottle: b, command: [x]}}
bottles:
  b:
    egress: {routes: [{host: a.example.org, methods: [GET]}]}
    git: {upstreams: [{url: https://git.example.org/acme/widgets.git, push: []}]}
";
    let plan = Plan::make(&manifest(text), wish(Purpose::Start), &Environment::default()).unwrap();
    let observe = pipelock::Observe { until: 1_900_000_000, deny: vec!["x.org".parse().unwrap()] };
    let observed = Plan { observe: Some(observe), ..plan.clone() };
    let [plain, observed] = [plan, observed].map(|plan| plan.render(&ground()).unwrap());
    assert_eq!(plain.compose, observed.compose);
    let different: Vec<_> = plain
        .files
        .iter()
        .flat_map(|(role, files)| files.iter().zip(&observed.files[role]))
        .filter(|(one, other)| one.contents() != other.contents())
        .collect();
    let [(before, after)] = different.as_slice() else { panic!("{different:?}") };
    assert_eq!(before.path, PathBuf::from(pipelock::BOTTLE_FILE));
    let kept = after.contents().replace("observe:\n  until: 1900000000\n  deny:\n  - x.org\n", "");
    assert_eq!(kept, before.contents());
}

#[test]
fn i5_a_hostile_manifest_is_inert() {
    insta::assert_snapshot!(compose(&hostile()));
}

#[test]
fn a_bottle_with_a_stand_in() {
    insta::assert_snapshot!(compose(&stand_in()));
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(compose(&built_in()), compose(&built_in()));
}

#[test]
fn a10_no_value_of_a_credential_is_in_anything_that_is_written_or_shown() {
    let plan = built_in();
    let rendered = plan.render(&ground()).unwrap();
    let files = rendered.files.values().flatten().chain(&rendered.own);
    let texts: Vec<String> = files.map(|file| file.contents().to_owned()).collect();
    let shown = [rendered.compose.clone(), format!("{plan:?}"), format!("{rendered:?}")];
    for text in texts.iter().chain(&shown) {
        assert!(!text.contains(SECRET) && !text.contains("Zq7Zq7"), "{text}");
        assert!(!text.contains("xterm-term-value"), "a forwarded value reached a file: {text}");
    }
    assert_eq!(plan.secrets["BOTTLE_CREDENTIAL_ANTHROPIC_API_KEY"].expose(), SECRET);
    assert_eq!(plan.secrets["TERM"].expose(), "xterm-term-value");
}

#[test]
fn the_agent_holds_a_placeholder_of_the_same_shape() {
    let plan = built_in();
    let placeholder = &plan.env["ANTHROPIC_API_KEY"];
    assert!(placeholder.starts_with("sk-ant-api03-"));
    assert_eq!(placeholder.len(), SECRET.len());
    let approved = plan.agent.approved_key.as_deref().unwrap();
    assert!(placeholder.ends_with(approved) && approved.len() == 20);
    let known = plan.routes[0].credentials[0].placeholder.as_ref().unwrap();
    assert_eq!(known.as_str(), placeholder);
    let mut other = wish(Purpose::Start);
    other.entropy = Entropy::draw();
    let environment = with_key();
    let other =
        Plan::make(&Manifest::built_in(&environment).unwrap(), other, &environment).unwrap();
    assert_ne!(&other.env["ANTHROPIC_API_KEY"], placeholder);
}

#[test]
fn an_unset_variable_is_named_with_its_route_and_line() {
    let manifest = manifest(
        "\
version: 1
agents: {implementer: {bottle: b, command: [claude]}}
bottles:
  b:
    egress:
      routes:
        - {host: one.example.org, credential: {env: ONE, scheme: bearer}}
        - {host: two.example.org, credential: {env: TWO, scheme: bearer}}
",
    );
    let environment = Environment::from([("TWO", "")]);
    let error = Plan::make(&manifest, wish(Purpose::Start), &environment).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Refused);
    insta::assert_snapshot!(format!("{error:#}\nhint: {}", hint_of(&error).unwrap()));
    assert!(Plan::make(&manifest, wish(Purpose::Show), &environment).is_ok());
}

#[test]
fn a_value_that_cannot_be_used_is_refused_and_not_shown() {
    for value in ["line\nbreak-hunter2", "short", "sk-BottlePlaceholder0123456789hunter2"] {
        let environment = Environment::from([("ANTHROPIC_API_KEY", value)]);
        let manifest = Manifest::built_in(&environment).unwrap();
        let error = Plan::make(&manifest, wish(Purpose::Start), &environment).unwrap_err();
        let text = format!("{error:#} {error:?}");
        assert!(text.contains("ANTHROPIC_API_KEY") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_stand_in_gets_no_real_credential() {
    let environment = with_key();
    let manifest = Manifest::built_in(&environment).unwrap();
    let error = Plan::make(&manifest, with_stand_in(), &environment).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Refused);
    assert!(format!("{error:#}").contains("no real credential"), "{error:#}");
    let plan = stand_in();
    let settings = plan.pipelock_settings(&ground());
    let at = settings.stand_in.unwrap();
    assert_eq!(at.address.to_string(), "10.213.0.20");
    assert!(settings.upstream_ca[0].contains("stand-in"));
}

#[test]
fn an_agent_that_is_not_there_is_a_sentence() {
    let mut wish = wish(Purpose::Show);
    wish.agent = "implementor".to_owned();
    let manifest = Manifest::built_in(&Environment::default()).unwrap();
    let error = Plan::make(&manifest, wish, &Environment::default()).unwrap_err();
    assert_eq!(Exit::of(&error), Exit::Refused);
    assert!(format!("{error:#}").contains("no agent `implementor`"));
    assert_eq!(hint_of(&error), Some("it has `implementer`"));
}

#[test]
fn without_routes_there_is_no_egress_and_pipelock_is_the_way_out() {
    let plan = hostile();
    let files = plan.render(&ground()).unwrap().files;
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [Role::Pipelock]);
    assert_eq!(plan.way_out(&ground().addresses).to_string(), "10.213.0.3:8888");
    assert_eq!(built_in().way_out(&ground().addresses).to_string(), "10.213.0.4:8080");
    // The key of pipelock's fingerprints, and no credential.
    assert_eq!(plan.secrets.keys().collect::<Vec<_>>(), [contract::HOP_SECRET_VARIABLE]);
}

/// Every Compose of this host; `cargo xtask test` brings a v2 where there is none.
fn composes() -> Vec<Compose> {
    let docker = Docker::find().expect("install a docker client: `apt-get install docker.io`");
    let named = Environment::of_process();
    let forced = [named.get("BOTTLE_COMPOSE_V2"), Some("v2"), Some("v1")];
    let found =
        forced.into_iter().flatten().filter_map(|one| Compose::find(&docker, Some(one)).ok());
    found.collect()
}

#[test]
fn i5_compose_understands_every_snapshot_and_keeps_every_hostile_value() {
    let composes = composes();
    assert!(!composes.is_empty(), "install a Compose: `apt-get install docker-compose`");
    let folder = tempfile::tempdir().unwrap();
    for (name, plan) in [("whole", built_in()), ("hostile", hostile()), ("stand-in", stand_in())] {
        // v1 reads the seccomp profile as soon as it reads the file that names it.
        let mut ground = ground();
        ground.places.bottle = folder.path().to_owned();
        let rendered = plan.render(&ground).unwrap();
        for own in &rendered.own {
            let path = folder.path().join(&own.path);
            compose_run::replace(&path, own.contents().as_bytes(), own.mode).unwrap();
        }
        let file = folder.path().join(format!("{name}.yml"));
        compose_run::replace(&file, rendered.compose.as_bytes(), 0o600).unwrap();
        let project = ComposeProject::new(&plan.slug, &file);
        for compose in &composes {
            compose.check(&project).unwrap_or_else(|error| panic!("{name}: {error}"));
            let said = compose.config(&project).unwrap();
            let understood: serde_json::Value = serde_yaml::from_slice(&said.stdout).unwrap();
            let agent = &understood["services"]["agent"];
            assert_eq!(agent["privileged"], serde_json::Value::Null);
            for (variable, value) in &plan.env {
                let kept = agent["environment"][variable].as_str().unwrap_or_default();
                assert_eq!(&kept.replace("$$", "$"), value, "{name}: {variable}");
            }
        }
    }
}
