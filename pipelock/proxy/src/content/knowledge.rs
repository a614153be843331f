//! What one generation of the policy looks for: the rules, and the bottle's own secrets.

use compose_render::{HostPattern, Secret};
use dlp::{Finding, Fingerprint, Key, Own, Rules};
use pipelock::{FINGERPRINT_KEY_LABEL, KnownSecret, Policy};
use sha2::{Digest as _, Sha256};

/// The rules with the secrets in them, and where each secret is at home.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    rules: Rules,
    homes: Vec<Vec<HostPattern>>,
    routed: Vec<HostPattern>,
}

/// What of the bottle's own may go to one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    secrets: Vec<bool>,
    routed: bool,
}

impl Home {
    /// Whether the finding is the bottle's own, and at home here: a secret on its route, and
    /// placeholders on any, which egress judges one by one. `None` for what is not its own.
    pub(crate) fn takes(&self, finding: &Finding) -> Option<bool> {
        match finding.secret {
            Some(number) => Some(self.secrets.get(number).copied().unwrap_or(false)),
            None => (finding.rule == "bottle-placeholder").then_some(self.routed),
        }
    }
}

impl Default for Knowledge {
    fn default() -> Self {
        Self { rules: Rules::builtin().clone(), homes: Vec::new(), routed: Vec::new() }
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
        let routed = policy.routed.clone();
        if fingerprints.is_empty() {
            return Self { routed, ..Self::default() };
        }
        Self { rules: Rules::with(Own::new(Key::new(digest.into()), fingerprints)), homes, routed }
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What may go to that host.
    pub(crate) fn at_home(&self, host: &str) -> Home {
        let covers = |hosts: &Vec<HostPattern>| hosts.iter().any(|home| home.covers_name(host));
        Home { secrets: self.homes.iter().map(covers).collect(), routed: covers(&self.routed) }
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
