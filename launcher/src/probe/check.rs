//! The cheapest request by which a known service tells whether a credential is good: it costs no
//! token and changes nothing.

use super::way::{Way, exact};
use crate::plan::Plan;

/// How one service is asked.
struct Known {
    host: &'static str,
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// The statuses by which it says that the credential is no good.
    refusals: &'static [u16],
}

const REFUSALS: &[u16] = &[401, 403];
const JSON: (&str, &str) = ("content-type", "application/json");

/// Whoever is asked looks at the credential before it looks at what is asked for: an empty question
/// is refused as one (400) where the credential is good.
const KNOWN: &[Known] = &[
    Known {
        host: "api.anthropic.com",
        method: "POST",
        path: "/v1/messages",
        // The second is for tokens of a subscription, and nothing to a key.
        headers: &[
            JSON,
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "oauth-2025-04-20"),
        ],
        body: "{}",
        refusals: REFUSALS,
    },
    Known {
        host: "api.openai.com",
        method: "POST",
        path: "/v1/responses",
        headers: &[JSON],
        body: "{}",
        refusals: REFUSALS,
    },
    Known {
        host: "api.openai.com",
        method: "GET",
        path: "/v1/models",
        headers: &[],
        body: "",
        refusals: REFUSALS,
    },
    Known {
        host: "generativelanguage.googleapis.com",
        method: "GET",
        path: "/v1beta/models",
        headers: &[],
        body: "",
        // It calls a key that is none a bad argument, and there is no other in this question.
        refusals: &[400, 401, 403],
    },
    Known {
        host: "api.github.com",
        method: "GET",
        path: "/rate_limit",
        headers: &[],
        body: "",
        refusals: REFUSALS,
    },
];

/// A check for each credential that goes to a service which is known.
pub(super) fn checks(plan: &Plan) -> Vec<Way> {
    let mut checks: Vec<Way> = Vec::new();
    // Whatever was asked for would be the agent's, of a route that bounds requests.
    let free = plan.routes.iter().filter(|route| route.budget.requests.is_none());
    for route in free.filter(|route| route.port == egress::DEFAULT_PORT) {
        let Some(host) = exact(&route.host) else { continue };
        for variable in route.credentials.iter().map(|credential| credential.variable.to_string()) {
            if checks.iter().any(|check| check.proves(&host, &variable)) {
                continue;
            }
            let covers = |known: &&Known| {
                known.host == host
                    && route.covers_method(known.method)
                    && route.covers_path(known.path)
            };
            checks.extend(KNOWN.iter().find(covers).map(|known| known.way(variable)));
        }
    }
    checks
}

impl Known {
    fn way(&self, variable: String) -> Way {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Way {
            host: self.host.to_owned(),
            method: self.method,
            path: self.path.to_owned(),
            headers: self.headers.iter().map(owned).collect(),
            body: self.body,
            routed: true,
            variable: Some(variable),
            refusals: self.refusals,
        }
    }
}
