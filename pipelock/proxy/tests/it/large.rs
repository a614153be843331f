//! What package managers, git and uploads need: large bodies both ways, whole.

use crate::{
    client::PATIENCE,
    origin::{Again, Answer, Origin},
    world::World,
};
use bytes::Bytes;
use ca::Subject;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};
use tls_intercept::{Body, body};
use tokio::time::timeout;

/// So many commits, each with a tree and a file of its own.
const COMMITS: usize = 6_700;

async fn leading_to(origin: &Origin) -> World {
    let port = origin.address.port();
    let mut bottle = format!("ports: [{{host: a.org, port: {port}}}]\nupstream_ca: |\n");
    for line in origin.authority.lines() {
        writeln!(bottle, "  {line}").unwrap();
    }
    let policy = "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";
    let world = World::new(policy, &bottle).await;
    world.names.set("a.org", &["127.0.0.1"]);
    world
}

#[expect(clippy::disallowed_methods, reason = "the test's own programs")]
fn git(home: &Path) -> Command {
    let mut git = Command::new("git");
    git.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", home);
    git.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(home).stdin(Stdio::null());
    git
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A bare repository of some twenty thousand objects; its `main`.
fn repository(home: &Path) -> String {
    said(git(home).args(["init", "--quiet", "--bare", "--initial-branch=main", "big.git"]));
    let mut import = git(home)
        .args(["--git-dir=big.git", "fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = import.stdin.take().unwrap();
    for nth in 0..COMMITS {
        // Hexadecimal digits that no compression makes much of.
        let text: String = (0..24).fold(String::new(), |mut text, line| {
            text += &hex(&Sha256::digest(format!("{nth} {line}")));
            text + "\n"
        });
        write!(
            stream,
            "commit refs/heads/main\ncommitter A <a@example.org> {} +0000\ndata 1\nx\n\
             M 100644 inline file-{}\ndata {}\n{text}\n",
            1_700_000_000 + nth,
            nth % 50,
            text.len()
        )
        .unwrap();
    }
    drop(stream);
    assert!(import.wait().unwrap().success());
    said(git(home).args(["--git-dir=big.git", "rev-parse", "main"]))
}

/// `git http-backend`, as a web server runs it (RFC 3875).
fn backend(home: &Path, parts: &http::request::Parts, sent: &[u8]) -> Response<Body> {
    let header = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let mut backend = git(home)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", home)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", sent.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    backend.stdin.take().unwrap().write_all(sent).unwrap();
    let output = backend.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
    let (head, said) = output.split_at(end);
    let mut response = Response::new(body::full(said[4..].to_vec()));
    for line in std::str::from_utf8(head).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name.eq_ignore_ascii_case("status") {
            *response.status_mut() = value.split(' ').next().unwrap().parse().unwrap();
        } else {
            let name: http::HeaderName = name.parse().unwrap();
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    }
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_of_twenty_thousand_objects_comes_whole() {
    let home = tempfile::tempdir().unwrap();
    let main = repository(home.path());
    let place = home.path().to_owned();
    let answer: Answer = Arc::new(move |request: Request<Incoming>| {
        let place = place.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let sent = body.collect().await.unwrap().to_bytes();
            let serving = move || backend(&place, &parts, &sent);
            tokio::task::spawn_blocking(serving).await.unwrap()
        })
    });
    let origin = Origin::new(Subject::Name("a.org"), answer).await;
    let world = leading_to(&origin).await;
    let trusted = home.path().join("pipelock.pem");
    compose_run::replace(&trusted, world.authority.as_bytes(), 0o600).unwrap();
    let url = format!("https://a.org:{}/big.git", origin.address.port());
    let (folder, proxy) = (home.path().to_owned(), format!("http://{}", world.agent.proxy));
    let cloning = tokio::task::spawn_blocking(move || {
        let ca = trusted.display().to_string();
        said(git(&folder).args(["clone", "--quiet", "--bare", &url, "clone.git"]).envs([
            ("https_proxy", proxy.as_str()),
            ("GIT_SSL_CAINFO", ca.as_str()),
            ("GIT_TERMINAL_PROMPT", "0"),
        ]));
        said(git(&folder).args(["--git-dir=clone.git", "fsck", "--connectivity-only"]));
        let counted = said(git(&folder).args(["--git-dir=clone.git", "count-objects", "-v"]));
        (said(git(&folder).args(["--git-dir=clone.git", "rev-parse", "main"])), counted)
    });
    let (cloned, counted) = timeout(3 * PATIENCE, cloning).await.unwrap().unwrap();
    assert_eq!(cloned, main);
    let objects = counted.lines().find_map(|line| line.strip_prefix("in-pack: ")).unwrap();
    assert!(objects.parse::<usize>().unwrap() >= 20_000, "{counted}");
    let lines = world.lines();
    let passed = |line: &&serde_json::Value| line["event"] == "allowed" && line["status"] == 200;
    assert!(lines.iter().filter(passed).count() >= 2, "{lines:?}");
    let bytes = lines.iter().filter_map(|line| line["bytes_out"].as_u64()).max().unwrap();
    assert!(bytes > 5_000_000, "the pack has {bytes} bytes");
}

/// Random bytes, as those of an archive look.
fn random(len: usize) -> Bytes {
    let digests = (0..len.div_ceil(32)).flat_map(|nth| Sha256::digest(nth.to_be_bytes()));
    digests.take(len).collect::<Vec<u8>>().into()
}

/// Sends a request through a tunnel and digests the answer's body.
async fn through(
    world: &World,
    origin: &Origin,
    request: Request<Body>,
) -> (http::StatusCode, u64, String) {
    let target = format!("a.org:{}", origin.address.port());
    let tunnel = world.connect(&target).await.unwrap();
    let stream = TokioIo::new(world.tls(tunnel, "a.org").await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    world.shutdown.spawn(async move { drop(connection.await) });
    let (mut parts, body) = request.into_parts();
    parts.headers.insert("host", target.parse().unwrap());
    let sent = sender.send_request(Request::from_parts(parts, body));
    let answer = timeout(3 * PATIENCE, sent).await.unwrap().unwrap();
    let (status, mut body) = (answer.status(), answer.into_body());
    let (mut digest, mut len) = (Sha256::new(), 0);
    while let Some(frame) = timeout(3 * PATIENCE, body.frame()).await.unwrap() {
        if let Ok(data) = frame.unwrap().into_data() {
            len += data.len() as u64;
            digest.update(&data);
        }
    }
    (status, len, hex(&digest.finalize()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_tens_of_megabytes_comes_whole_and_a_hundred_go() {
    const PACKAGE: u64 = 48 << 20;
    const UPLOAD: u64 = 100_000_000;
    let piece = random(1 << 20);
    let package = piece.clone();
    let answer: Answer = Arc::new(move |request: Request<Incoming>| {
        let piece = package.clone();
        Box::pin(async move {
            let mut body = request.into_body();
            let (mut digest, mut len) = (Sha256::new(), 0_u64);
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.unwrap().into_data() else { continue };
                len += data.len() as u64;
                digest.update(&data);
            }
            let kind = "application/octet-stream";
            let response = Response::builder().header("content-type", kind);
            let response = response.header("x-came", len.to_string());
            let body = Again { piece, left: if len == 0 { PACKAGE } else { 32 } };
            response.body(body.boxed()).unwrap()
        })
    });
    let origin = Origin::new(Subject::Name("a.org"), answer).await;
    let world = leading_to(&origin).await;
    let get = Request::get("/package.whl").body(body::empty()).unwrap();
    let (status, len, came) = through(&world, &origin, get).await;
    assert_eq!((status.as_u16(), len), (200, PACKAGE));
    let mut digest = Sha256::new();
    for _ in 0..PACKAGE >> 20 {
        digest.update(&piece);
    }
    assert_eq!(came, hex(&digest.finalize()));
    world.line(|line| line["unscanned"] == "binary" && line["bytes_out"] == PACKAGE).await;
    let body = Again { piece, left: UPLOAD }.boxed();
    let put = Request::put("/upload").header("content-type", "application/zip").body(body).unwrap();
    let (status, _, _) = through(&world, &origin, put).await;
    assert_eq!(status.as_u16(), 200);
    world.line(|line| line["event"] == "allowed" && line["bytes_in"] == UPLOAD).await;
}
