//! One exchange with a token endpoint. No error repeats what it sent.

use std::time::Duration;

use compose_render::Secret;
use egress::TokenBody;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use sidecar::chain;
use sidecar::clock::now;
use tls_intercept::{Destination, Scheme, body};
use tokio::time::timeout;

use super::{Order, Renewer};
use crate::encode::percent;
use crate::inject::Secrets as _;
use crate::upstream::Standing;

/// The whole exchange.
const PATIENCE: Duration = Duration::from_mins(1);
/// More than any answer with tokens.
const LIMIT: usize = 64 * 1024;

/// What came of it.
pub(super) struct Tokens {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) life: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

pub(super) async fn ask(renewer: &Renewer, order: &Order) -> Result<Tokens, String> {
    let asking = exchange(renewer, order);
    let (status, bytes) = timeout(PATIENCE, asking)
        .await
        .map_err(|_| "the token endpoint does not answer in time".to_owned())??;
    if !status.is_success() {
        let code = serde_json::from_slice::<Refusal>(&bytes).ok().map(|refusal| refusal.error);
        let word = |code: &String| {
            code.len() < 64 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let code = code.filter(word).map(|code| format!(" {code}")).unwrap_or_default();
        return Err(format!("the token endpoint refused ({}{code})", status.as_u16()));
    }
    // serde's own message may quote what it did not expect, which may be a token.
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| "the token endpoint answered without a token".to_owned())?;
    // Some leave it to the token to say when it ends.
    let own = || egress::jwt::expires(&answer.access_token).map(|end| end.saturating_sub(now()));
    Ok(Tokens {
        life: answer.expires_in.or_else(own).map(Duration::from_secs),
        access: Secret::new(answer.access_token),
        refresh: answer.refresh_token.map(Secret::new),
    })
}

async fn exchange(renewer: &Renewer, order: &Order) -> Result<(StatusCode, Vec<u8>), String> {
    let endpoint = &order.renewal.endpoint;
    let (kind, text) = grant(renewer, order)?;
    let request = Request::post(endpoint.path())
        .header(CONTENT_TYPE, kind)
        .header(ACCEPT, "application/json")
        .body(body::full(text))
        .map_err(|error| error.to_string())?;
    let destination =
        Destination::parse_authority(Scheme::Https, &format!("{}:443", endpoint.host()))
            .map_err(|error| error.to_string())?;
    let standing = Standing::Own { hop: renewer.hop.as_ref() };
    let sent = order.way_on.send(&renewer.client, &destination, standing, request).await;
    let response =
        sent.map_err(|error| format!("no way to the token endpoint: {}", chain(&error)))?;
    let status = response.status();
    let whole = Limited::new(response.into_body(), LIMIT).collect().await;
    let whole = whole.map_err(|_| "the token endpoint's answer does not end".to_owned())?;
    Ok((status, whole.to_bytes().to_vec()))
}

fn grant(renewer: &Renewer, order: &Order) -> Result<(&'static str, String), String> {
    let renewal = &order.renewal;
    let held = |variable: &egress::VariableName| {
        let missing = || format!("`{variable}` is missing");
        renewer.vault.secret(variable.as_str()).ok_or_else(missing)
    };
    let refresh = held(&renewal.refresh)?;
    let client_secret = renewal.client_secret.as_ref().map(held).transpose()?;
    let scope = renewal.scopes.join(" ");
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose()),
        ("client_id", renewal.client_id.as_str()),
    ];
    fields.extend(client_secret.as_ref().map(|secret| ("client_secret", secret.expose())));
    if !scope.is_empty() {
        fields.push(("scope", &scope));
    }
    Ok(match renewal.body {
        TokenBody::Form => {
            let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent(value)));
            ("application/x-www-form-urlencoded", pairs.collect::<Vec<_>>().join("&"))
        }
        TokenBody::Json => {
            let fields: std::collections::BTreeMap<_, _> = fields.into_iter().collect();
            ("application/json", serde_json::to_string(&fields).unwrap_or_default())
        }
    })
}
