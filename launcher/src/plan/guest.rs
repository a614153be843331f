//! Where things lie inside the agent's container, below its read-only mount.
//!
//! The host's side of that mount is `state/<slug>/provision/`, so a name here is a name there.

/// The folder of the mount.
pub(crate) const FOLDER: &str = compose_render::contract::PROVISION_DIR;
/// For replace-style variables: the image's public roots and the bottle's two.
pub(crate) const TRUST_BUNDLE: &str = "/etc/bottle/trust.pem";
/// For additive variables: the bottle's two alone.
pub(crate) const AUTHORITIES: &str = "/etc/bottle/authorities.pem";
/// Our static binary: it idles, packs, unpacks and probes.
pub(crate) const BINARY: &str = "/etc/bottle/bottle-guest";

#[cfg(test)]
mod tests {
    #[test]
    fn everything_lies_below_the_mount() {
        for path in [super::TRUST_BUNDLE, super::AUTHORITIES, super::BINARY] {
            assert!(path.starts_with(super::FOLDER), "{path}");
        }
    }
}
