//! What the compose side and the binaries in the containers must agree on.

use std::time::Duration;

/// Where pipelock takes CONNECT and absolute-form requests.
pub const PIPELOCK_PORT: u16 = 8888;
/// Where egress takes CONNECT and absolute-form requests.
pub const EGRESS_PORT: u16 = 8080;
/// Where git-gate speaks smart HTTP.
pub const GIT_GATE_PORT: u16 = 80;
/// Where supervise speaks MCP.
pub const SUPERVISE_PORT: u16 = 8765;
/// Where pipelock answers DNS.
pub const DNS_PORT: u16 = 53;
/// Steered TLS: tools that know nothing of proxies.
pub const STEERED_TLS_PORT: u16 = 443;
/// Steered plain HTTP.
pub const STEERED_HTTP_PORT: u16 = 80;
/// Health, status and metrics of every sidecar, on loopback only.
pub const ADMIN_PORT: u16 = 9100;
/// Names another, where two sidecars share one loopback: measured beside each other, never in a
/// bottle.
pub const ADMIN_PORT_VARIABLE: &str = "BOTTLE_ADMIN_PORT";

/// A sidecar's rendered files, read-only.
pub const CONFIG_DIR: &str = "/config";
/// What the host writes for the sidecar, read-only.
pub const INBOX_DIR: &str = "/inbox";
/// What the sidecar writes for the host.
pub const OUTBOX_DIR: &str = "/outbox";
/// The decisions of a sidecar, in its outbox: a bounded ring of JSON lines.
pub const DECISIONS_FILE: &str = "decisions.jsonl";

/// How long open connections have to finish after SIGTERM.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);
/// How long the engine waits before SIGKILL: the drain must fit.
pub const STOP_GRACE: Duration = Duration::from_secs(15);

/// The bottle's name, in every service's environment.
pub const SLUG_VARIABLE: &str = "BOTTLE_SLUG";
/// The secret by which pipelock knows egress, in the environment of both.
pub const HOP_SECRET_VARIABLE: &str = "BOTTLE_HOP_SECRET";
/// The header that carries it from egress to pipelock.
pub const HOP_HEADER: &str = "x-bottle-hop";
/// Before the name of a credential's variable in egress's environment.
pub const CREDENTIAL_PREFIX: &str = "BOTTLE_CREDENTIAL_";

/// The reasons of a denial for which asking a person helps, by their names in logs.
pub const ASKABLE: [&str; 3] = ["host-not-allowed", "method-not-allowed", "path-not-allowed"];

/// The uid and gid of sidecars where the host user is root.
pub const SIDECAR_UID: u32 = 65532;
/// The uid and gid of the agent, unless a mounted workspace's owner takes its place.
pub const AGENT_UID: u32 = 1000;
/// The agent's home folder.
pub const AGENT_HOME: &str = "/home/agent";
/// The agent's workspace.
pub const WORKSPACE_DIR: &str = "/workspace";
/// What is provisioned for the agent, mounted read-only: trust bundle, the guest binary.
pub const PROVISION_DIR: &str = "/etc/bottle";

/// The label that names the bottle, on every container, network and volume.
pub const SLUG_LABEL: &str = "bottle.slug";
/// The label that names the role.
pub const ROLE_LABEL: &str = "bottle.role";
