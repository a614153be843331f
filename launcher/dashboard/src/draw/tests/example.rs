//! What is shown in the documentation, and what no screen should stumble over.

use crate::model::{Bottle, Denial, Log, Model, Proposal, Route, Service, State};

fn service(name: &str, is: &str, good: bool) -> Service {
    Service { name: name.to_owned(), is: is.to_owned(), good }
}

fn services(all: &[&str]) -> Vec<Service> {
    all.iter().map(|name| service(name, "up 12 minutes, healthy", true)).collect()
}

fn denial(time: &str, bottle: &str, service: &str, what: &str, why: &str) -> Denial {
    let [time, bottle, service, what, why] = [time, bottle, service, what, why].map(str::to_owned);
    Denial { bottle, time, service, what, why }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Three bottles at work.
pub(super) fn model() -> Model {
    let all = ["agent", "pipelock", "egress", "git-gate", "supervise"];
    let route = |name: &str, requests, input_tokens, output_tokens, budget: &str| Route {
        name: name.to_owned(),
        requests,
        input_tokens,
        output_tokens,
        budget: budget.to_owned(),
    };
    let fix_login = Bottle {
        name: "fix-login".to_owned(),
        agent: "implementer".to_owned(),
        state: State::Running,
        since: "2026-11-29T11:52:07Z".to_owned(),
        services: services(&all),
        rate: 4.2,
        allowed: 318,
        denied: 5,
        routes: vec![
            route("api.anthropic.com", 61, 1_204_113, 38_450, "4796 requests left"),
            route("api.example.org", 12, 0, 0, "none"),
        ],
        ..Bottle::default()
    };
    let mut broken = services(&["agent", "pipelock"]);
    broken.push(service("egress", "restarting", false));
    let upgrade = Bottle {
        name: "upgrade-deps".to_owned(),
        agent: "implementer".to_owned(),
        state: State::Running,
        since: "2026-11-29T09:14:55Z".to_owned(),
        services: broken,
        rate: 0.0,
        allowed: 40,
        denied: 1,
        ..Bottle::default()
    };
    let old = Bottle {
        name: "write-docs".to_owned(),
        agent: "writer".to_owned(),
        since: "2026-11-28T16:40:00Z".to_owned(),
        ..Bottle::default()
    };
    Model {
        bottles: vec![fix_login, upgrade, old],
        denials: vec![
            denial(
                "12:04:09",
                "fix-login",
                "pipelock",
                "GET docs.example.org/x",
                "host-not-allowed",
            ),
            denial("12:03:51", "fix-login", "egress", "POST api.example.org/v1/y", "route-method"),
            denial("12:01:30", "fix-login", "git-gate", "push acme/widgets.git", "refused"),
            denial("11:58:02", "upgrade-deps", "pipelock", "CONNECT 10.0.0.7", "ssrf-private"),
        ],
        proposals: vec![
            Proposal {
                name: "fix-login/3c1d90a7be42".to_owned(),
                bottle: "fix-login".to_owned(),
                asked: "21 s ago".to_owned(),
                wish: "docs.example.org: GET, /x/**".to_owned(),
                text: lines(
                    "fix-login/3c1d90a7be42 (open, asked 21 s ago)\n  asks for  docs.example.org: \
                     GET, /x/**\n  would     + route docs.example.org: GET, /x/**, with no \
                     credential\n  risks     none that is known\n  change    3f9a61c20b7e4d18\n  \
                     the agent says, and nobody has checked:\n    | I need the description of the \
                     format that the tests\n    | compare with.",
                ),
                change: Some("3f9a61c20b7e4d18".to_owned()),
            },
            Proposal {
                name: "upgrade-deps/77b0e2f41c09".to_owned(),
                bottle: "upgrade-deps".to_owned(),
                asked: "3 min ago".to_owned(),
                wish: "*.example.net: every method, every path".to_owned(),
                text: lines("upgrade-deps/77b0e2f41c09 (open, asked 3 min ago)"),
                change: Some("a1b2c3d4e5f60718".to_owned()),
            },
        ],
        log: Log {
            bottle: "fix-login".to_owned(),
            service: "pipelock".to_owned(),
            lines: lines(
                "2026-11-29T12:04:08Z {\"service\":\"pipelock\",\"event\":\"allowed\",\"host\":\
                 \"api.example.org\"}
2026-11-29T12:04:09Z {\"service\":\"pipelock\",\"event\":\
                 \"denied\",\"host\":\"docs.example.org\"}",
            ),
        },
        clock: "12:04:11 UTC".to_owned(),
        engine: None,
    }
}

/// More than any window has room for.
pub(super) fn many() -> Model {
    let bottle = |n: usize| Bottle {
        name: format!("bottle-{n:02}"),
        services: (0..40).map(|_| service("service", "up", true)).collect(),
        routes: (0..40).map(|_| Route::default()).collect(),
        rate: 1e9,
        allowed: u64::MAX,
        denied: u64::MAX,
        ..Bottle::default()
    };
    let long = "漢字 and a word that is longer than any window there is: ".repeat(40);
    let proposal = |n: usize| Proposal {
        name: format!("bottle-{n:02}/0123456789ab"),
        text: vec![long.clone(), "x".repeat(5000), " ".repeat(300)],
        change: Some(long.clone()),
        ..Proposal::default()
    };
    Model {
        bottles: (0..50).map(bottle).collect(),
        denials: (0..200).map(|_| denial("12:00:00", "b", "pipelock", &long, &long)).collect(),
        proposals: (0..50).map(proposal).collect(),
        log: Log {
            bottle: "bottle-00".to_owned(),
            service: "service".to_owned(),
            lines: vec![long.clone(); 500],
        },
        clock: long.clone(),
        engine: Some(long),
    }
}

/// One of everything, each text the same.
pub(super) fn filled_with(text: &str) -> Model {
    let text = text.to_owned();
    let service = Service { name: text.clone(), is: text.clone(), good: false };
    let route = Route { name: text.clone(), budget: text.clone(), ..Route::default() };
    Model {
        bottles: vec![Bottle {
            name: text.clone(),
            agent: text.clone(),
            since: text.clone(),
            state: State::Running,
            warning: Some(text.clone()),
            services: vec![service],
            routes: vec![route],
            ..Bottle::default()
        }],
        denials: vec![denial(&text, &text, &text, &text, &text)],
        proposals: vec![Proposal {
            name: text.clone(),
            bottle: text.clone(),
            asked: text.clone(),
            wish: text.clone(),
            text: vec![text.clone()],
            change: Some(text.clone()),
        }],
        log: Log { bottle: text.clone(), service: text.clone(), lines: vec![text.clone()] },
        clock: text.clone(),
        engine: Some(text),
    }
}
