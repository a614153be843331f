//! What a bottle's containers are: names, hardened service specs, the project they are stitched
//! into, and the one YAML writer.
//!
//! This crate does no IO: it turns values into values and text.

pub mod contract;

mod address;
mod base64;
mod file;
mod host_pattern;
mod image;
mod role;
mod seccomp;
mod secret;
mod service;
mod sidecar;
mod slug;
mod stitch;
mod upstream_proxy;
mod yaml;

pub use self::address::{Addresses, InvalidSubnet};
pub use self::base64::base64;
pub use self::file::RenderedFile;
pub use self::host_pattern::{HostPattern, InvalidHostPattern};
pub use self::image::{ImageRef, InvalidImage, content_hash};
pub use self::role::{Network, Role};
pub use self::seccomp::seccomp_profile;
pub use self::secret::Secret;
pub use self::service::{Mount, ServiceSpec, Tmpfs};
pub use self::sidecar::Sidecar;
pub use self::slug::{InvalidSlug, Slug};
pub use self::stitch::{Project, StitchError, stitch};
pub use self::upstream_proxy::{UPSTREAM_PROXY_CREDENTIAL, UpstreamProxy, upstream_proxy_variable};
pub use self::yaml::to_yaml;
