//! What one generation of the policy looks for: the rules, and the bottle's own secrets.

use compose_render::{HostPattern, Secret};
use dlp::{Custom, Finding, Fingerprint, Key, Own, Rules, Severity};
use pipelock::{Exception, Fault, KnownSecret, Policy, UPSTREAM_FILE, Validator, fingerprint_key};
use std::sync::Arc;
use tls_intercept::Destination;

/// The rules with the secrets in them, and where each secret is at home.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    rules: Rules,
    homes: Vec<Vec<HostPattern>>,
    routed: Vec<HostPattern>,
    exceptions: Arc<[Exception]>,
}

/// What of the bottle's own may go to one host, and which rules find nothing there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    secrets: Vec<bool>,
    routed: bool,
    spared: Spared,
}

/// Rules whose findings count nothing at one address, because the policy makes an exception.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spared(Vec<String>);

impl Spared {
    pub(crate) fn holds(&self, rule: &str) -> bool {
        self.0.iter().any(|spared| spared == rule)
    }
}

impl Home {
    /// Whether the policy makes an exception of a finding that is not the bottle's own.
    pub(crate) fn spares(&self, finding: &Finding) -> bool {
        self.takes(finding).is_none() && self.spared.holds(finding.rule)
    }

    /// The rules of which it does.
    pub(crate) const fn spared(&self) -> &Spared {
        &self.spared
    }

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
        Self {
            rules: Rules::builtin().clone(),
            homes: Vec::new(),
            routed: Vec::new(),
            exceptions: Arc::new([]),
        }
    }
}

impl Knowledge {
    /// Of a policy as it is written: its own rules, and where rules find nothing.
    pub(crate) fn of(policy: &Policy) -> Result<Self, Vec<Fault>> {
        let read = |(nth, pattern): (usize, &pipelock::Pattern)| {
            let validator = pattern.validator.map(|validator| match validator {
                Validator::Luhn => dlp::Validator::Luhn,
                Validator::Mod97 => dlp::Validator::Mod97,
                Validator::Aba => dlp::Validator::Aba,
                Validator::Wif => dlp::Validator::Wif,
            });
            let severity = if pattern.warns { Severity::Low } else { Severity::High };
            let custom = Custom::new(&pattern.name, &pattern.expression, validator, severity);
            custom.map_err(|error| Fault {
                file: UPSTREAM_FILE,
                path: format!("dlp.patterns[{nth}].regex"),
                message: error.to_string(),
            })
        };
        let mut faults = Vec::new();
        let custom = policy.patterns.iter().enumerate().map(read);
        let custom = custom.filter_map(|read| read.map_err(|fault| faults.push(fault)).ok());
        let custom: Vec<_> = custom.collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            rules: Rules::builtin().clone().and(custom),
            exceptions: policy.exceptions.clone().into(),
            ..Self::default()
        })
    }

    /// The same with the bottle's secrets; the key of their fingerprints is made from the hop secret,
    /// which only this process and egress have.
    #[must_use]
    pub(crate) fn armed(self, policy: &Policy, hop_secret: Option<&Secret>) -> Self {
        let Some(hop_secret) = hop_secret else { return self };
        let known = policy.secrets.iter().filter_map(|known| Some((read(known)?, &known.hosts)));
        let (fingerprints, homes): (Vec<_>, Vec<_>) =
            known.map(|(fingerprint, hosts)| (fingerprint, hosts.clone())).unzip();
        let routed = policy.routed.clone();
        if fingerprints.is_empty() {
            return Self { routed, ..self };
        }
        let own = Own::new(Key::new(fingerprint_key(hop_secret)), fingerprints);
        Self { rules: self.rules.knowing(own), homes, routed, ..self }
    }

    /// The rules that exceptions name and nobody has.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let known: Vec<_> = self.rules.names().chain(injection::names()).collect();
        let named = self.exceptions.iter().flat_map(|exception| &exception.rules);
        let unknown = named.filter(|rule| !known.contains(&rule.as_str()));
        unknown.map(|rule| format!("suppress: no rule here is called `{rule}`")).collect()
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What may go there, at that canonical path.
    pub(crate) fn at_home(&self, to: &Destination, host: &str, path: &str) -> Home {
        let covers = |hosts: &Vec<HostPattern>| hosts.iter().any(|home| home.covers_name(host));
        let secrets = self.homes.iter().map(covers).collect();
        Home { secrets, routed: covers(&self.routed), spared: self.spared(to, host, path) }
    }

    fn spared(&self, to: &Destination, host: &str, path: &str) -> Spared {
        if self.exceptions.is_empty() {
            return Spared::default();
        }
        let address = format!("{}://{}{path}", to.scheme.as_str(), to.authority());
        let holding = self.exceptions.iter().filter(|exception| exception.holds(host, &address));
        Spared(holding.flat_map(|exception| exception.rules.iter().cloned()).collect())
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
