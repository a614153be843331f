//! A whole way out in one process: an agent's side, egress, and what answers as pipelock and as
//! every origin behind it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ca::Authority;
use compose_render::{Role, Secret, Slug};
use egress::{Credential, Form, Pipelock, Placeholder, Route, Routes, RoutesFile};
use egress_proxy::Plane;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use sidecar::{Environment, Log, Shutdown, Status};
use tls_intercept::websocket::is_asked;
use tls_intercept::{
    Arrival, Body, Connection, Denial, Interceptor, Limits, Mode, Proxy, RequestId, body,
};
use tokio::net::TcpListener;

/// The secret of the tests: it may be nowhere but in what the origin saw.
pub(crate) const CANARY: &str = "sk-ant-api03-canary-0123456789-abcdefghijklmnopqrstuvwxyz";
pub(crate) const HOP: &str = "hop-canary-0123456789abcdef";

/// What arrived at the origin.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) destination: String,
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) hop: Option<String>,
    pub(crate) arrival: Arrival,
}

/// Answers as the origin would.
pub(crate) type Answer = fn(&Seen) -> Response<Body>;

/// pipelock and origin in one: keeps what it was asked.
pub(crate) struct Origin {
    seen: Mutex<Vec<Seen>>,
    answer: Answer,
}

impl Proxy for Origin {
    fn layer(&self) -> &'static str {
        "pipelock"
    }

    fn generation(&self) -> u64 {
        1
    }

    fn admit(&self, _: &Connection) -> Result<(), Denial> {
        Ok(())
    }

    async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        _: RequestId,
        request: Request<Body>,
    ) -> Response<Body> {
        let switching = is_asked(&request);
        let (parts, body) = request.into_parts();
        if switching {
            return self.echo(&connection, parts, body);
        }
        let seen = Seen {
            destination: connection.destination.to_string(),
            line: format!("{} {}", parts.method, parts.uri),
            headers: parts.headers,
            body: body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
            hop: connection
                .hop
                .as_ref()
                .map(|hop| String::from_utf8_lossy(hop.expose()).into_owned()),
            arrival: connection.arrival,
        };
        let response = (self.answer)(&seen);
        self.seen.lock().unwrap().push(seen);
        response
    }

    fn refused(&self, _: RequestId, _: Option<&Connection>, _: SocketAddr, _: &Denial) {}
}

impl Origin {
    /// Agrees to a `WebSocket`, and says what it is told.
    fn echo(
        &self,
        connection: &Connection,
        parts: http::request::Parts,
        body: Body,
    ) -> Response<Body> {
        let mut response = Response::builder().status(101).header("sec-websocket-accept", "x");
        if let Some(protocol) = parts.headers.get("sec-websocket-protocol") {
            response = response.header("sec-websocket-protocol", protocol);
        }
        self.seen.lock().unwrap().push(Seen {
            destination: connection.destination.to_string(),
            line: format!("{} {}", parts.method, parts.uri),
            headers: parts.headers,
            body: Bytes::new(),
            hop: None,
            arrival: connection.arrival,
        });
        response.body(body).unwrap()
    }
}

/// What stands behind egress: pipelock, and every origin.
pub(crate) struct Behind {
    pub(crate) pipelock: Pipelock,
    origin: Arc<Origin>,
    shutdown: Shutdown,
}

impl Behind {
    pub(crate) async fn start(answer: Answer) -> Self {
        let slug: Slug = "tests".parse().unwrap();
        let shutdown = Shutdown::new();
        let now = time::OffsetDateTime::now_utc();
        let authority = Authority::mint(&slug, Role::Pipelock, now).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pipelock = Pipelock {
            address: listener.local_addr().unwrap(),
            authority: authority.certificate_pem().to_owned(),
        };
        let origin = Arc::new(Origin { seen: Mutex::default(), answer });
        shutdown.spawn(tls_intercept::serve(
            listener,
            Mode::Proxy,
            Arc::new(Interceptor::new(authority, Limits::default())),
            Arc::clone(&origin),
            shutdown.clone(),
        ));
        Self { pipelock, origin, shutdown }
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.origin.seen.lock().unwrap().clone()
    }

    /// Takes no more connections and ends those that are open.
    pub(crate) async fn stop(&self) {
        self.shutdown.request();
        self.shutdown.drain(Duration::from_secs(30)).await;
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

/// Everything that runs, until it is dropped.
pub(crate) struct World {
    pub(crate) egress: SocketAddr,
    pub(crate) authority: String,
    pub(crate) status: Arc<Status>,
    pub(crate) plane: Plane,
    pub(crate) shutdown: Shutdown,
    pub(crate) behind: Behind,
    log: Log,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts egress with routes and secrets before an origin.
    pub(crate) async fn start(
        routes: Vec<Route>,
        secrets: &[(&str, &str)],
        answer: Answer,
    ) -> Self {
        Self::start_with(Routes::new(routes), secrets, answer).await
    }

    /// The same with all that routes can say.
    pub(crate) async fn start_with(
        routes: Routes,
        secrets: &[(&str, &str)],
        answer: Answer,
    ) -> Self {
        let slug: Slug = "tests".parse().unwrap();
        let now = time::OffsetDateTime::now_utc();
        let behind = Behind::start(answer).await;
        let folder = tempfile::tempdir().unwrap();
        let authority = egress::mint(&slug, now).unwrap();
        for file in authority.files().unwrap() {
            write(&folder.path().join(&file.path), file.contents());
        }
        let file = RoutesFile { pipelock: behind.pipelock.clone(), supervised: false, routes };
        write(&folder.path().join("routes.yaml"), &file.render());

        let status = Arc::new(Status::new("egress", "0"));
        let outbox = Some(folder.path());
        let log = Log::new(Role::Egress, Some(&slug), Arc::clone(&status), outbox);
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), Secret::new((*value).into()));
        let environment = Environment {
            slug: Some(slug),
            hop_secret: Some(Secret::new(HOP.to_owned())),
            credentials: secrets.iter().map(own).collect::<BTreeMap<_, _>>(),
            ..Environment::default()
        };
        let shutdown = Shutdown::new();
        let config = folder.path().join("routes.yaml");
        let plane =
            Plane::load(&config, environment, &shutdown, &log, &status, folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keeping = plane.clone();
        shutdown.spawn(async move { keeping.keep_usage().await });
        let serving = plane.clone();
        shutdown.spawn(async move { serving.serve(listener, Mode::Proxy).await });
        Self {
            egress: address,
            authority: authority.certificate_pem().to_owned(),
            status,
            plane,
            shutdown,
            behind,
            log,
            folder,
        }
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.behind.seen()
    }

    /// What arrived, when it is exactly one request.
    pub(crate) fn seen_once(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    pub(crate) fn routes_file(&self) -> PathBuf {
        self.folder.path().join("routes.yaml")
    }

    /// What egress handed back of a login, and the mode of its file.
    pub(crate) fn handed_back(&self, variable: &str) -> Option<(serde_json::Value, u32)> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.path().join(format!("{}{variable}.json", egress::LOGIN_FILE_PREFIX));
        let text = std::fs::read_to_string(&path).ok()?;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        Some((serde_json::from_str(&text).unwrap(), mode))
    }

    /// What was used so far, as the outbox says it.
    pub(crate) fn usage(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join(egress::USAGE_FILE));
        let Ok(text) = text else { return Vec::new() };
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        file["routes"].as_array().unwrap().clone()
    }

    /// Writes other routes where egress reads them.
    pub(crate) fn write_routes(&self, routes: Vec<Route>) -> String {
        let file = RoutesFile {
            pipelock: self.behind.pipelock.clone(),
            supervised: false,
            routes: Routes::new(routes),
        };
        let text = file.render();
        write(&self.routes_file(), &text);
        text
    }

    /// The log so far, one JSON object per line.
    pub(crate) fn log_lines(&self) -> Vec<serde_json::Value> {
        self.log_text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn log_text(&self) -> String {
        self.log.flush();
        let path = self.folder.path().join(compose_render::contract::DECISIONS_FILE);
        std::fs::read_to_string(path).unwrap_or_default()
    }

    /// Waits until the log has a line of that event; a response's line is written when its body is
    /// over, which may be a moment after the agent has read it.
    pub(crate) async fn log_line(&self, event: &str) -> serde_json::Value {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let lines = self.log_lines();
            if let Some(line) = lines.iter().find(|line| line["event"] == event) {
                return line.clone();
            }
            assert!(Instant::now() < deadline, "no `{event}` in {lines:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.request();
        // Whatever a test did, the secret is in no line.
        if !std::thread::panicking() {
            let text = self.log_text();
            assert!(!text.contains("canary"), "{text}");
        }
    }
}

/// Writes a file as the launcher does.
pub(crate) fn write(path: &Path, text: &str) {
    compose_run::replace(path, text.as_bytes(), 0o600).unwrap();
}

/// A route to `api.test`.
pub(crate) fn route(methods: &[&str], paths: &[&str]) -> Route {
    Route {
        methods: methods.iter().map(|method| method.parse().unwrap()).collect(),
        paths: paths.iter().map(|path| path.parse().unwrap()).collect(),
        ..Route::to("api.test".parse().unwrap())
    }
}

/// The same with the secret `KEY` in a place.
pub(crate) fn with_key(mut route: Route, form: Form) -> Route {
    route.credentials.push(Credential {
        variable: "KEY".parse().unwrap(),
        form,
        placeholder: Some(placeholder()),
    });
    route
}

/// What the agent of the tests holds.
pub(crate) fn placeholder() -> Placeholder {
    Placeholder::of_shape(CANARY, "KEY", b"tests")
}

/// `x-api-key` on every request below `/v1/`.
pub(crate) fn api_key() -> Route {
    with_key(route(&["GET", "POST"], &["/v1/**"]), Form::Header("x-api-key".parse().unwrap()))
}

/// Answers 200 and nothing of what was asked.
pub(crate) fn plainly(_: &Seen) -> Response<Body> {
    Response::new(body::full("hello"))
}
