//! `routes.yaml`: what the launcher writes and egress reads, checked the same way by both.

mod renewal;

use std::net::SocketAddr;

use compose_render::HostPattern;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::renewal::{RenewalEntry, renewals};
use crate::budget::Budget;
use crate::check::{Fault, check_routes};
use crate::credential::{Credential, Form};
use crate::placeholder::hex;
use crate::route::{Cookies, Route, Routes, Websocket};

/// The file's name in egress's folder.
pub(crate) const NAME: &str = "routes.yaml";

/// The most a file may hold: read by a process that must answer while it reads.
const MAX_LEN: usize = 1024 * 1024;

/// The one way on from egress.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pipelock {
    /// Its address on the internal network.
    pub address: SocketAddr,
    /// The certificate of its authority, in PEM: the only root egress trusts.
    pub authority: String,
}

/// A bottle's routes and the way on, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutesFile {
    pub pipelock: Pipelock,
    /// Whether the agent has somebody to ask, so that a denial says how.
    pub supervised: bool,
    pub routes: Routes,
}

/// Why a routes file is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRoutes {
    #[error("it is larger than 1 MiB")]
    TooLarge,
    #[error("it is not in the form of a routes file")]
    Form(#[from] serde_yaml::Error),
    #[error("its version is {0}; this egress reads version 1")]
    Version(u32),
    #[error("route {route} is wrong: {fault}")]
    Value { route: usize, fault: String },
    #[error("the renewal of `{variable}` is wrong: {fault}")]
    Renewal { variable: String, fault: String },
    #[error("its routes contradict each other: {}", list(.0))]
    Faults(Vec<Fault>),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl RoutesFile {
    /// Reads and checks a routes file.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with it: nothing of a faulty file is used.
    pub fn parse(text: &str) -> Result<Self, InvalidRoutes> {
        if text.len() > MAX_LEN {
            return Err(InvalidRoutes::TooLarge);
        }
        let file: File = serde_yaml::from_str(text)?;
        if file.version != 1 {
            return Err(InvalidRoutes::Version(file.version));
        }
        let mut routes = Vec::new();
        for (index, entry) in file.routes.into_iter().enumerate() {
            let value = |fault| InvalidRoutes::Value { route: index, fault };
            routes.push(entry.check().map_err(value)?);
        }
        match check_routes(&routes) {
            faults if faults.is_empty() => {
                let renewals = renewals(&routes, file.renewals)?;
                let routes = Routes::new(routes).with_renewals(renewals);
                Ok(Self { pipelock: file.pipelock, supervised: file.supervised, routes })
            }
            faults => Err(InvalidRoutes::Faults(faults)),
        }
    }

    /// The file's text. Every default is written out: the file shows the whole truth.
    pub fn render(&self) -> String {
        let file = File {
            version: 1,
            pipelock: self.pipelock.clone(),
            supervised: self.supervised,
            routes: self.routes.iter().map(Entry::of).collect(),
            renewals: self.routes.renewals().iter().map(RenewalEntry::of).collect(),
        };
        let body = serde_yaml::to_string(&file).unwrap_or_default();
        format!("# Written by bottle. Changes by hand are replaced.\n{body}")
    }

    /// What `status` reports of a file that is in force: the SHA-256 of its bytes.
    pub fn digest(text: &str) -> String {
        hex(&Sha256::digest(text))
    }
}

/// The file as written. It never leaves this module.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    pipelock: Pipelock,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    supervised: bool,
    routes: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    renewals: Vec<RenewalEntry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    host: HostPattern,
    port: u16,
    methods: Vec<String>,
    paths: Vec<String>,
    credentials: Vec<CredentialEntry>,
    cookies: CookiesEntry,
    websocket: WebsocketEntry,
    #[serde(default, skip_serializing_if = "Budget::is_unbounded")]
    budget: Budget,
    /// The name under which several routes are counted as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shares: Option<String>,
    /// When it ends by itself, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum WebsocketEntry {
    Deny,
    Allow,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum CookiesEntry {
    Pass,
    Keep,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CredentialEntry {
    variable: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
    form: FormEntry,
    /// Of a header, a query parameter or a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Of a basic credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum FormEntry {
    Header,
    Bearer,
    Basic,
    Query,
    Cookie,
}

impl Entry {
    fn of(route: &Route) -> Self {
        Self {
            host: route.host.clone(),
            port: route.port,
            methods: route.methods.iter().map(ToString::to_string).collect(),
            paths: route.paths.iter().map(ToString::to_string).collect(),
            credentials: route.credentials.iter().map(CredentialEntry::of).collect(),
            cookies: match route.cookies {
                Cookies::Pass => CookiesEntry::Pass,
                Cookies::Keep => CookiesEntry::Keep,
            },
            websocket: match route.websocket {
                Websocket::Deny => WebsocketEntry::Deny,
                Websocket::Allow => WebsocketEntry::Allow,
            },
            budget: route.budget,
            shares: route.shares.clone(),
            until: route.until,
        }
    }

    fn check(self) -> Result<Route, String> {
        Ok(Route {
            host: self.host,
            port: self.port,
            methods: parsed(&self.methods)?,
            paths: parsed(&self.paths)?,
            credentials: self
                .credentials
                .into_iter()
                .map(CredentialEntry::check)
                .collect::<Result<_, _>>()?,
            cookies: match self.cookies {
                CookiesEntry::Pass => Cookies::Pass,
                CookiesEntry::Keep => Cookies::Keep,
            },
            websocket: match self.websocket {
                WebsocketEntry::Deny => Websocket::Deny,
                WebsocketEntry::Allow => Websocket::Allow,
            },
            budget: self.budget,
            shares: self.shares,
            until: self.until,
        })
    }
}

fn parsed<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, String>
where
    T::Err: ToString,
{
    texts.iter().map(|text| text.parse().map_err(|fault: T::Err| fault.to_string())).collect()
}

impl CredentialEntry {
    fn of(credential: &Credential) -> Self {
        let (form, name, user) = match &credential.form {
            Form::Header(name) => (FormEntry::Header, Some(name.to_string()), None),
            Form::Bearer => (FormEntry::Bearer, None, None),
            Form::Basic { user } => {
                (FormEntry::Basic, None, user.as_ref().map(ToString::to_string))
            }
            Form::Query(name) => (FormEntry::Query, Some(name.to_string()), None),
            Form::Cookie(name) => (FormEntry::Cookie, Some(name.to_string()), None),
        };
        let placeholder = credential.placeholder.as_ref().map(ToString::to_string);
        Self { variable: credential.variable.to_string(), placeholder, form, name, user }
    }

    fn check(self) -> Result<Credential, String> {
        let name = self.name.as_deref();
        let needed = || "its credential needs a `name`".to_owned();
        let fault = |fault: crate::InvalidValue| fault.to_string();
        let named = matches!(self.form, FormEntry::Header | FormEntry::Query | FormEntry::Cookie);
        if !named && name.is_some() {
            return Err("its credential has a `name` it has no use for".to_owned());
        }
        if !matches!(self.form, FormEntry::Basic) && self.user.is_some() {
            return Err("its credential has a `user` it has no use for".to_owned());
        }
        let form = match self.form {
            FormEntry::Bearer => Form::Bearer,
            FormEntry::Basic => {
                let user = self.user.as_deref().map(str::parse).transpose().map_err(fault)?;
                Form::Basic { user }
            }
            FormEntry::Header => Form::Header(name.ok_or_else(needed)?.parse().map_err(fault)?),
            FormEntry::Query => Form::Query(name.ok_or_else(needed)?.parse().map_err(fault)?),
            FormEntry::Cookie => Form::Cookie(name.ok_or_else(needed)?.parse().map_err(fault)?),
        };
        let placeholder = self.placeholder.as_deref().map(str::parse).transpose();
        Ok(Credential {
            variable: self.variable.parse().map_err(fault)?,
            form,
            placeholder: placeholder
                .map_err(|fault: crate::InvalidPlaceholder| fault.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placeholder::Placeholder;

    fn credential(variable: &str, form: Form) -> Credential {
        let placeholder = Some(Placeholder::of_shape("sk-ant-x", variable, b"seed"));
        Credential { variable: variable.parse().unwrap(), form, placeholder }
    }

    fn sample() -> RoutesFile {
        let route = |host: &str, credentials| Route {
            methods: vec!["GET".parse().unwrap()],
            paths: vec!["/v1/**".parse().unwrap()],
            credentials,
            ..Route::to(host.parse().unwrap())
        };
        RoutesFile {
            pipelock: Pipelock {
                address: "10.213.0.3:8888".parse().unwrap(),
                authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                    .to_owned(),
            },
            supervised: true,
            routes: Routes::new(vec![
                route("a.test", vec![credential("A", Form::Header("x-api-key".parse().unwrap()))]),
                route("b.test", vec![credential("B", Form::Bearer)]),
                route(
                    "c.test",
                    vec![credential("C", Form::Basic { user: Some("me".parse().unwrap()) })],
                ),
                route(
                    "d.test",
                    vec![
                        credential("D", Form::Query("key".parse().unwrap())),
                        credential("E", Form::Cookie("session".parse().unwrap())),
                    ],
                ),
                Route {
                    cookies: Cookies::Keep,
                    websocket: Websocket::Allow,
                    budget: Budget { output_tokens: Some(5000), ..Budget::default() },
                    shares: Some("a preset".to_owned()),
                    until: Some(1_900_000_000),
                    ..Route::to("*.e.test".parse().unwrap())
                },
            ]),
        }
    }

    #[test]
    fn what_is_rendered_is_read_back_as_it_was() {
        let text = sample().render();
        assert_eq!(RoutesFile::parse(&text).unwrap(), sample(), "{text}");
    }

    #[test]
    fn a_file_with_anything_wrong_is_refused_whole() {
        let good = sample().render();
        for (from, to) in [
            ("version: 1", "version: 2"),
            ("version: 1", "version: 1\nsurprise: true"),
            ("x-api-key", "x-api\\r\\nkey"),
            ("- GET", "- TRACE"),
            ("/v1/**", "v1/**"),
            ("form: bearer", "form: bearer\n    name: x"),
            ("form: bearer", "form: magic"),
            ("host: a.test", "host: '*'"),
            ("port: 443", "port: 80"),
            ("port: 443", "port: 0"),
            ("BottlePlaceholder", "RealLooking"),
        ] {
            assert!(good.contains(from), "{from}");
            let bad = good.replacen(from, to, 1);
            assert!(RoutesFile::parse(&bad).is_err(), "{from} -> {to}");
        }
        assert!(RoutesFile::parse("").is_err());
    }

    #[test]
    fn no_secret_can_stand_in_it() {
        let text = sample().render();
        assert!(text.contains("variable: A"), "{text}");
        assert!(!text.contains("value"), "{text}");
    }
}
