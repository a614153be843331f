//! One leaf per host, kept while it is fresh, and not more of them than a bound.

use super::TlsSettingsError;
use crate::Host;
use ca::{Authority, Subject};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::NoServerSessionStorage;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use time::{Duration, OffsetDateTime};

/// A leaf is renewed so long before its end: a connection may still be opened with the old one.
const RENEWED_BEFORE: Duration = Duration::hours(6);

#[derive(Debug)]
pub(super) struct Leaves {
    authority: Authority,
    bound: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_host: BTreeMap<Host, Entry>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    tls: Arc<ServerConfig>,
    fresh_until: OffsetDateTime,
    used: u64,
}

impl Leaves {
    pub(super) fn new(authority: Authority, bound: usize) -> Self {
        Self { authority, bound: bound.max(1), kept: Mutex::default() }
    }

    pub(super) fn tls_for(
        &self,
        host: &Host,
        now: OffsetDateTime,
    ) -> Result<Arc<ServerConfig>, TlsSettingsError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let used = kept.uses;
        if let Some(entry) = kept.by_host.get_mut(host).filter(|entry| now < entry.fresh_until) {
            entry.used = used;
            return Ok(Arc::clone(&entry.tls));
        }
        // Issued under the lock: a few dozen microseconds, and never twice for one host.
        let entry = self.issue(host, now, used)?;
        let tls = Arc::clone(&entry.tls);
        if kept.by_host.len() >= self.bound
            && !kept.by_host.contains_key(host)
            && let Some(oldest) = kept
                .by_host
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(host, _)| host.clone())
        {
            kept.by_host.remove(&oldest);
        }
        kept.by_host.insert(host.clone(), entry);
        Ok(tls)
    }

    fn issue(
        &self,
        host: &Host,
        now: OffsetDateTime,
        used: u64,
    ) -> Result<Entry, TlsSettingsError> {
        let subject = match host {
            Host::Name(name) => Subject::Name(name.as_str()),
            Host::Address(address) => Subject::Address(*address),
        };
        let leaf = self
            .authority
            .issue(subject, now)
            .map_err(|error| TlsSettingsError::Leaf(host.to_string(), error))?;
        let settings = |error| TlsSettingsError::Settings(host.to_string(), error);
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(settings)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.certificate], leaf.key)
            .map_err(settings)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // No resumption: no state that outlives a policy, and P-256 signatures are cheap.
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        let fresh_until = (leaf.not_after - RENEWED_BEFORE).max(now + Duration::minutes(1));
        Ok(Entry { tls: Arc::new(tls), fresh_until: fresh_until.min(leaf.not_after), used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_render::Role;

    fn leaves(bound: usize) -> (Leaves, OffsetDateTime) {
        let now = OffsetDateTime::now_utc();
        let slug = "fix-login".parse().unwrap();
        (Leaves::new(Authority::mint(&slug, Role::Egress, now).unwrap(), bound), now)
    }

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn keeps_a_leaf_until_it_is_to_be_renewed() {
        let (leaves, now) = leaves(8);
        let first = leaves.tls_for(&host("a.com"), now).unwrap();
        assert!(Arc::ptr_eq(&first, &leaves.tls_for(&host("A.com."), now).unwrap()));
        let later = now + Duration::hours(43);
        let renewed = leaves.tls_for(&host("a.com"), later).unwrap();
        assert!(!Arc::ptr_eq(&first, &renewed));
        assert!(Arc::ptr_eq(&renewed, &leaves.tls_for(&host("a.com"), later).unwrap()));
    }

    #[test]
    fn is_bounded_and_forgets_the_least_used() {
        let (leaves, now) = leaves(2);
        let kept = leaves.tls_for(&host("kept.com"), now).unwrap();
        for n in 0..10 {
            leaves.tls_for(&host(&format!("h{n}.com")), now).unwrap();
            assert!(Arc::ptr_eq(&kept, &leaves.tls_for(&host("kept.com"), now).unwrap()));
        }
        assert_eq!(leaves.kept.lock().unwrap().by_host.len(), 2);
    }

    #[test]
    fn an_expired_root_issues_nothing() {
        let (leaves, now) = leaves(2);
        assert!(leaves.tls_for(&host("a.com"), now + Duration::days(15)).is_err());
        assert!(leaves.tls_for(&host("10.0.0.1"), now).is_ok());
    }
}
