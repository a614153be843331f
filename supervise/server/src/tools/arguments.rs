//! What each tool takes. A comment on a field is what a model reads of it.

use compose_render::HostPattern;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use supervise::{Manager, ProposalId};

use super::{LONGEST_WAIT, WAIT};

/// Takes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposeEgress {
    /// A host name such as docs.example.org, or *.example.org for a whole domain; no scheme, no
    /// port, no path
    #[schemars(with = "String")]
    pub host: HostPattern,
    /// Methods such as GET; none means every method
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub methods: Vec<String>,
    /// Paths such as /v1/** (`*` within one segment, `**` across segments), without a query; none
    /// means every path
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub paths: Vec<String>,
    /// Why you need it, in a sentence or two for a person
    #[schemars(length(min = 1, max = 8192))]
    pub reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposeCredentialUse {
    /// The variable that the credential is known by, such as `API_TOKEN`, as `policy` names it; never
    /// a value
    pub credential: String,
    /// The host it is to be used on, such as api.example.org; no scheme, no port, no path
    #[schemars(with = "String")]
    pub host: HostPattern,
    /// Methods such as GET; none means every method
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub methods: Vec<String>,
    /// Paths such as /v1/** (`*` within one segment, `**` across segments), without a query; none
    /// means every path
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub paths: Vec<String>,
    /// Why you need it, in a sentence or two for a person
    #[schemars(length(min = 1, max = 8192))]
    pub reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposePush {
    /// The repository as in its address at the gate: host and path, such as
    /// git.example.org/acme/widgets
    pub upstream: String,
    /// The ref in full, such as refs/heads/fix-login
    #[serde(rename = "ref")]
    #[schemars(regex(pattern = "^refs/"))]
    pub reference: String,
    /// The commit or tag in full, as `git rev-parse` prints it
    #[schemars(regex(pattern = "^[0-9a-f]{40}([0-9a-f]{24})?$"))]
    pub object: String,
    /// Why it should pass although the gate held it, in a sentence or two for a person
    #[schemars(length(min = 1, max = 8192))]
    pub reason: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProposePackage {
    /// Which package manager
    #[schemars(with = "ManagerName")]
    pub manager: Manager,
    /// The package's name, without a version
    #[schemars(length(min = 1, max = 255))]
    pub package: String,
    /// The hosts it is read from, each whole: those that `denials` shows after you tried to install
    /// it
    #[schemars(with = "Vec<String>", length(min = 1, max = 4))]
    pub hosts: Vec<HostPattern>,
    /// Why you need it, in a sentence or two for a person
    #[schemars(length(min = 1, max = 8192))]
    pub reason: String,
}

/// How a manager is named in a schema.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[expect(dead_code, reason = "it describes `Manager`, which knows no schemas")]
enum ManagerName {
    Apt,
    Cargo,
    Pip,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    /// The id that a propose tool returned
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{12}$"))]
    pub id: ProposalId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Any {
    /// The id that a propose tool returned; left out, every proposal is told
    #[serde(default)]
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{12}$"))]
    pub id: Option<ProposalId>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    /// The id that a propose tool returned
    #[schemars(with = "String", regex(pattern = "^[0-9a-f]{12}$"))]
    pub id: ProposalId,
    /// How long to wait
    #[serde(default = "wait")]
    #[schemars(range(min = 1, max = LONGEST_WAIT))]
    pub timeout_seconds: u64,
}

const fn wait() -> u64 {
    WAIT
}
