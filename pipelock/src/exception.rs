//! What a policy adds to the rules that content is searched by, and where it makes exceptions.

mod address_glob;
mod names;

pub use self::address_glob::{AddressGlob, InvalidAddressGlob};
pub use self::names::NAMES as UPSTREAM_NAMES;
pub(crate) use self::names::ours;

use compose_render::HostPattern;

/// An expression of the policy's author (`dlp.patterns`), looked for in requests beside our rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    pub name: String,
    /// As RE2 reads it, in either case.
    pub expression: String,
    pub validator: Option<Validator>,
    /// A finding is told in the log and stops nothing.
    pub warns: bool,
}

/// What else a match must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Validator {
    Luhn,
    Mod97,
    Aba,
    Wif,
}

/// Rules that find nothing on some hosts, or at some addresses. The bottle's own secrets, its
/// placeholders and what a host's labels carry are found whatever this says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exception {
    /// By the names that findings carry.
    pub rules: Vec<String>,
    pub at: At,
}

/// Where an exception holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum At {
    /// `exempt_domains`: everything that goes to these hosts.
    Hosts(Vec<HostPattern>),
    /// `suppress`: requests and responses of these addresses.
    Address(AddressGlob),
}

impl Exception {
    /// Whether it holds for what goes to a host, or comes from it, at an address without its query.
    pub fn holds(&self, host: &str, address: &str) -> bool {
        match &self.at {
            At::Hosts(hosts) => hosts.iter().any(|pattern| pattern.covers(host)),
            At::Address(glob) => glob.matches(address),
        }
    }
}

/// So many expressions of its author's may be in a policy.
pub const PATTERNS: usize = 256;
/// Rules that no exception may name.
pub const NEVER_EXCEPTED: [&str; 3] = ["bottle-secret", "bottle-placeholder", "data-in-host"];
