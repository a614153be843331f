//! Connections that pass as they are.

use super::{Door, InForce, Refusal, verdict};
use crate::{
    budgets::Meters,
    passage::{self, Passed, Passing},
    refusal::{self, LAYER},
};
use http::Method;
use pipelock::Policy;
use sidecar::{Event, Line};
use std::time::{Duration, Instant};
use tls_intercept::{Connection, Denial, Destination, Reason};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

impl Door {
    /// The rule by which a connection passes unopened.
    pub(super) fn passage(&self, rules: &InForce, connection: &Connection) -> Option<String> {
        let policy = &rules.policy;
        let asker = self.asker(policy, connection);
        let passes = unopened(policy, &connection.destination);
        passes.then(|| verdict(policy, &connection.destination, asker).ok()).flatten()
    }

    /// Carries a connection to its end, and leaves its line behind.
    pub(super) async fn carry<S>(&self, connection: &Connection, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let begun = Instant::now();
        let destination = connection.destination.clone();
        let place = self.entered(connection, true);
        let rules = self.rules();
        let rule = self.passage(&rules, connection);
        // Written whichever way this ends, a revoked policy included.
        let mut passing = Passing {
            log: self.log.clone(),
            line: Line {
                id: Some(connection.id.to_string()),
                host: Some(destination.host.to_string()),
                port: Some(destination.port),
                method: Some(Method::CONNECT.to_string()),
                client: Some(connection.peer.ip().to_string()),
                generation: Some(rules.generation),
                unscanned: Some("passthrough"),
                ..Line::new(Event::Allowed)
            },
            begun,
            meters: Meters::default(),
            passed: Passed::default(),
        };
        let ready = self.unopened_upstream(&rules, &destination, rule, &mut passing).await;
        match ready {
            Ok(upstream) => {
                let idle = Duration::from_secs(rules.policy.idle_seconds);
                let counting = (&passing.passed, &passing.meters);
                passage::carry(stream, upstream, idle, counting).await;
            }
            Err((denial, detail)) => passing.refused(&denial, detail),
        }
        drop(place);
    }

    /// Dials for a connection that passes unopened by that rule, and names in its line what was.
    async fn unopened_upstream(
        &self,
        rules: &InForce,
        destination: &Destination,
        rule: Option<String>,
        passing: &mut Passing,
    ) -> Result<TcpStream, Refusal> {
        // The policy changed between the hello and here.
        let revoked =
            || Denial::new(LAYER, Reason::PolicyRevoked, "the policy that let it through is gone");
        passing.line.rule = Some(rule.ok_or_else(|| (revoked(), None))?);
        passing.meters = (rules.budgets.take(&destination.host.to_string(), passing.begun))
            .map_err(|over| (refusal::over_budget(&over.rule), None))?;
        let (upstream, address) = self.upstream(rules, destination).await?;
        passing.line.address = address.map(|address| address.to_string());
        Ok(upstream)
    }
}

/// Whether what goes there passes unopened: a routed host's never does, for its credential is
/// egress's to put in.
pub(super) fn unopened(policy: &Policy, destination: &Destination) -> bool {
    let host = destination.host.to_string();
    let covers = |hosts: &[compose_render::HostPattern]| {
        hosts.iter().any(|pattern| pattern.covers_name(&host))
    };
    covers(&policy.passthrough) && !covers(&policy.routed)
}
