//! Settings to the text of the two files.
//!
//! `pipelock.yaml` holds only keys that both known versions of upstream read, and each is there for
//! a reason that upstream's own behaviour gives, so that its image can take our place.

use crate::{
    Settings,
    bottle_file::{BottleFile, ListenFile, VERSION},
};
use compose_render::{HostPattern, Network, Role, contract};
use ipnet::IpNet;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};

/// Upstream counts requests per domain and minute and cannot be told not to.
const NO_RATE_LIMIT: u32 = 1_000_000;
/// Upstream cuts a streamed answer after this long; an agent's turn may take minutes.
const EXCHANGE_SECONDS: u32 = 300;
/// The same for a tunnel.
const TUNNEL_SECONDS: u32 = 3600;

impl Settings {
    /// Where the agent and egress reach the proxy.
    pub fn proxy_address(&self) -> SocketAddr {
        (self.addresses.internal(Role::Pipelock), contract::PIPELOCK_PORT).into()
    }

    /// `pipelock.yaml`.
    pub fn upstream_yaml(&self) -> String {
        let file = UpstreamFile {
            version: 1,
            mode: "strict",
            api_allowlist: self.allowed(),
            fetch_proxy: FetchProxy {
                listen: self.proxy_address(),
                timeout_seconds: EXCHANGE_SECONDS,
                monitoring: Monitoring { max_requests_per_minute: NO_RATE_LIMIT },
            },
            forward_proxy: ForwardProxy {
                enabled: true,
                max_tunnel_seconds: TUNNEL_SECONDS,
                idle_timeout_seconds: EXCHANGE_SECONDS,
                // Upstream breaks keep-alive inside a tunnel when this is on.
                sni_verification: false,
            },
            tls_interception: TlsInterception {
                enabled: true,
                ca_cert: crate::CA_FILE,
                ca_key: crate::CA_KEY_FILE,
                passthrough_domains: sorted(self.passthrough.clone()),
            },
            // egress has put the real credential into the headers by now.
            request_body_scanning: RequestBodies {
                action: self.requests.upstream(),
                scan_headers: false,
            },
            response_scanning: Responses {
                action: self.responses.as_str(),
                exempt_domains: sorted(self.unscanned.clone()),
            },
            // Upstream takes every longer conversation for a seed phrase.
            seed_phrase_detection: Enabled { enabled: false },
            dlp: Dlp { scan_env: false },
            ssrf: Ssrf { ip_allowlist: self.exempted() },
        };
        yaml(&file)
    }

    /// `bottle.yaml`.
    pub fn bottle_yaml(&self) -> String {
        let routed = sorted(self.routed.clone());
        yaml(&BottleFile {
            version: VERSION,
            listen: Some(ListenFile {
                address: self.addresses.internal(Role::Pipelock),
                dns: contract::DNS_PORT,
                tls: contract::STEERED_TLS_PORT,
                http: contract::STEERED_HTTP_PORT,
            }),
            egress: (!routed.is_empty()).then(|| self.addresses.internal(Role::Egress)),
            routed,
            ports: self.ports.clone(),
            never_dial: self.never_dialled(),
            requests: Some(self.requests),
            secrets: self.secrets.clone(),
            stand_in: self.stand_in.clone(),
            upstream_ca: self.upstream_ca.iter().flat_map(|pem| [pem.trim(), "\n"]).collect(),
            upstream_proxy: self.upstream_proxy.clone(),
            budgets: self.budgets.clone(),
            supervised: self.supervised,
            until: Vec::new(),
            observe: self.observe.clone(),
        })
    }

    /// Every allowed host: a route allows its host here.
    fn allowed(&self) -> Vec<HostPattern> {
        sorted(self.allow.iter().chain(&self.routed).cloned().collect())
    }

    /// The bottle's own subnets and what the manifest exempts.
    fn exempted(&self) -> Vec<IpNet> {
        let own = Network::ALL.into_iter().map(|net| IpNet::V4(self.addresses.subnet(net)));
        sorted(own.chain(self.ssrf_allow.iter().map(IpNet::trunc)).collect())
    }

    /// The bottle's own addresses, the engine's, and what the launcher adds.
    fn never_dialled(&self) -> Vec<IpAddr> {
        let own = self.addresses.all().into_iter().map(IpAddr::V4);
        sorted(own.chain(self.never_dial.iter().copied()).collect())
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values.dedup();
    values
}

fn yaml(file: &impl Serialize) -> String {
    serde_yaml::to_string(file).expect("structs of texts, numbers and lists have a YAML form")
}

#[derive(Serialize)]
struct UpstreamFile {
    version: u32,
    mode: &'static str,
    api_allowlist: Vec<HostPattern>,
    fetch_proxy: FetchProxy,
    forward_proxy: ForwardProxy,
    tls_interception: TlsInterception,
    request_body_scanning: RequestBodies,
    response_scanning: Responses,
    seed_phrase_detection: Enabled,
    dlp: Dlp,
    ssrf: Ssrf,
}

#[derive(Serialize)]
struct FetchProxy {
    listen: SocketAddr,
    timeout_seconds: u32,
    monitoring: Monitoring,
}

#[derive(Serialize)]
struct Monitoring {
    max_requests_per_minute: u32,
}

#[derive(Serialize)]
struct ForwardProxy {
    enabled: bool,
    max_tunnel_seconds: u32,
    idle_timeout_seconds: u32,
    sni_verification: bool,
}

#[derive(Serialize)]
struct TlsInterception {
    enabled: bool,
    ca_cert: &'static str,
    ca_key: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passthrough_domains: Vec<HostPattern>,
}

#[derive(Serialize)]
struct RequestBodies {
    action: &'static str,
    scan_headers: bool,
}

#[derive(Serialize)]
struct Responses {
    action: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exempt_domains: Vec<HostPattern>,
}

#[derive(Serialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Serialize)]
struct Dlp {
    scan_env: bool,
}

#[derive(Serialize)]
struct Ssrf {
    ip_allowlist: Vec<IpNet>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Policy, PortRule, StandIn};
    use compose_render::Addresses;

    pub(crate) fn settings() -> Settings {
        let (internal, uplink) = ("10.213.0.0/28", "10.213.0.16/28");
        let mut settings = Settings::new(
            Addresses::new(internal.parse().unwrap(), uplink.parse().unwrap()).unwrap(),
        );
        settings.allow =
            vec!["docs.example.org".parse().unwrap(), "*.example.net".parse().unwrap()];
        settings.routed = vec!["api.anthropic.com".parse().unwrap()];
        settings.ports = vec![PortRule { host: "docs.example.org".parse().unwrap(), port: 8443 }];
        settings.ssrf_allow = vec!["192.168.7.0/24".parse().unwrap()];
        settings.stand_in = Some(StandIn {
            host: "api.anthropic.com".parse().unwrap(),
            address: "10.213.0.20".parse().unwrap(),
        });
        settings
    }

    #[test]
    fn rendered_files() {
        let settings = settings();
        insta::assert_snapshot!("pipelock.yaml", settings.upstream_yaml());
        insta::assert_snapshot!("bottle.yaml", settings.bottle_yaml());
    }

    #[test]
    fn what_is_rendered_is_what_is_read() {
        let mut settings = settings();
        settings.upstream_ca =
            vec!["-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----".into()];
        let read = Policy::read(&settings.upstream_yaml(), &settings.bottle_yaml()).unwrap();
        let policy = read.policy;
        assert_eq!(policy.allow, settings.allowed());
        assert_eq!(policy.routed, settings.routed);
        assert_eq!(policy.ports, settings.ports);
        assert_eq!(policy.ssrf_allow, settings.exempted());
        assert_eq!(Vec::from_iter(policy.never_dial), settings.never_dialled());
        assert_eq!(policy.stand_in, settings.stand_in);
        assert_eq!(policy.egress, Some(settings.addresses.internal(Role::Egress)));
        assert_eq!(policy.proxy, settings.proxy_address());
        assert_eq!(policy.upstream_ca.trim(), settings.upstream_ca[0]);
    }

    #[test]
    fn a_bottle_without_routes_names_no_egress() {
        let mut settings = settings();
        settings.routed.clear();
        let read = Policy::read(&settings.upstream_yaml(), &settings.bottle_yaml()).unwrap();
        assert_eq!(read.policy.egress, None);
    }
}
