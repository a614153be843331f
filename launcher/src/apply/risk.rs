//! What a grant opens besides what it says: computed here, from the ask and the policy it meets.

use std::net::IpAddr;

use compose_render::HostPattern;
use serde::Serialize;
use supervise::{Ask, Requests};

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
    /// The variable of a credential that is used on this host, or would come to be.
    CredentialReachExpansion(String),
    WholeDomain,
    NewWriteMethod,
    SideDoor,
    /// More than was asked for, since nothing in this bottle can say less.
    WholeHost,
    /// git-gate has not seen what is asked for.
    PushNotJudged,
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
                "credential-reach-expansion: the agent may send more to a host with `{variable}`"
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
            Self::PushNotJudged => {
                "push-not-judged: git-gate has not seen this push; it judges it when it comes"
                    .to_owned()
            }
        }
    }
}

/// Domains that no observation lets through. Those of the network one is in pipelock knows itself.
pub(crate) fn never_observed() -> Vec<HostPattern> {
    SIDE_DOORS.iter().filter_map(|text| text.parse().ok()).collect()
}

/// What it opens on a policy with these routes; `egress` is whether methods and paths count at all.
pub(super) fn of(ask: &Ask, own: &[egress::Route], egress: bool) -> Vec<Risk> {
    let mut risks = Vec::new();
    for requests in ask.requests() {
        let narrow = requests.is_narrow();
        if narrow && !egress {
            risks.push(Risk::WholeHost);
        }
        risks.extend(opened(&requests, narrow && egress));
        let overlapping = own.iter().filter(|route| route.host.overlaps(&requests.host));
        risks.extend(
            overlapping
                .flat_map(|route| &route.credentials)
                .map(|credential| Risk::CredentialReachExpansion(credential.variable.to_string())),
        );
    }
    risks.extend(ask.credential().map(|name| Risk::CredentialReachExpansion(name.to_owned())));
    risks.sort();
    risks.dedup();
    risks
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

    #[test]
    fn every_side_door_is_one_that_can_be_closed() {
        assert_eq!(never_observed().len(), SIDE_DOORS.len());
    }
}
