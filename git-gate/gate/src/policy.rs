//! What the gate file says, in force as a whole: a request that began under one goes on under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use git_gate::GateFile;
use sidecar::{Event, Line, chain};

use crate::gate::Gate;
use crate::ground::Ground;
use crate::mirror::Mirror;

/// A gate file that was read and checked, and what goes with it.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) file: GateFile,
    /// By their names at the gate.
    pub(crate) mirrors: BTreeMap<String, Arc<Mirror>>,
    pub(crate) digest: String,
    pub(crate) generation: u64,
}

impl Policy {
    /// Checks a gate file's text, and lays it down for the hooks of pushes that begin from now on.
    pub(crate) fn of(ground: &Ground, text: &str, before: Option<&Self>) -> anyhow::Result<Self> {
        let file = ground.parse(text)?;
        ground.keep(text)?;
        let mirrors = file.upstreams.iter().map(|upstream| {
            let mirror = Mirror::of(upstream.clone());
            let known = before.and_then(|before| before.mirrors.get(&mirror.name));
            let mirror = match known {
                Some(known) => mirror.in_turn_with(known),
                None => mirror,
            };
            (mirror.name.clone(), Arc::new(mirror))
        });
        let mirrors = mirrors.collect();
        let generation = before.map_or(1, |before| before.generation + 1);
        Ok(Self { mirrors, file, digest: GateFile::digest(text), generation })
    }
}

impl Gate {
    /// Puts the file as it stands now in force, or keeps the one that is and says why.
    pub fn reload(&self) {
        let before = self.policy();
        // Read once: what is told of is what was judged, whoever writes the file meanwhile.
        let text = self.ground.text();
        let digest = text.as_deref().map(GateFile::digest).unwrap_or_default();
        if digest == before.digest {
            return self.tell_policy();
        }
        match text.and_then(|text| Policy::of(&self.ground, &text, Some(&before))) {
            Ok(policy) => {
                self.replace(policy);
                self.tell_policy();
            }
            Err(error) => {
                let because = chain(error.as_ref());
                self.status.config_refused(&digest, &because);
                self.log.write(Line {
                    reason: Some("config-refused".to_owned()),
                    digest: Some(digest),
                    generation: Some(before.generation),
                    detail: Some(because),
                    ..Line::new(Event::Config)
                });
            }
        }
    }

    /// Says which policy is in force.
    pub(crate) fn tell_policy(&self) {
        let policy = self.policy();
        self.status.config_loaded(&policy.digest, policy.generation);
        self.log.write(Line {
            digest: Some(policy.digest.clone()),
            generation: Some(policy.generation),
            ..Line::new(Event::Config)
        });
    }
}
