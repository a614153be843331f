//! What an agent asks for as a change of the files, and what a person should know before they say
//! yes. Both are computed here; nothing of them is the agent's word.

use std::net::IpAddr;

use anyhow::Context as _;
use compose_render::{Addresses, HostPattern, Role};
use serde::Serialize;
use supervise::{Ask, Requests};

use super::{Config, edit};
use crate::exit::{self, Hint as _};

/// Methods that change nothing at the other end.
const READING: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Domains by which work leaves without the gate, or anything leaves for anybody.
const SIDE_DOORS: [&str; 28] = [
    "*.github.com",
    "*.gitlab.com",
    "*.bitbucket.org",
    "*.codeberg.org",
    "*.sr.ht",
    "*.githubusercontent.com",
    "*.pastebin.com",
    "*.transfer.sh",
    "*.0x0.st",
    "*.file.io",
    "*.ngrok.io",
    "*.ngrok.app",
    "*.ngrok-free.app",
    "*.trycloudflare.com",
    "*.webhook.site",
    "*.pipedream.net",
    "*.requestbin.com",
    "*.discord.com",
    "*.slack.com",
    "*.telegram.org",
    "*.amazonaws.com",
    "*.storage.googleapis.com",
    "*.blob.core.windows.net",
    "*.workers.dev",
    "dns.google",
    "*.cloudflare-dns.com",
    "*.quad9.net",
    "*.oast.fun",
];
/// Domains whose names lead into the network one is in.
const INSIDE: [&str; 7] =
    ["localhost", "internal", "local", "localdomain", "home.arpa", "nip.io", "sslip.io"];

/// What a grant opens besides what it says.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case", tag = "risk", content = "about")]
pub(crate) enum Risk {
    LinkLocalReach,
    /// The variable of a credential that is used on this host.
    CredentialReachExpansion(String),
    WholeDomain,
    NewWriteMethod,
    SideDoor,
    /// More than was asked for, since nothing in this bottle can say less.
    WholeHost,
}

impl Risk {
    /// In a sentence, its name first.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::LinkLocalReach => {
                "link-local-reach: the host leads, or can be made to lead, into this network"
                    .to_owned()
            }
            Self::CredentialReachExpansion(variable) => format!(
                "credential-reach-expansion: `{variable}` is used on this host, and the agent may \
                 send more to it"
            ),
            Self::WholeDomain => {
                "whole-domain: every name below it, also those that others choose".to_owned()
            }
            Self::NewWriteMethod => {
                "new-write-method: the agent can send data there, not only read".to_owned()
            }
            Self::SideDoor => {
                "side-door: a place where anybody can leave or fetch anything".to_owned()
            }
            Self::WholeHost => {
                "whole-host: a bottle without egress allows a host whole, whatever was asked for"
                    .to_owned()
            }
        }
    }
}

/// The policy with what was asked for, and what that opens.
pub(crate) fn grant(
    config: &Config,
    ask: &Ask,
    addresses: &Addresses,
) -> anyhow::Result<(Config, Vec<Risk>)> {
    let Ask::Egress(ask) = ask else {
        return Err(exit::refused("nothing but requests to a host can be granted yet"));
    };
    let policy = pipelock::Policy::read(&config.upstream, &config.bottle)?.policy;
    let routes = config.routes.as_deref().map(egress::RoutesFile::parse).transpose()?;
    let own = routes.iter().flat_map(|file| file.routes.iter());
    let overlapping: Vec<_> = own.filter(|route| route.host.overlaps(&ask.host)).collect();
    let narrow = !(ask.methods.is_empty() && ask.paths.is_empty());
    let host = ask.host.to_string();
    let covered = policy.allow.iter().any(|allowed| allowed.contains(&ask.host));
    if policy.blocked.iter().any(|blocked| blocked.overlaps(&ask.host)) {
        return Err(exit::refused(format!("`{host}` is blocked by name, which no grant undoes")));
    }
    if covered && overlapping.is_empty() && !policy.routed.contains(&ask.host) {
        return Err(exit::refused(format!("`{host}` is allowed already")))
            .hint("deny the proposal, or tell the agent to try again");
    }
    let mut after = config.clone();
    let mut risks = Vec::new();
    after.upstream = edit::with_item(&config.upstream, "api_allowlist", &host)?;
    match &routes {
        Some(file) if narrow || !overlapping.is_empty() => {
            let mut all: Vec<_> = file.routes.iter().cloned().collect();
            all.push(route(ask)?);
            let file = egress::RoutesFile {
                pipelock: file.pipelock.clone(),
                routes: egress::Routes::new(all).with_renewals(file.routes.renewals().to_vec()),
            };
            after.routes = Some(file.render());
            let bottle = edit::with_item(&config.bottle, "routed", &host)?;
            let at = addresses.internal(Role::Egress).to_string();
            after.bottle = edit::with_value(&bottle, "egress", &at)?;
        }
        Some(_) | None => {
            if narrow {
                risks.push(Risk::WholeHost);
            }
        }
    }
    risks.extend(opened(ask, narrow && routes.is_some()));
    risks.extend(
        overlapping
            .iter()
            .flat_map(|route| &route.credentials)
            .map(|credential| Risk::CredentialReachExpansion(credential.variable.to_string())),
    );
    risks.sort();
    risks.dedup();
    after.check()?;
    Ok((after, risks))
}

/// A route that only narrows: no grant gives a credential.
fn route(ask: &Requests) -> anyhow::Result<egress::Route> {
    let mut route = egress::Route::to(ask.host.clone());
    let refused = |text: &String| format!("`{}` is not to be had in a route", text.escape_debug());
    for method in &ask.methods {
        route.methods.push(method.parse().with_context(|| refused(method))?);
    }
    for path in &ask.paths {
        route.paths.push(path.parse().with_context(|| refused(path))?);
    }
    Ok(route)
}

fn opened(ask: &Requests, narrowed: bool) -> Vec<Risk> {
    let among = |list: &[&str]| {
        list.iter()
            .filter_map(|text| text.parse::<HostPattern>().ok())
            .any(|known| known.overlaps(&ask.host))
    };
    let writes = !narrowed
        || ask.methods.is_empty()
        || ask.methods.iter().any(|method| !READING.contains(&method.as_str()));
    let name = ask.host.to_string();
    let below = |domain: &&str| name.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    let inside = ask.host.address().is_some_and(is_inside)
        || INSIDE.iter().any(below)
        || !(name.contains('.') || name.contains(':'));
    [
        (inside, Risk::LinkLocalReach),
        (ask.host.is_wildcard(), Risk::WholeDomain),
        (writes, Risk::NewWriteMethod),
        (among(&SIDE_DOORS), Risk::SideDoor),
    ]
    .into_iter()
    .filter_map(|(holds, risk)| holds.then_some(risk))
    .collect()
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Difference;
    use crate::apply::config::tests::config;

    fn ask(host: &str, methods: &[&str], paths: &[&str]) -> Ask {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let host = host.parse().unwrap();
        Ask::Egress(Requests { host, methods: texts(methods), paths: texts(paths) })
    }

    fn granted(ask: &Ask) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let addresses = Addresses::new("10.213.0.0/28".parse()?, "10.213.0.16/28".parse()?)?;
        let (after, risks) = grant(&config(), ask, &addresses)?;
        let lines = Difference::between(&config(), &after)?.lines();
        let name = |risk: &Risk| risk.text().split(':').next().unwrap_or_default().to_owned();
        Ok((lines, risks.iter().map(name).collect()))
    }

    #[test]
    fn a_host_to_read_from_becomes_a_route_that_only_narrows() {
        let (lines, risks) = granted(&ask("new.example.com", &["GET"], &["/docs/**"])).unwrap();
        assert_eq!(lines, ["+ route new.example.com: GET, /docs/**, with no credential"]);
        assert!(risks.is_empty(), "{risks:?}");
    }

    #[test]
    fn j4_what_a_grant_opens_is_computed() {
        let risks = |host, methods: &[&str]| granted(&ask(host, methods, &[])).unwrap().1;
        assert_eq!(risks("new.example.com", &[]), ["new-write-method"]);
        assert_eq!(risks("new.example.com", &["GET", "POST"]), ["new-write-method"]);
        assert_eq!(risks("*.example.com", &["GET"]), ["whole-domain"]);
        assert_eq!(risks("gist.github.com", &["GET"]), ["side-door"]);
        for inside in ["169.254.169.254", "metadata", "metadata.google.internal", "10.0.0.7"] {
            assert_eq!(risks(inside, &["GET"]), ["link-local-reach"], "{inside}");
        }
        assert_eq!(risks("api.example.net", &["GET"]), ["credential-reach-expansion"]);
        let (lines, risks) = granted(&ask("*.example.net", &[], &[])).unwrap();
        assert_eq!(risks, ["credential-reach-expansion", "whole-domain", "new-write-method"]);
        // Whatever was asked for, no credential comes to be used anywhere else.
        assert_eq!(lines, ["+ route *.example.net: every method, every path, with no credential"]);
    }

    #[test]
    fn what_is_allowed_already_is_no_change() {
        assert!(granted(&ask("docs.example.org", &["GET"], &[])).is_err());
    }

    #[test]
    fn a_bottle_without_egress_says_that_it_allows_more_than_was_asked_for() {
        let without = Config { routes: None, ..config() };
        let bottle = edit::with_keys_of(&without.bottle, "routed: []\n", &["routed"]).unwrap();
        let without = Config { bottle, ..without };
        let addresses =
            Addresses::new("10.213.0.0/28".parse().unwrap(), "10.213.0.16/28".parse().unwrap())
                .unwrap();
        let ask = ask("new.example.com", &["GET"], &["/x"]);
        let (after, risks) = grant(&without, &ask, &addresses).unwrap();
        assert_eq!(risks, [Risk::NewWriteMethod, Risk::WholeHost]);
        let lines = Difference::between(&without, &after).unwrap().lines();
        assert_eq!(lines, ["+ allow new.example.com: every method, every path"]);
    }
}
