//! What one generation of the policy looks for: the rules, and the bottle's own secrets.

use compose_render::{HostPattern, Secret};
use dlp::{Fingerprint, Key, Own, Rules};
use pipelock::{FINGERPRINT_KEY_LABEL, KnownSecret, Policy};
use sha2::{Digest as _, Sha256};

/// The rules with the secrets in them, and where each secret is at home.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    rules: Rules,
    homes: Vec<Vec<HostPattern>>,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self { rules: Rules::builtin().clone(), homes: Vec::new() }
    }
}

impl Knowledge {
    /// Of a policy; the key of the fingerprints is made from the hop secret, which only this
    /// process and egress have.
    pub(crate) fn of(policy: &Policy, hop_secret: Option<&Secret>) -> Self {
        let Some(hop_secret) = hop_secret else { return Self::default() };
        let digest = Sha256::new()
            .chain_update(FINGERPRINT_KEY_LABEL)
            .chain_update(hop_secret.expose())
            .finalize();
        let known = policy.secrets.iter().filter_map(|known| Some((read(known)?, &known.hosts)));
        let (fingerprints, homes): (Vec<_>, Vec<_>) =
            known.map(|(fingerprint, hosts)| (fingerprint, hosts.clone())).unzip();
        if fingerprints.is_empty() {
            return Self::default();
        }
        Self { rules: Rules::with(Own::new(Key::new(digest.into()), fingerprints)), homes }
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Which of the secrets may go to that host, by their numbers.
    pub(crate) fn at_home(&self, host: &str) -> Vec<bool> {
        let covers = |hosts: &Vec<HostPattern>| hosts.iter().any(|home| home.covers_name(host));
        self.homes.iter().map(covers).collect()
    }
}

fn read(known: &KnownSecret) -> Option<Fingerprint> {
    let rolling = u64::from_str_radix(&known.rolling, 16).ok()?;
    let digits: Option<Vec<u8>> = known
        .mac
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let bytes: Vec<u8> =
        digits?.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
    Some(Fingerprint { len: known.length, rolling, mac: bytes.try_into().ok()? })
}
