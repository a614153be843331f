//! What the agent's container has in its environment: the way out, whom to trust, and quiet.
//!
//! In the compose file and not in a profile, since `docker exec` and shells that are not
//! interactive read no profile.

use std::net::{Ipv4Addr, SocketAddrV4};

use compose_render::{Addresses, Role, contract};

use super::{Plan, guest};

/// Variables that take the place of a program's own roots: they need the public ones as well.
const REPLACING: &[&str] = &[
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NIX_SSL_CERT_FILE",
    "HEX_CACERTS_PATH",
    "BUNDLE_SSL_CA_CERT",
    "CODEX_CA_CERTIFICATE",
];
/// Variables that add to a program's own roots.
const ADDING: &[&str] = &["NODE_EXTRA_CA_CERTS", "DENO_CERT"];
/// Switches by which a program reads the system's roots or the proxy's address at all.
const SWITCHES: &[(&str, &str)] = &[
    ("DENO_TLS_CA_STORE", "system,mozilla"),
    ("UV_NATIVE_TLS", "true"),
    ("UV_SYSTEM_CERTS", "true"),
    ("NODE_USE_ENV_PROXY", "1"),
    ("ELECTRON_GET_USE_PROXY", "1"),
];
/// Where programs look for the proxy.
const PROXIES: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "GRPC_PROXY",
    "grpc_proxy",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
    "PIP_PROXY",
    "BUNDLE_HTTP_PROXY",
    "BUNDLE_HTTPS_PROXY",
];
/// Where programs look for what needs none.
const NO_PROXIES: &[&str] = &["NO_PROXY", "no_proxy", "npm_config_noproxy"];
/// Claude Code asks more than one host unless it is told to be quiet, and each would be denied.
const QUIET: &[(&str, &str)] = &[
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DO_NOT_TRACK", "1"),
];

impl Plan {
    /// Where the agent's requests go: egress, or pipelock where there are no routes.
    pub(crate) fn way_out(&self, addresses: &Addresses) -> SocketAddrV4 {
        let (role, port) = if self.has_egress() {
            (Role::Egress, contract::EGRESS_PORT)
        } else {
            (Role::Pipelock, contract::PIPELOCK_PORT)
        };
        SocketAddrV4::new(addresses.internal(role), port)
    }

    /// The agent's visible environment. What the manifest sets comes last, so it may silence less
    /// than we would; the variables that make the bottle tight it cannot name.
    pub(super) fn agent_environment(&self, addresses: &Addresses) -> Vec<(String, String)> {
        let proxy = format!("http://{}", self.way_out(addresses));
        let mut pairs: Vec<(&str, &str)> = vec![
            (contract::SLUG_VARIABLE, self.slug.as_str()),
            ("HOME", contract::AGENT_HOME),
            ("USER", "agent"),
            ("LANG", "C.UTF-8"),
        ];
        pairs.extend(PROXIES.iter().map(|name| (*name, proxy.as_str())));
        let direct = direct(addresses);
        pairs.extend(NO_PROXIES.iter().map(|name| (*name, direct.as_str())));
        pairs.extend(REPLACING.iter().map(|name| (*name, guest::TRUST_BUNDLE)));
        pairs.extend(ADDING.iter().map(|name| (*name, guest::AUTHORITIES)));
        pairs.extend(SWITCHES);
        let java = java_options(self.way_out(addresses));
        pairs.push(("JAVA_TOOL_OPTIONS", java.as_str()));
        pairs.extend(QUIET);
        if self.has_git_gate() {
            pairs.push(("GIT_CONFIG_SYSTEM", guest::GIT_CONFIG));
        }
        let own = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let set = self.env.iter().map(|(name, value)| (name.clone(), value.clone()));
        own.chain(set).collect()
    }
}

/// A JVM reads neither the proxy's variables nor PEM.
fn java_options(proxy: SocketAddrV4) -> String {
    let (host, port, store) = (proxy.ip(), proxy.port(), guest::JAVA_TRUST_STORE);
    let proxies = ["http", "https"]
        .map(|scheme| format!("-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}"));
    let trust = format!("-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStoreType=JKS");
    let direct = "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|git-gate|supervise";
    [trust.as_str(), &proxies[0], &proxies[1], direct].join(" ")
}

/// What is reached without a proxy: the container itself, and the sidecars that are no way out.
fn direct(addresses: &Addresses) -> String {
    let sidecars = [Role::GitGate, Role::Supervise];
    let names = sidecars.map(|role| role.as_str().to_owned());
    let own = sidecars.map(|role| addresses.internal(role)).map(|at: Ipv4Addr| at.to_string());
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    local.into_iter().chain(names).chain(own).collect::<Vec<_>>().join(",")
}
