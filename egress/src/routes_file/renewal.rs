//! The `renewals` of a routes file: credentials that egress renews.

use serde::{Deserialize, Serialize};

use super::InvalidRoutes;
use crate::renewal::{Renewal, TokenBody};
use crate::route::Route;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenewalEntry {
    variable: String,
    refresh: String,
    endpoint: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    scopes: Vec<String>,
    body: BodyEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum BodyEntry {
    Form,
    Json,
}

/// Reads the entries, each of which must renew a credential of these routes.
pub(super) fn renewals(
    routes: &[Route],
    entries: Vec<RenewalEntry>,
) -> Result<Vec<Renewal>, InvalidRoutes> {
    let mut renewals: Vec<Renewal> = Vec::new();
    for entry in entries {
        let variable = entry.variable.clone();
        let wrong = |fault: String| InvalidRoutes::Renewal { variable: variable.clone(), fault };
        let renewal = entry.check().map_err(wrong)?;
        let mut credentials = routes.iter().flat_map(|route| &route.credentials);
        if !credentials.any(|credential| credential.variable == renewal.variable) {
            return Err(wrong("no route uses it".to_owned()));
        }
        if renewals.iter().any(|other| other.variable == renewal.variable) {
            return Err(wrong("there are two".to_owned()));
        }
        let (host, path) = (renewal.endpoint.host(), renewal.endpoint.path());
        let routed =
            |route: &Route| route.covers_host(host, crate::DEFAULT_PORT) && route.covers_path(path);
        // pipelock lets egress reach hosts of routes, and nobody else.
        if !routes.iter().any(routed) {
            return Err(wrong(format!("no route names `{}`", renewal.endpoint)));
        }
        renewals.push(renewal);
    }
    Ok(renewals)
}

impl RenewalEntry {
    pub(super) fn of(renewal: &Renewal) -> Self {
        Self {
            variable: renewal.variable.to_string(),
            refresh: renewal.refresh.to_string(),
            endpoint: renewal.endpoint.to_string(),
            client_id: renewal.client_id.clone(),
            client_secret: renewal.client_secret.as_ref().map(ToString::to_string),
            scopes: renewal.scopes.clone(),
            body: match renewal.body {
                TokenBody::Form => BodyEntry::Form,
                TokenBody::Json => BodyEntry::Json,
            },
            expires: renewal.expires,
        }
    }

    fn check(self) -> Result<Renewal, String> {
        let fault = |fault: crate::InvalidValue| fault.to_string();
        let client_secret = self.client_secret.as_deref().map(str::parse).transpose();
        Ok(Renewal {
            variable: self.variable.parse().map_err(fault)?,
            refresh: self.refresh.parse().map_err(fault)?,
            endpoint: self
                .endpoint
                .parse()
                .map_err(|fault: crate::InvalidEndpoint| fault.to_string())?,
            client_id: self.client_id,
            client_secret: client_secret.map_err(fault)?,
            scopes: self.scopes,
            body: match self.body {
                BodyEntry::Form => TokenBody::Form,
                BodyEntry::Json => TokenBody::Json,
            },
            expires: self.expires,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credential, Form, Pipelock, Routes, RoutesFile};

    fn renewal() -> Renewal {
        Renewal {
            variable: "TOKEN".parse().unwrap(),
            refresh: "REFRESH".parse().unwrap(),
            endpoint: "https://login.test/token".parse().unwrap(),
            client_id: "an-id".to_owned(),
            client_secret: Some("SECRET".parse().unwrap()),
            scopes: vec!["read".to_owned()],
            body: TokenBody::Json,
            expires: Some(1_800_000_000),
        }
    }

    fn file(renewals: Vec<Renewal>, with_endpoint: bool) -> RoutesFile {
        let credential = Credential {
            variable: "TOKEN".parse().unwrap(),
            form: Form::Bearer,
            placeholder: None,
        };
        let mut routes =
            vec![Route { credentials: vec![credential], ..Route::to("api.test".parse().unwrap()) }];
        if with_endpoint {
            routes.push(Route::to("login.test".parse().unwrap()));
        }
        let pipelock = Pipelock {
            address: "10.213.0.3:8888".parse().unwrap(),
            authority: "-----BEGIN CERTIFICATE-----\n".to_owned(),
        };
        let routes = Routes::new(routes).with_renewals(renewals);
        RoutesFile { pipelock, supervised: false, routes }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = file(vec![renewal()], true);
        assert_eq!(RoutesFile::parse(&file.render()).unwrap(), file);
    }

    #[test]
    fn a_renewal_belongs_to_a_credential_and_a_routed_endpoint() {
        let unknown = Renewal { variable: "OTHER".parse().unwrap(), ..renewal() };
        for wrong in [
            file(vec![unknown], true),
            file(vec![renewal(), renewal()], true),
            file(vec![renewal()], false),
        ] {
            assert!(matches!(
                RoutesFile::parse(&wrong.render()),
                Err(InvalidRoutes::Renewal { .. })
            ));
        }
    }
}
