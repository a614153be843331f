//! The effective policy of an agent, in words and as JSON: what a person is asked to trust, and
//! what `bottle policy` answers.

use std::fmt::Write as _;

use serde::Serialize;

use crate::manifest::{Agent, Bottle, Image, Resources, Runtime, UpstreamCa, WorkspaceMode};

/// What one agent may do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PolicyView {
    pub agent: String,
    pub command: Vec<String>,
    pub image: String,
    /// Commands that run while the image is built.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub build: Vec<String>,
    pub workspace: WorkspaceMode,
    pub resources: Resources,
    #[serde(skip_serializing_if = "is_engine")]
    pub runtime: Runtime,
    pub routes: Vec<RouteView>,
    /// Hosts allowed without a route; `:port` where it is neither 443 nor 80.
    pub allow: Vec<String>,
    pub private_networks_allowed: Vec<String>,
    pub upstream_authorities: Vec<String>,
    /// Repositories behind git-gate: by which key or token, and which refs may be pushed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub git: Vec<String>,
    pub secrets_in_requests: &'static str,
    pub injections_in_responses: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipelock_image: Option<String>,
    /// Whether the agent may ask a person for more.
    pub supervise: bool,
    /// Names of the variables the agent sees, besides those of bottle itself.
    pub variables: Vec<String>,
    pub prompt: Option<String>,
    pub skills: Vec<String>,
    pub weaknesses: Vec<String>,
}

/// One route.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RouteView {
    pub host: String,
    pub port: u16,
    /// Empty means every method.
    pub methods: Vec<String>,
    /// Empty means every path.
    pub paths: Vec<String>,
    /// Variable and form, such as `GITHUB_TOKEN as bearer`.
    pub credentials: Vec<String>,
    /// When it ends by itself, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    #[serde(skip_serializing_if = "egress::Budget::is_unbounded")]
    pub budget: egress::Budget,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_engine(runtime: &Runtime) -> bool {
    *runtime == Runtime::Engine
}

impl PolicyView {
    /// What the manifest grants an agent.
    pub(crate) fn of(name: &str, agent: &Agent, bottle: &Bottle) -> Self {
        let plain: Vec<egress::Route> =
            bottle.routes.iter().map(|route| route.route.clone()).collect();
        let (image, build) = image(&bottle.image);
        Self {
            agent: name.to_owned(),
            command: agent.command.clone(),
            image,
            build,
            workspace: bottle.workspace,
            resources: bottle.resources.clone(),
            runtime: bottle.runtime,
            routes: egress::Routes::new(plain.clone()).iter().map(RouteView::of).collect(),
            allow: allowed(bottle),
            private_networks_allowed: texts(&bottle.pipelock.ssrf_allow),
            upstream_authorities: authorities(bottle),
            git: bottle.git.iter().map(|one| git(&one.upstream)).collect(),
            secrets_in_requests: bottle.pipelock.dlp.as_str(),
            injections_in_responses: bottle.pipelock.responses.as_str(),
            pipelock_image: bottle.pipelock.image.as_ref().map(ToString::to_string),
            supervise: bottle.supervise,
            variables: bottle.env.keys().chain(&bottle.forward_env).cloned().collect(),
            prompt: agent.prompt.as_ref().map(|path| path.display().to_string()),
            skills: agent.skills.iter().map(|path| path.display().to_string()).collect(),
            weaknesses: weaknesses(bottle, &plain),
        }
    }

    /// In words, a line for each grant.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("agent {}: {}\n", self.agent, self.command.join(" "));
        let mut line = |name: &str, values: &[String]| {
            for (nth, value) in values.iter().enumerate() {
                let name = if nth == 0 { name } else { "" };
                writeln!(out, "  {name:<12} {value}").ok();
            }
        };
        line("image", std::slice::from_ref(&self.image));
        line("builds with", &self.build);
        line("workspace", &[self.workspace_text()]);
        line("limits", &[self.limits()]);
        line("routes", &in_order(&self.routes));
        line("allows", &self.allow);
        if self.routes.is_empty() && self.allow.is_empty() {
            line("allows", &["nothing: no host can be reached".to_owned()]);
        }
        line("dials also", &self.private_networks_allowed);
        line("trusts", &self.upstream_authorities);
        line("git", &self.git);
        line("secrets", &[format!("in requests: {}", self.secrets_in_requests)]);
        line("injections", &[format!("in responses: {}", self.injections_in_responses)]);
        line("pipelock", &self.pipelock_image.iter().cloned().collect::<Vec<_>>());
        if self.supervise {
            line("asks", &["a person for more, by its supervisor".to_owned()]);
        }
        line("sees", &self.variables);
        line("prompt", &self.prompt.iter().cloned().collect::<Vec<_>>());
        line("skills", &self.skills);
        line("mind", &self.weaknesses);
        out
    }

    fn workspace_text(&self) -> String {
        match self.workspace {
            WorkspaceMode::Copy => "a copy: what the agent does stays in the bottle",
            WorkspaceMode::Image => {
                "a copy held by an image: what the agent does stays in the bottle"
            }
            WorkspaceMode::Mount => "your folder itself, writable",
            WorkspaceMode::Clone => "a clone of the first git upstream, from the gate",
        }
        .to_owned()
    }

    fn limits(&self) -> String {
        let Resources { cpus, memory, pids } = &self.resources;
        let runtime = if self.runtime == Runtime::Runsc { ", under gVisor" } else { "" };
        format!("{cpus} cores, {} MiB, {pids} processes{runtime}", memory >> 20)
    }
}

/// A repository as it is shown.
fn git(upstream: &git_gate::Upstream) -> String {
    let key = upstream.key.as_ref().map(|path| format!(" with the key {}", path.display()));
    let token = upstream.credential.as_ref().map(|token| format!(" with {}", token.env));
    let with = key.or(token).unwrap_or_default();
    let push = match texts(&upstream.push) {
        refs if refs.is_empty() => "reads only".to_owned(),
        refs => format!("pushes {}", refs.join(", ")),
    };
    let protected = match texts(&upstream.protected) {
        files if files.is_empty() => String::new(),
        files => format!(", also the protected {}", files.join(", ")),
    };
    format!("{}{with}: {push}{protected}", upstream.url)
}

/// Routes in lines: the first that covers a request decides, so the most specific is asked first.
pub(crate) fn in_order(routes: &[RouteView]) -> Vec<String> {
    let lines = routes.iter().zip(1..).map(|(route, nth)| format!("{nth}. {}", route.text()));
    lines.collect()
}

impl RouteView {
    /// A route as it is shown.
    pub(crate) fn of(route: &egress::Route) -> Self {
        let credentials = route.credentials.iter();
        let credentials = credentials.map(|one| format!("{} as {}", one.variable, one.form));
        let sockets =
            (route.websocket == egress::Websocket::Allow).then(|| "websockets".to_owned());
        let kept = (route.cookies == egress::Cookies::Keep).then(|| "cookies kept".to_owned());
        Self {
            host: route.host.to_string(),
            port: route.port,
            methods: texts(&route.methods),
            paths: texts(&route.paths),
            credentials: credentials.chain(kept).chain(sockets).collect(),
            until: route.until,
            budget: route.budget,
        }
    }

    /// In one line.
    pub(crate) fn text(&self) -> String {
        let any = |list: &[String], all: &str| match list {
            [] => all.to_owned(),
            some => some.join(" "),
        };
        let port = if self.port == egress::DEFAULT_PORT {
            String::new()
        } else {
            format!(":{}", self.port)
        };
        let (methods, paths) = (any(&self.methods, "every method"), any(&self.paths, "every path"));
        let with = any(&self.credentials, "no credential");
        let most = if self.budget.is_unbounded() {
            String::new()
        } else {
            format!(", at most {}", self.budget)
        };
        let end = self.until.map(|until| format!(", until {}", clock(until))).unwrap_or_default();
        format!("{}{port}: {methods}, {paths}, with {with}{most}{end}", self.host)
    }
}

/// What a person is told of a bottle in which denials are, or were, findings.
pub(crate) fn observed(until: u64) -> String {
    let word = if until > crate::proposals::now() { "until" } else { "ended" };
    format!("OBSERVED: denials are findings ({word} {})", clock(until))
}

/// A time in seconds since 1970 as people read it.
pub(crate) fn clock(seconds: u64) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    at.and_then(|at| at.format(&format).ok()).unwrap_or_else(|| format!("{seconds} s"))
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn allowed(bottle: &Bottle) -> Vec<String> {
    let ports = &bottle.pipelock.ports;
    let of = |host: &compose_render::HostPattern| {
        let extra = ports.iter().find(|rule| rule.host == *host);
        extra.map_or_else(|| host.to_string(), |rule| format!("{host}:{}", rule.port))
    };
    bottle.pipelock.allow.iter().map(of).collect()
}

fn image(image: &Image) -> (String, Vec<String>) {
    match image {
        Image::Standard => ("the agent image of bottle".to_owned(), Vec::new()),
        Image::Codex => ("the agent image of bottle with Codex CLI".to_owned(), Vec::new()),
        Image::Named(name) => (name.to_string(), Vec::new()),
        Image::Dockerfile(path) => {
            (format!("built from {}, whose instructions run", path.display()), Vec::new())
        }
        Image::Layered { base, apt, run } => {
            let base = base.as_ref().map_or("the base of bottle".to_owned(), ToString::to_string);
            let packages = (!apt.is_empty()).then(|| format!("apt: {}", apt.join(" ")));
            let commands = run.iter().map(|command| format!("run: {command}"));
            (format!("built on {base}"), packages.into_iter().chain(commands).collect())
        }
    }
}

fn authorities(bottle: &Bottle) -> Vec<String> {
    let named = bottle.pipelock.upstream_ca.iter();
    let named = named.map(|authority| match authority {
        UpstreamCa::System => "the host's own roots".to_owned(),
        UpstreamCa::File(path) => path.display().to_string(),
    });
    named.collect()
}

/// What a person should know before they say yes.
fn weaknesses(bottle: &Bottle, routes: &[egress::Route]) -> Vec<String> {
    let mut sentences = egress::weaknesses(routes);
    let mut mind = |holds: bool, sentence: &str| {
        if holds {
            sentences.push(sentence.to_owned());
        }
    };
    mind(
        bottle.workspace == WorkspaceMode::Mount,
        "the folder is written in place: look at changed hooks, settings and scripts before you run them",
    );
    mind(bottle.pipelock.dlp == pipelock::Action::Warn, "secrets in requests pass, with a warning");
    mind(!bottle.pipelock.ssrf_allow.is_empty(), "private networks can be reached");
    mind(!bottle.pipelock.passthrough.is_empty(), "TLS of some hosts passes unopened");
    mind(!bottle.pipelock.unscanned.is_empty(), "responses of some hosts are not looked through");
    mind(bottle.pipelock.image.is_some(), pipelock::ABSENT_WITH_STOCK);
    mind(
        bottle.pipelock.allow.iter().any(compose_render::HostPattern::is_wildcard),
        "a wildcard allows names that whoever runs the domain can choose",
    );
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_shown_with_its_key_and_what_may_be_pushed() {
        let mut upstream = git_gate::Upstream {
            url: "git@a.example.org:b/c.git".parse().unwrap(),
            key: Some("/home/me/key".into()),
            known_hosts: None,
            credential: None,
            push: vec![git_gate::PushRef::own_branches()],
            protected: vec![".gitmodules".parse().unwrap()],
        };
        assert_eq!(
            git(&upstream),
            "git@a.example.org:b/c.git with the key /home/me/key: pushes \
             refs/heads/agent/${bottle}/**, also the protected .gitmodules"
        );
        upstream.push.clear();
        assert!(git(&upstream).contains("reads only"));
    }
}
