//! The policy in force, ready for use: read as a whole, or not at all.

use crate::{budgets::Budgets, content::Knowledge};
use pipelock::{BOTTLE_FILE, Digest, Faults, Policy, Read};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use sidecar::clock;
use std::{
    fmt::Write as _,
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use tls_intercept::client::Trust;

/// Longer than any policy a person or the launcher writes; a host's whole trust store fits.
pub(crate) const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// One generation of the policy.
#[derive(Debug)]
pub struct Rules {
    pub policy: Arc<Policy>,
    /// Grows with each policy that came into force.
    pub generation: u64,
    /// Over both files.
    pub digest: String,
    /// Keys that were read and have no effect.
    pub not_enforced: Vec<String>,
    /// Whom to believe upstream. Of this generation alone: connections of another are not used.
    pub trust: Trust,
    /// When something of the policy ends by itself next, in seconds since 1970.
    pub next_end: Option<u64>,
    /// What single hosts may take.
    pub(crate) budgets: Arc<Budgets>,
    /// What requests are searched for.
    pub(crate) known: Knowledge,
}

/// Why a policy did not come into force.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is longer than {FILE_LIMIT} bytes", .0.display())]
    TooLong(PathBuf),
    #[error("the policy is refused")]
    Refused(#[source] Faults),
    #[error("`{BOTTLE_FILE}`: certificate {nth} of `upstream_ca` is none")]
    UpstreamCa { nth: usize },
    #[error("cannot make TLS settings")]
    Tls(#[source] rustls::Error),
}

/// Both files as they lie in the folder.
#[derive(Debug)]
pub struct Files {
    upstream: String,
    bottle: String,
}

impl Files {
    /// Reads both. The second lies beside the first, and its absence is an error: without it a
    /// routed host would be an ordinary one.
    pub fn read(config: &Path) -> Result<Self, RulesError> {
        Ok(Self { upstream: read(config)?, bottle: read(&config.with_file_name(BOTTLE_FILE))? })
    }

    /// The digest over both.
    pub fn digest(&self) -> String {
        Digest::of(&self.upstream, &self.bottle).to_string()
    }

    /// The rules they make.
    pub fn rules(&self, generation: u64) -> Result<Rules, RulesError> {
        let Read { mut policy, digest, mut not_enforced } =
            Policy::read(&self.upstream, &self.bottle).map_err(RulesError::Refused)?;
        let refused = |faults| RulesError::Refused(Faults(faults));
        let known = Knowledge::of(&policy).map_err(refused)?;
        not_enforced.extend(known.unknown());
        let trust = Trust::new(roots(&policy.upstream_ca)?).map_err(RulesError::Tls)?;
        let digest = digest.to_string();
        let next_end = policy.at(clock::now());
        let budgets = Arc::new(Budgets::of(&policy.budgets));
        Ok(Rules {
            budgets,
            policy: Arc::new(policy),
            generation,
            digest,
            not_enforced,
            trust,
            next_end,
            known,
        })
    }
}

impl Rules {
    /// The same without what has ended by then: a generation of its own, of the same files.
    #[must_use]
    pub fn at(&self, now: u64) -> Self {
        let mut policy = Policy::clone(&self.policy);
        let next_end = policy.at(now);
        Self {
            policy: Arc::new(policy),
            generation: self.generation + 1,
            digest: self.digest.clone(),
            not_enforced: self.not_enforced.clone(),
            trust: self.trust.clone(),
            next_end,
            budgets: Arc::clone(&self.budgets),
            known: self.known.clone(),
        }
    }

    /// What the `config` line says of keys without an effect; `None` where every key has one.
    pub fn warning(&self) -> Option<String> {
        let mut keys = self.not_enforced.iter();
        let mut text = format!("parsed, not enforced: {}", keys.next()?);
        for key in keys {
            write!(text, ", {key}").unwrap_or_default();
        }
        Some(text)
    }
}

/// The public roots, and those of the policy.
fn roots(pem: &str) -> Result<RootCertStore, RulesError> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for (nth, certificate) in CertificateDer::pem_slice_iter(pem.as_bytes()).enumerate() {
        let nth = nth + 1;
        let certificate = certificate.map_err(|_| RulesError::UpstreamCa { nth })?;
        store.add(certificate).map_err(|_| RulesError::UpstreamCa { nth })?;
    }
    Ok(store)
}

fn read(path: &Path) -> Result<String, RulesError> {
    let failed = |source| RulesError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_LIMIT {
        return Err(RulesError::TooLong(path.to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSTREAM: &str = "mode: strict\nforward_proxy: {enabled: true}\n\
                            tls_interception: {enabled: true}\ndlp: {scan_env: false}\n";

    fn files(upstream: &str, bottle: &str) -> Files {
        Files { upstream: upstream.to_owned(), bottle: bottle.to_owned() }
    }

    #[test]
    fn keys_without_an_effect_are_said() {
        let rules = files(UPSTREAM, "version: 1\n").rules(1).unwrap();
        assert_eq!(rules.warning().as_deref(), Some("parsed, not enforced: dlp.scan_env"));
        assert_eq!(rules.digest, files(UPSTREAM, "version: 1\n").digest());
    }

    #[test]
    fn c7_a_file_that_is_missing_or_broken_is_an_error_and_no_policy() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("pipelock.yaml");
        assert!(matches!(Files::read(&config), Err(RulesError::Read { .. })));
        for (upstream, bottle) in [
            ("mode: [", "version: 1\n"),
            (UPSTREAM, ""),
            (UPSTREAM, "version: 2\n"),
            (UPSTREAM, "version: 1\nsurprise: 1\n"),
            (UPSTREAM, "version: 1\nrouted: [a.org]\n"),
            (UPSTREAM, "version: 1\nupstream_ca: |\n  -----BEGIN CERTIFICATE-----\n  AA\n"),
        ] {
            assert!(files(upstream, bottle).rules(1).is_err(), "{upstream}{bottle}");
        }
    }
}
