//! Answers what the agent asks of its model, from the script.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::body::{self, Body};
use crate::conversation::{self, ToolResult, Turn};
use crate::events::{self, Answer};
use crate::mirror;
use crate::record::{Credential, Record, Seen, digest, now_ms};
use crate::responses;
use crate::setting::{Setting, Step};

/// A conversation is about 100 KB; telemetry is 400 KB.
const MOST_BODY: usize = 32 << 20;
/// A held step goes on by itself after this long.
const LONGEST_HOLD: Duration = Duration::from_mins(3);
/// Where tokens are renewed.
const TOKENS: &str = "/v1/oauth/token";
const PING_EVERY: Duration = Duration::from_secs(1);

/// One scripted model: its setting, and what it has seen.
#[derive(Debug)]
pub struct Model {
    setting: Setting,
    record: Record,
    released: watch::Sender<u64>,
}

/// Who asks, and at which of the model's addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
}

impl Model {
    #[must_use]
    pub fn new(setting: Setting) -> Arc<Self> {
        Arc::new(Self { setting, record: Record::default(), released: watch::Sender::new(0) })
    }

    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Lets a held step go on.
    pub fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }

    /// Answers one request that came over TLS.
    pub(crate) async fn answer(
        self: Arc<Self>,
        ends: Ends,
        request: Request<Incoming>,
    ) -> Response<Body> {
        let host = host_of(&request);
        if self.setting.mirrors.contains(&host) {
            return mirror::answer(request).await;
        }
        if !self.setting.hosts.contains(&host) {
            let what = format!("{} https://{host}{}", request.method(), request.uri().path());
            self.record.arrival(ends.peer, ends.local.port(), what);
            return body::text(StatusCode::OK, "arrived\n");
        }
        let credential = Credential::judge(self.setting.credential.as_ref(), request.headers());
        let user_agent = request.headers().get(header::USER_AGENT);
        let mut seen = Seen {
            at_ms: now_ms(),
            from: ends.peer.ip().to_canonical(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: 0,
            user_agent: user_agent
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            credential,
        };
        let response = Arc::clone(&self).routed(ends.local.ip(), request, &seen.credential).await;
        seen.status = response.status().as_u16();
        self.record.request(seen);
        response
    }

    async fn routed(
        self: Arc<Self>,
        local: IpAddr,
        request: Request<Incoming>,
        credential: &Credential,
    ) -> Response<Body> {
        let (head, content) = request.into_parts();
        // With an account Codex asks the same of another path.
        let path = match head.uri.path() {
            "/backend-api/codex/responses" => "/v1/responses",
            path => path,
        };
        match (&head.method, path) {
            (&Method::POST, "/v1/messages") if !credential.expected => {
                // The CLI ends at once on 403; on 401 it tries for minutes.
                let message = "the credential is not the one this model expects";
                fault(StatusCode::FORBIDDEN, "permission_error", message)
            }
            (&Method::POST, "/v1/messages") => {
                let Ok(content) = Limited::new(content, MOST_BODY).collect().await else {
                    let message = "the body broke off or is too long";
                    return fault(StatusCode::BAD_REQUEST, "invalid_request_error", message);
                };
                let asked = serde_json::from_slice::<Value>(&content.to_bytes()).ok();
                // As the API does it: whether a credential is good is asked with an empty question.
                if let Some(asked) = asked.filter(|asked| asked["messages"].is_array()) {
                    self.messages(local, &asked)
                } else {
                    let message = "the body is no JSON with messages";
                    fault(StatusCode::BAD_REQUEST, "invalid_request_error", message)
                }
            }
            (&Method::POST, TOKENS) if !self.setting.tokens.is_empty() => {
                let content = Limited::new(content, MOST_BODY).collect().await;
                let content = content.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                self.token(&content)
            }
            // What it wants first is a WebSocket; after this answer it asks by POST at once.
            (&Method::GET, "/v1/responses") => {
                fault(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "ask by POST")
            }
            (&Method::POST, "/v1/responses") if !credential.expected => {
                let message = "the credential is not the one this model expects";
                fault(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
            }
            (&Method::POST, "/v1/responses") => {
                let content = Limited::new(content, MOST_BODY).collect().await;
                let content = content.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                let asked = serde_json::from_slice::<Value>(&content).unwrap_or_default();
                if asked["input"].is_array() {
                    self.responses(local, &asked)
                } else {
                    let message = "the body is no JSON with an input";
                    fault(StatusCode::BAD_REQUEST, "invalid_request_error", message)
                }
            }
            // Where an account's requests go, which Codex asks first; whose it is, it was told.
            (&Method::GET, "/backend-api/wham/accounts/check") if credential.expected => {
                let own = head.headers.get("chatgpt-account-id").and_then(|id| id.to_str().ok());
                let account = json!({"id": own, "plan_type": "pro",
                    "workspace_backend_origin": "NO_CONSTRAINT",
                    "account_routing_override": "NO_CONSTRAINT"});
                body::json(StatusCode::OK, &json!({"accounts": [account]}))
            }
            // Telemetry that gets a 404 is sent again and again, 400 KB each.
            (&Method::POST, path) if path.starts_with("/api/event_logging") => {
                let _read = Limited::new(content, MOST_BODY).collect().await.ok();
                body::json(StatusCode::OK, &json!({}))
            }
            (&Method::HEAD, "/api/hello") => body::json(StatusCode::OK, &json!({})),
            // `settings` and `policy_limits` hold up the first call of the model until they are
            // answered, and a 404 is the quickest answer there is.
            _ => fault(StatusCode::NOT_FOUND, "not_found_error", "not here"),
        }
    }

    fn messages(self: Arc<Self>, local: IpAddr, asked: &Value) -> Response<Body> {
        let number = self.record.call(conversation::newest_results(asked));
        let (script, index, step) = self.step(&conversation::turn(asked));
        let answer = Answer {
            number,
            model: asked["model"].as_str().unwrap_or_default().to_owned(),
            script,
            index,
            step: step.at(local),
        };
        if asked["stream"] != true {
            return body::json(StatusCode::OK, &answer.message());
        }
        let (sender, content) = body::fed();
        // It ends with its connection: the receiver goes away and the next `send` fails.
        #[expect(clippy::disallowed_methods, reason = "a stream has its connection as its owner")]
        let _task = tokio::spawn(async move { self.stream(&answer, &sender).await });
        body::with_type(StatusCode::OK, "text/event-stream", content)
    }

    /// An answer of the Responses API.
    fn responses(&self, local: IpAddr, asked: &Value) -> Response<Body> {
        let results = responses::outputs(asked).into_iter();
        let results = results.map(|(id, text)| ToolResult { id, is_error: false, text });
        self.record.call(results.collect());
        let turn = match responses::turn(asked) {
            Some((script, step)) => Turn::Step { script, step },
            None => Turn::Unscripted,
        };
        let (script, index, step) = self.step(&turn);
        responses::answer(&script, index, &step.at(local))
    }

    /// The next answer of the token endpoint; which refresh token came is told by its digest.
    fn token(&self, content: &[u8]) -> Response<Body> {
        let asked = serde_json::from_slice::<Value>(content).unwrap_or_default();
        let came = asked["refresh_token"].as_str().unwrap_or_default();
        let nth = self.record.refresh(digest(came.as_bytes()));
        let answers = &self.setting.tokens;
        let Some(answer) = answers.get(nth).or(answers.last()) else {
            return fault(StatusCode::NOT_FOUND, "not_found_error", "not here");
        };
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        body::json(status, &answer.body)
    }

    fn step(&self, turn: &Turn) -> (String, usize, Step) {
        let say = |text: &str| Step { say: text.to_owned(), ..Step::default() };
        match turn {
            Turn::Title => (String::new(), 0, say(r#"{"title": "A piece of work"}"#)),
            Turn::Unscripted => (String::new(), 0, say("No script is named in this prompt.")),
            Turn::Step { script, step } => {
                let steps = self.setting.scripts.get(script);
                let found = match steps.map(|steps| steps.get(*step)) {
                    Some(Some(found)) => found.clone(),
                    Some(None) => say("The script is at its end."),
                    None => say(&format!("There is no script `{script}`.")),
                };
                (script.clone(), *step, found)
            }
        }
    }

    async fn stream(&self, answer: &Answer, sender: &mpsc::Sender<String>) -> Option<()> {
        sender.send(answer.opening()).await.ok()?;
        if answer.step.hold {
            let mut released = self.released.subscribe();
            self.record.holding(true);
            let held = hold(&mut released, sender).await;
            self.record.holding(false);
            held?;
        }
        for event in answer.rest() {
            sender.send(event).await.ok()?;
        }
        Some(())
    }
}

/// Waits for `release`, and shows every second that the stream lives.
async fn hold(released: &mut watch::Receiver<u64>, sender: &mpsc::Sender<String>) -> Option<()> {
    let until = Instant::now() + LONGEST_HOLD;
    while Instant::now() < until {
        match tokio::time::timeout(PING_EVERY, released.changed()).await {
            Ok(_) => break,
            Err(_) => sender.send(events::ping()).await.ok()?,
        }
    }
    Some(())
}

fn host_of(request: &Request<Incoming>) -> String {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let host = request.uri().host().or(header).unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

fn fault(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    body::json(status, &json!({"type": "error", "error": {"type": kind, "message": message}}))
}
