//! Logins that expire: egress asks for new tokens itself, ahead of time and once for all who wait.
//! The agent never sees one, and the old token serves as long as it lasts.

mod exchange;
mod handed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use compose_render::Secret;
use egress::{Form, Renewal};
use sidecar::clock::now as seconds;
use sidecar::{Event, Line, Log, Shutdown};
use tls_intercept::client::Client;
use tokio::time::Instant;

use self::exchange::Tokens;
use crate::inject::Secrets as _;
use crate::policy::Policy;
use crate::upstream::WayOn;
use crate::vault::Vault;

/// So long before its end a token is renewed.
const AHEAD: Duration = Duration::from_mins(5);
/// So long a refusal stands before the endpoint is asked again.
const AGAIN: Duration = Duration::from_secs(30);
/// How long a token serves whose endpoint does not say it.
const UNSAID: Duration = Duration::from_hours(1);
/// No token is taken to serve longer, whoever says so: a clock ends somewhere.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Renews credentials. Shared by all requests.
#[derive(Debug)]
pub(crate) struct Renewer {
    pub(crate) client: Client,
    pub(crate) hop: Option<Secret>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) log: Log,
    pub(crate) shutdown: Shutdown,
    /// Where what was renewed is handed back to the host.
    pub(crate) outbox: PathBuf,
    pub(crate) slots: Mutex<BTreeMap<String, Arc<Slot>>>,
}

/// One credential that expires.
#[derive(Debug)]
pub(crate) struct Slot {
    expires: Mutex<Option<Instant>>,
    /// Held by the one who asks.
    flight: Arc<tokio::sync::Mutex<Flight>>,
}

/// What the last attempt came to.
#[derive(Debug, Default)]
struct Flight {
    refused: Option<(Instant, String)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Fresh,
    /// It still serves, and is to be renewed.
    Due,
    Expired,
}

/// All that one renewal needs, for it goes on when whoever began it leaves.
struct Order {
    renewal: Renewal,
    forms: Vec<Form>,
    way_on: Arc<WayOn>,
}

impl Renewer {
    /// Sees to it that the credential serves. Waits only where it does not.
    ///
    /// # Errors
    ///
    /// Why there is none, without a value in it.
    pub(crate) async fn fresh(
        self: &Arc<Self>,
        policy: &Policy,
        renewal: &Renewal,
    ) -> Result<(), String> {
        let slot = self.slot(renewal);
        let standing = self.standing(&slot, renewal);
        let mut flight = match standing {
            Standing::Fresh => return Ok(()),
            Standing::Due => match Arc::clone(&slot.flight).try_lock_owned() {
                Ok(flight) => flight,
                // Somebody renews it; until then the old one serves.
                Err(_) => return Ok(()),
            },
            Standing::Expired => Arc::clone(&slot.flight).lock_owned().await,
        };
        // Whoever was before us may have renewed it, or have been refused.
        if self.standing(&slot, renewal) == Standing::Fresh {
            return Ok(());
        }
        if let Some((until, because)) = &flight.refused
            && Instant::now() < *until
        {
            return if standing == Standing::Due { Ok(()) } else { Err(because.clone()) };
        }
        let order = Order {
            renewal: renewal.clone(),
            forms: forms(policy, renewal),
            way_on: Arc::clone(&policy.way_on),
        };
        let renewer = Arc::clone(self);
        // A task of its own: a refresh token that was used and not kept is lost for good.
        let renewed = self.shutdown.spawn(async move {
            let outcome = renewer.renewed(&order, &slot).await;
            flight.refused =
                outcome.as_ref().err().map(|because| (Instant::now() + AGAIN, because.clone()));
            outcome
        });
        if standing == Standing::Due {
            return Ok(());
        }
        renewed.await.unwrap_or_else(|_| Err("egress is stopping".to_owned()))
    }

    async fn renewed(&self, order: &Order, slot: &Slot) -> Result<(), String> {
        let outcome = match exchange::ask(self, order).await {
            Ok(tokens) => self.take(order, slot, tokens).await,
            Err(because) => Err(because),
        };
        self.log.write(match &outcome {
            Ok(()) => Line {
                reason: Some("credential-renewed".to_owned()),
                detail: Some(order.renewal.variable.to_string()),
                host: Some(order.renewal.endpoint.host().to_owned()),
                ..Line::new(Event::Config)
            },
            Err(because) => Line {
                host: Some(order.renewal.endpoint.host().to_owned()),
                ..Line::failure(format!("`{}` is not renewed: {because}", order.renewal.variable))
            },
        });
        outcome
    }

    /// Puts new tokens in force, all of them or none.
    async fn take(&self, order: &Order, slot: &Slot, tokens: Tokens) -> Result<(), String> {
        let unfit = |_| "the endpoint's answer cannot stand in a request".to_owned();
        for form in &order.forms {
            egress::check_secret(form, tokens.access.expose()).map_err(unfit)?;
        }
        let renewal = &order.renewal;
        let mut news = BTreeMap::from([(renewal.variable.to_string(), tokens.access)]);
        if let Some(refresh) = tokens.refresh {
            egress::check_secret(&Form::Bearer, refresh.expose()).map_err(unfit)?;
            news.insert(renewal.refresh.to_string(), refresh);
        }
        let life = tokens.life.unwrap_or(UNSAID).min(LONGEST);
        self.vault.replace(&news);
        *lock(&slot.expires) = Some(Instant::now() + life);
        let kept = |name: &egress::VariableName| self.vault.secret(name.as_str());
        let told = handed::Login {
            variable: renewal.variable.as_str(),
            access: kept(&renewal.variable),
            refresh: kept(&renewal.refresh),
            expires: seconds().saturating_add(life.as_secs()),
        };
        if let Err(error) = handed::back(&self.outbox, &told).await {
            let name = &renewal.variable;
            self.log.write(Line::failure(format!("`{name}` cannot be handed back: {error}")));
        }
        Ok(())
    }

    fn slot(&self, renewal: &Renewal) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let slot = slots.entry(renewal.variable.to_string()).or_insert_with(|| {
            let expires = renewal.expires.map(|at| {
                let left = Duration::from_secs(at.saturating_sub(seconds()));
                // From here on the host's clock has no say.
                Instant::now() + left.min(LONGEST)
            });
            Arc::new(Slot { expires: Mutex::new(expires), flight: Arc::default() })
        });
        Arc::clone(slot)
    }

    fn standing(&self, slot: &Slot, renewal: &Renewal) -> Standing {
        let now = Instant::now();
        if self.vault.secret(renewal.variable.as_str()).is_none() {
            return Standing::Expired;
        }
        match *lock(&slot.expires) {
            Some(at) if now + AHEAD < at => Standing::Fresh,
            Some(at) if now < at => Standing::Due,
            Some(_) => Standing::Expired,
            None => Standing::Due,
        }
    }
}

/// Where the credential stands in requests, by whatever route.
fn forms(policy: &Policy, renewal: &Renewal) -> Vec<Form> {
    let credentials = policy.routes.iter().flat_map(|route| &route.credentials);
    let own = credentials.filter(|credential| credential.variable == renewal.variable);
    own.map(|credential| credential.form.clone()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
