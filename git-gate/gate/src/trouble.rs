//! What can go wrong between the gate and an upstream, each in one sentence.

/// Why an upstream could not be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the upstream's host `{0}` cannot be resolved")]
    Unresolved(String),
    #[error("the upstream's host `{0}` has an address that the gate does not dial")]
    Address(String),
    #[error(
        "the upstream's host key is not the one in `known_hosts`: it changed, or is missing there"
    )]
    HostKey,
    #[error(
        "the upstream refused the gate's key or token: it is wrong, expired, or has no right here"
    )]
    Refused,
    #[error("the upstream has no such repository, or does not show it to the gate")]
    NotFound,
    #[error("the upstream cannot be reached")]
    Unreachable,
    #[error("the upstream cannot be reached through the proxy that `upstream_proxy` names")]
    BehindProxy,
    #[error("the proxy that `upstream_proxy` names cannot be reached, or speaks no HTTP")]
    ProxyUnreachable,
    #[error(
        "the proxy that `upstream_proxy` names wants a login, or another one than it was shown"
    )]
    ProxyLogin,
    #[error(
        "the proxy that `upstream_proxy` names does not connect to the upstream: it answers {0}"
    )]
    ProxyRefused(u16),
    #[error("the upstream did not answer in time")]
    Late,
    #[error("the disk of the mirrors is full")]
    DiskFull,
    #[error("git failed on the way to the upstream: {0}")]
    Git(String),
}

impl Trouble {
    /// The name in logs and refusals.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "upstream-unresolved",
            Self::Address(_) => "upstream-address",
            Self::HostKey => "upstream-host-key",
            Self::Refused => "upstream-refused",
            Self::NotFound => "upstream-not-found",
            Self::Unreachable => "upstream-unreachable",
            Self::BehindProxy => "upstream-behind-proxy",
            Self::ProxyUnreachable => "proxy-unreachable",
            Self::ProxyLogin => "proxy-login",
            Self::ProxyRefused(_) => "proxy-refused",
            Self::Late => "upstream-late",
            Self::DiskFull => "disk-full",
            Self::Git(_) => "upstream-git",
        }
    }

    /// Reads what git and ssh printed.
    pub(crate) fn of(stderr: &str) -> Self {
        let says = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
        if says(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
            Self::HostKey
        } else if says(&[
            "Permission denied",
            "Authentication failed",
            "could not read Username",
            "could not read Password",
            "returned error: 401",
            "returned error: 403",
        ]) {
            Self::Refused
        } else if says(&[
            "Repository not found",
            "repository not found",
            "does not appear to be a git repository",
            "does not exist",
            "returned error: 404",
            "' not found",
        ]) {
            Self::NotFound
        } else if says(&["No space left on device"]) {
            Self::DiskFull
        } else if says(&[
            "Connection refused",
            "Connection timed out",
            "Connection reset",
            "Connection closed",
            "No route to host",
            "Network is unreachable",
            "Could not connect",
            "Failed to connect",
            "Could not resolve",
            "unable to access",
            "Could not read from remote",
        ]) {
            Self::Unreachable
        } else {
            let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
            Self::Git(plain(last.unwrap_or("it said nothing")))
        }
    }
}

/// Text of others for a person's terminal: no control character, and not long.
pub(crate) fn plain(text: &str) -> String {
    const LONGEST: usize = 300;
    let shown: String = text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_and_git_print_becomes_one_reason() {
        for (text, reason) in [
            (
                "Host key verification failed.\nfatal: Could not read from remote",
                "upstream-host-key",
            ),
            ("git@h: Permission denied (publickey).\nfatal: Could not read", "upstream-refused"),
            ("fatal: Authentication failed for 'https://h/'", "upstream-refused"),
            ("ssh: connect to host 1.2.3.4 port 22: Connection refused", "upstream-unreachable"),
            ("fatal: '/x' does not appear to be a git repository", "upstream-not-found"),
            ("error: file write error: No space left on device", "disk-full"),
            ("fatal: something else", "upstream-git"),
        ] {
            assert_eq!(Trouble::of(text).reason(), reason, "{text}");
        }
    }

    #[test]
    fn every_reason_is_in_the_documentation() {
        let documentation = include_str!("../../../docs/git.md");
        let text = String::new;
        for trouble in [
            Trouble::Unresolved(text()),
            Trouble::Address(text()),
            Trouble::HostKey,
            Trouble::Refused,
            Trouble::NotFound,
            Trouble::Unreachable,
            Trouble::BehindProxy,
            Trouble::ProxyUnreachable,
            Trouble::ProxyLogin,
            Trouble::ProxyRefused(403),
            Trouble::Late,
            Trouble::DiskFull,
            Trouble::Git(text()),
        ] {
            let reason = trouble.reason();
            assert!(documentation.contains(&format!("`{reason}`")), "{reason}");
        }
    }

    #[test]
    fn i6_text_of_others_carries_no_escape() {
        assert_eq!(plain("a\x1b[31mb\r\n"), "a[31mb");
    }
}
