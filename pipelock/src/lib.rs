//! pipelock's control half: what its two configuration files mean, how they are rendered, and how
//! its service looks.
//!
//! Pure but for [`standalone`]: the launcher and the data plane read the same types, and neither
//! tokio nor TLS is linked through here.

mod action;
mod bottle_file;
mod budget;
mod digest;
mod exception;
mod fault;
mod known_secret;
mod passing;
mod policy;
mod render;
mod settings;
mod sidecar;
pub mod standalone;
mod stock;
mod upstream;

pub use self::action::{Action, ResponseAction};
pub use self::budget::Budget;
pub use self::digest::Digest;
pub use self::exception::{
    AddressGlob, At, Exception, InvalidAddressGlob, NEVER_EXCEPTED, PATTERNS, Pattern,
    UPSTREAM_NAMES, Validator,
};
pub use self::fault::{Fault, Faults};
pub use self::known_secret::{FINGERPRINT_KEY_LABEL, KnownSecret, fingerprint_key};
pub use self::passing::{Observe, Until};
pub use self::policy::{Listen, Policy, Read, Steering};
pub use self::settings::{PortRule, Settings, StandIn};
pub use self::sidecar::{BINARY, DOCKERFILE, Pipelock};
pub use self::stock::{ABSENT as ABSENT_WITH_STOCK, Resolver, Stock};

/// The configuration in upstream's schema.
pub const UPSTREAM_FILE: &str = "pipelock.yaml";
/// What upstream has no key for.
pub const BOTTLE_FILE: &str = "bottle.yaml";
/// The authority's certificate and key, in the same folder.
pub use ca::{CERTIFICATE_FILE as CA_FILE, KEY_FILE as CA_KEY_FILE};
