//! Where things lie inside the agent's container, below its read-only mount.
//!
//! The host's side of that mount is `state/<slug>/provision/`, so a name here is a name there.

/// The folder of the mount.
pub(crate) const FOLDER: &str = compose_render::contract::PROVISION_DIR;
/// The folder in it that is mounted over the system's roots as well: `wget` and others read no
/// variable, and what reads a variable in one program reads that folder in the next.
pub(crate) const CERTS: &str = "certs";
/// Where the system's roots lie.
pub(crate) const SYSTEM_CERTS: &str = "/etc/ssl/certs";
/// For replace-style variables: the image's public roots and the bottle's two.
pub(crate) const TRUST_BUNDLE: &str = "/etc/bottle/certs/ca-certificates.crt";
/// The same for a JVM, where Debian's look for it.
pub(crate) const JAVA_TRUST_STORE: &str = "/etc/bottle/certs/java/cacerts";
/// For additive variables: the bottle's two alone.
pub(crate) const AUTHORITIES: &str = "/etc/bottle/authorities.pem";
/// git's configuration of the system, where there are git upstreams: their URLs lead to the gate.
pub(crate) const GIT_CONFIG: &str = "/etc/bottle/gitconfig";
/// Our static binary: it idles, packs, unpacks and probes.
pub(crate) const BINARY: &str = "/etc/bottle/bottle-guest";

#[cfg(test)]
mod tests {
    #[test]
    fn everything_lies_below_the_mount() {
        for path in [
            super::TRUST_BUNDLE,
            super::JAVA_TRUST_STORE,
            super::AUTHORITIES,
            super::GIT_CONFIG,
            super::BINARY,
        ] {
            assert!(path.starts_with(super::FOLDER), "{path}");
        }
    }
}
