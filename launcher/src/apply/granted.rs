//! What people granted on top of the manifest: kept apart from it, so that each grant can be taken
//! back, ends by itself, and outlives an edit of the manifest.

use compose_render::Addresses;
use serde::{Deserialize, Serialize};
use supervise::{Ask, ProposalId};

use super::{Config, grant};
use crate::exit::{self, Hint as _};

/// One yes of a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    pub id: ProposalId,
    pub ask: Ask,
    /// Seconds since 1970.
    pub given: u64,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// The file: every grant, and what there is without them.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Granted {
    upstream: String,
    bottle: String,
    routes: Option<String>,
    grants: Vec<Grant>,
}

impl Grant {
    /// Whether it has ended by itself.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Config {
    /// What was granted, the oldest first.
    pub(crate) fn grants(&self) -> anyhow::Result<Vec<Grant>> {
        Ok(self.read_granted()?.map(|granted| granted.grants).unwrap_or_default())
    }

    /// The policy without what was granted.
    pub(crate) fn base(&self) -> anyhow::Result<Self> {
        let Some(granted) = self.read_granted()? else { return Ok(self.clone()) };
        Ok(Self {
            upstream: granted.upstream,
            bottle: granted.bottle,
            routes: granted.routes,
            gate: self.gate.clone(),
            granted: String::new(),
        })
    }

    /// This policy, which has no grants, with those on top. What is over by then is left out.
    ///
    /// # Errors
    ///
    /// A grant that this policy does not take.
    pub(crate) fn with_grants(
        &self,
        grants: &[Grant],
        addresses: &Addresses,
        now: u64,
    ) -> anyhow::Result<Self> {
        let lasting: Vec<Grant> = grants.iter().filter(|one| !one.is_over(now)).cloned().collect();
        let mut config = self.clone();
        for one in &lasting {
            config = grant::put(&config, &one.ask, one.until, addresses)
                .map_err(|error| error.context(format!("the grant `{}` cannot stay", one.id)))
                .hint(format!("`bottle revoke {}` takes it back", one.id))?;
        }
        if lasting.is_empty() {
            return Ok(config);
        }
        let granted = Granted {
            upstream: self.upstream.clone(),
            bottle: self.bottle.clone(),
            routes: self.routes.clone(),
            grants: lasting,
        };
        config.granted = serde_json::to_string_pretty(&granted)?;
        Ok(config)
    }

    fn read_granted(&self) -> anyhow::Result<Option<Granted>> {
        if self.granted.is_empty() {
            return Ok(None);
        }
        let read = serde_json::from_str(&self.granted);
        read.map(Some).map_err(|_| exit::refused("what was granted is not in its form"))
    }
}
