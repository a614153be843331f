//! What may leave, read from the two files and checked: code that holds a `Policy` trusts it.

use crate::{
    Action, BOTTLE_FILE, Budget, Digest, Exception, Fault, Faults, KnownSecret, Observe, Pattern,
    PortRule, ResponseAction, StandIn, Until, bottle_file::BottleFile, upstream,
};
use compose_render::{HostPattern, UpstreamProxy};
use ipnet::IpNet;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// What both files say together.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Hosts that may be reached; the routed ones are among them.
    pub allow: Vec<HostPattern>,
    /// Hosts refused whatever `allow` says.
    pub blocked: Vec<HostPattern>,
    /// Hosts accepted only from egress.
    pub routed: Vec<HostPattern>,
    /// Ports besides 443 and 80.
    pub ports: Vec<PortRule>,
    /// Networks exempted from the SSRF check.
    pub ssrf_allow: Vec<IpNet>,
    /// Networks refused besides the ones that always are.
    pub ssrf_deny: Vec<IpNet>,
    /// Addresses never dialled, whatever is exempted.
    pub never_dial: BTreeSet<IpAddr>,
    /// The one private address that a name may resolve to.
    pub stand_in: Option<StandIn>,
    /// Where egress stands.
    pub egress: Option<Ipv4Addr>,
    /// PEM certificates trusted upstream besides the public roots.
    pub upstream_ca: String,
    /// Where the proxy listens, unless argv says otherwise.
    pub proxy: SocketAddr,
    /// Where the rest listens; absent where pipelock stands alone without a bottle.
    pub listen: Option<Listen>,
    /// The authority's files, relative to the configuration's folder unless absolute.
    pub authority: [String; 2],
    /// How long a tunnel may lie idle.
    pub idle_seconds: u64,
    /// How old a connection may grow; `None` where nothing says so.
    pub tunnel_seconds: Option<u64>,
    /// What a secret found in a request does.
    pub requests: Action,
    /// What an injection found in a response does.
    pub responses: ResponseAction,
    /// Hosts whose responses are not looked through.
    pub unscanned: Vec<HostPattern>,
    /// Expressions that requests are searched for besides our rules.
    pub patterns: Vec<Pattern>,
    /// Where rules find nothing.
    pub exceptions: Vec<Exception>,
    /// The bottle's own secrets, which go to their routes' hosts and nowhere else.
    pub secrets: Vec<KnownSecret>,
    /// The proxy that everything upstream goes through.
    pub upstream_proxy: Option<UpstreamProxy>,
    /// What single hosts may take in a minute.
    pub budgets: Vec<Budget>,
    /// Hosts whose TLS passes unopened.
    pub passthrough: Vec<HostPattern>,
    /// Whether the agent has somebody to ask.
    pub supervised: bool,
    /// Hosts of `allow` that end by themselves.
    pub until: Vec<Until>,
    /// What no rule allows is written down instead of refused, for a time.
    pub observe: Option<Observe>,
}

/// Where pipelock listens on the internal network besides its proxy port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listen {
    pub address: Ipv4Addr,
    pub dns: u16,
    pub tls: u16,
    pub http: u16,
}

/// Which address the resolver gives for a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Steering {
    /// pipelock's own: the host is allowed.
    Here(Ipv4Addr),
    /// egress's: the host has a route there.
    Egress(Ipv4Addr),
    /// None: the name does not exist.
    Nowhere,
}

/// A configuration as read.
#[derive(Clone, Debug)]
pub struct Read {
    pub policy: Policy,
    /// The digest over both files.
    pub digest: Digest,
    /// The keys that were read and have no effect here, for `check` and the `config` line.
    pub not_enforced: Vec<String>,
}

impl Policy {
    /// Reads both files. Every fault of both is reported at once.
    pub fn read(upstream_text: &str, bottle_text: &str) -> Result<Read, Faults> {
        let upstream = upstream::read(upstream_text);
        let bottle = BottleFile::parse(bottle_text).and_then(|file| match conflict(&file) {
            Some(fault) => Err(fault),
            None => Ok(file),
        });
        match (upstream, bottle) {
            (Ok(upstream), Ok(bottle)) => Ok(Read {
                policy: Self::join(upstream.wanted, bottle),
                digest: Digest::of(upstream_text, bottle_text),
                not_enforced: upstream.not_enforced,
            }),
            (Ok(_), Err(fault)) => Err(Faults(vec![fault])),
            (Err(faults), Ok(_)) => Err(Faults(faults)),
            (Err(mut faults), Err(fault)) => {
                faults.push(fault);
                Err(Faults(faults))
            }
        }
    }

    fn join(upstream: upstream::Wanted, bottle: BottleFile) -> Self {
        Self {
            allow: upstream.allow,
            blocked: upstream.blocked,
            routed: bottle.routed,
            ports: bottle.ports,
            ssrf_allow: upstream.ssrf_allow,
            ssrf_deny: upstream.ssrf_deny,
            never_dial: bottle
                .never_dial
                .into_iter()
                .map(|address| address.to_canonical())
                .collect(),
            stand_in: bottle.stand_in,
            egress: bottle.egress,
            upstream_ca: bottle.upstream_ca,
            proxy: upstream.listen,
            listen: bottle.listen.map(|at| Listen {
                address: at.address,
                dns: at.dns,
                tls: at.tls,
                http: at.http,
            }),
            authority: [upstream.ca_cert, upstream.ca_key],
            idle_seconds: upstream.idle_seconds,
            tunnel_seconds: upstream.tunnel_seconds,
            requests: bottle.requests.unwrap_or(upstream.requests),
            responses: upstream.responses,
            unscanned: upstream.unscanned,
            patterns: upstream.patterns,
            exceptions: upstream.exceptions,
            secrets: bottle.secrets,
            upstream_proxy: bottle.upstream_proxy,
            budgets: bottle.budgets,
            passthrough: upstream.passthrough,
            supervised: bottle.supervised,
            until: bottle.until,
            observe: bottle.observe,
        }
    }

    /// The address the resolver gives for a canonical name.
    pub fn steer(&self, name: &str) -> Steering {
        let Some(listen) = self.listen else { return Steering::Nowhere };
        let covered = |hosts: &[HostPattern]| hosts.iter().any(|host| host.covers_name(name));
        if covered(&self.blocked) || !(covered(&self.allow) || self.observes(name)) {
            Steering::Nowhere
        } else if covered(&self.routed) {
            self.egress.map_or(Steering::Nowhere, Steering::Egress)
        } else {
            Steering::Here(listen.address)
        }
    }
}

/// What `bottle.yaml` says against itself.
fn conflict(file: &BottleFile) -> Option<Fault> {
    let fault = |path: &str, message: &str| {
        Some(Fault { file: BOTTLE_FILE, path: path.to_owned(), message: message.to_owned() })
    };
    if !file.routed.is_empty() && file.egress.is_none() {
        return fault("egress", "hosts are routed, so egress's address is needed");
    }
    if let Some(proxy) = &file.upstream_proxy
        && (proxy.port == 0 || proxy.host.is_wildcard())
    {
        return fault("upstream_proxy", "a proxy has one host and a port from 1 to 65535");
    }
    if file.ports.iter().any(|rule| rule.port == 0) {
        return fault("ports", "there is no port 0");
    }
    match &file.stand_in {
        Some(stand_in) if stand_in.host.is_wildcard() || stand_in.host.address().is_some() => {
            fault("stand_in.host", "a stand-in has exactly one name")
        }
        Some(_) | None => None,
    }
}
