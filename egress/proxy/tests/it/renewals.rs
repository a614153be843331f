//! Logins that egress renews: once for all who wait, in time, and never by the agent.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use egress::{Form, Renewal, Route, Routes, TokenBody};
use http::{Response, StatusCode};
use tls_intercept::{Body, body};

use crate::agent::{Answer, ask, ask_at};
use crate::world::{HOP, Seen, World, placeholder, route, with_key};

const OLD: &str = "canary-old-access-0123456789";
const NEW: &str = "canary-new-access-0123456789";
const REFRESH: &str = "canary-refresh-0123456789";
const ROTATED: &str = "canary-rotated-0123456789";

fn renewing(expires: Option<u64>, kind: TokenBody) -> Routes {
    let login = Route { methods: Vec::new(), ..Route::to("login.test".parse().unwrap()) };
    let api = with_key(route(&["GET"], &["/v1/**"]), Form::Bearer);
    Routes::new(vec![api, login]).with_renewals(vec![Renewal {
        variable: "KEY".parse().unwrap(),
        refresh: "REFRESH".parse().unwrap(),
        endpoint: "https://login.test/oauth/token".parse().unwrap(),
        client_id: "an-id".to_owned(),
        client_secret: None,
        scopes: vec!["read".to_owned(), "write".to_owned()],
        body: kind,
        expires,
    }])
}

fn in_seconds(seconds: u64) -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + seconds
}

/// New tokens from the endpoint, a greeting from the API.
fn renews(seen: &Seen) -> Response<Body> {
    Response::new(body::full(if seen.destination == "login.test:443" {
        format!(r#"{{"access_token":"{NEW}","refresh_token":"{ROTATED}","expires_in":3600}}"#)
    } else {
        "hello".to_owned()
    }))
}

fn refuses(seen: &Seen) -> Response<Body> {
    let mut response = renews(seen);
    if seen.destination == "login.test:443" {
        *response.status_mut() = StatusCode::BAD_REQUEST;
        *response.body_mut() = body::full(r#"{"error":"invalid_grant"}"#);
    }
    response
}

/// A token that would be a header of its own.
fn injects(seen: &Seen) -> Response<Body> {
    let mut response = renews(seen);
    if seen.destination == "login.test:443" {
        let token = r#"{"access_token":"canary-1\r\nx-evil: 1","expires_in":3600}"#;
        *response.body_mut() = body::full(token);
    }
    response
}

fn at_login(world: &World) -> Vec<Seen> {
    world.seen().into_iter().filter(|seen| seen.destination == "login.test:443").collect()
}

fn bearers(world: &World) -> Vec<String> {
    let seen = world.seen().into_iter().filter(|seen| seen.destination == "api.test:443");
    seen.map(|seen| seen.headers["authorization"].to_str().unwrap().to_owned()).collect()
}

fn refused(answer: &Answer) {
    assert_eq!((answer.status, &*answer.reason()), (503, "credential-missing"));
    assert!(!answer.body.contains("canary"), "{}", answer.body);
}

#[tokio::test]
async fn g8_one_flight_renews_for_all_who_wait() {
    for kind in [TokenBody::Form, TokenBody::Json] {
        let routes = renewing(None, kind);
        let world = World::start_with(routes, &[("REFRESH", REFRESH)], renews).await;
        let get = || ask(&world, "GET /v1/x");
        let answers = tokio::join!(get(), get(), get(), get(), get(), get());
        for answer in <[Answer; 6]>::from(answers) {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(bearers(&world), vec![format!("Bearer {NEW}"); 6]);
        let asked = at_login(&world);
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].hop.as_deref(), Some(&*format!("{HOP}.own")), "pipelock reads it not");
        let text = String::from_utf8(asked[0].body.to_vec()).unwrap();
        let (sent, scope) = match kind {
            TokenBody::Form => (format!("refresh_token={REFRESH}"), "scope=read%20write"),
            TokenBody::Json => {
                (format!(r#""refresh_token":"{REFRESH}""#), r#""scope":"read write""#)
            }
        };
        assert!(text.contains(&sent) && text.contains(scope), "{text}");
        let (handed, mode) = world.handed_back("KEY").unwrap();
        assert_eq!((handed["refresh_token"].as_str(), mode), (Some(ROTATED), 0o600));
        assert_eq!(handed["access_token"], NEW);
    }
}

/// The endpoint answers with that text.
fn answers(seen: &Seen, text: String) -> Response<Body> {
    let mut response = renews(seen);
    if seen.destination == "login.test:443" {
        *response.body_mut() = body::full(text);
    }
    response
}

/// A token that says itself when it ends, from an endpoint that does not.
fn tells_of_itself(seen: &Seen) -> Response<Body> {
    let claims = serde_json::json!({ "exp": in_seconds(7 * 24 * 3600) });
    let token = egress::jwt::unsigned(&claims, "canary-0123456789");
    answers(seen, serde_json::json!({ "access_token": token }).to_string())
}

#[tokio::test]
async fn g8_a_token_that_says_itself_when_it_ends_is_believed() {
    let routes = renewing(None, TokenBody::Json);
    let world = World::start_with(routes, &[("REFRESH", REFRESH)], tells_of_itself).await;
    assert_eq!(ask(&world, "GET /v1/x").await.status, 200);
    let (handed, _) = world.handed_back("KEY").unwrap();
    assert!(handed["expires"].as_u64().unwrap() > in_seconds(6 * 24 * 3600), "{handed}");
}

/// A life that no clock can count to its end.
fn lives_for_ever(seen: &Seen) -> Response<Body> {
    let life = u64::MAX;
    let text =
        format!(r#"{{"access_token":"{NEW}","refresh_token":"{ROTATED}","expires_in":{life}}}"#);
    answers(seen, text)
}

#[tokio::test]
async fn g8_a_token_that_lives_for_ever_is_used_and_handed_back() {
    let routes = renewing(None, TokenBody::Json);
    let world = World::start_with(routes, &[("REFRESH", REFRESH)], lives_for_ever).await;
    assert_eq!(ask(&world, "GET /v1/x").await.status, 200);
    assert_eq!(bearers(&world), [format!("Bearer {NEW}")]);
    let (handed, _) = world.handed_back("KEY").unwrap();
    assert_eq!(handed["refresh_token"], ROTATED, "what was used is worth nothing any more");
    assert!(handed["expires"].as_u64().unwrap() <= in_seconds(10 * 365 * 24 * 3600), "{handed}");
}

#[tokio::test]
async fn g3_g8_a_refused_renewal_is_503_with_its_reason_and_nothing_is_sent() {
    let routes = renewing(None, TokenBody::Form);
    let world = World::start_with(routes, &[("REFRESH", REFRESH)], refuses).await;
    let answer = ask(&world, "GET /v1/x").await;
    refused(&answer);
    assert!(answer.body.contains("invalid_grant"), "{}", answer.body);
    // The endpoint is not asked again for every request.
    refused(&ask(&world, "GET /v1/x").await);
    assert_eq!(at_login(&world).len(), 1);
    assert!(bearers(&world).is_empty() && world.handed_back("KEY").is_none());
}

#[tokio::test]
async fn g8_the_old_token_serves_until_it_expires() {
    let both = [("KEY", OLD), ("REFRESH", REFRESH)];
    let routes = renewing(Some(in_seconds(120)), TokenBody::Form);
    let world = World::start_with(routes, &both, refuses).await;
    assert_eq!(ask(&world, "GET /v1/x").await.status, 200);
    assert_eq!(bearers(&world), [format!("Bearer {OLD}")]);
    // And when it has expired, it is not sent any more.
    let world = World::start_with(renewing(Some(1), TokenBody::Form), &both, refuses).await;
    refused(&ask(&world, "GET /v1/x").await);
    assert!(bearers(&world).is_empty());
}

#[tokio::test]
async fn g8_g9_a_token_is_renewed_ahead_of_its_end_while_the_old_one_serves() {
    let both = [("KEY", OLD), ("REFRESH", REFRESH)];
    let routes = renewing(Some(in_seconds(120)), TokenBody::Form);
    let world = World::start_with(routes, &both, renews).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while !bearers(&world).contains(&format!("Bearer {NEW}")) {
        assert!(Instant::now() < deadline, "it is never renewed");
        assert_eq!(ask(&world, "GET /v1/x").await.status, 200);
    }
    assert_eq!(bearers(&world)[0], format!("Bearer {OLD}"), "nobody waited");
    assert_eq!(at_login(&world).len(), 1);
}

#[tokio::test]
async fn g8_e5_a_token_that_cannot_stand_in_a_header_is_refused() {
    let routes = renewing(None, TokenBody::Form);
    let world = World::start_with(routes, &[("REFRESH", REFRESH)], injects).await;
    refused(&ask(&world, "GET /v1/x").await);
    assert!(bearers(&world).is_empty());
    assert!(world.handed_back("KEY").is_none(), "it is not kept either");
}

#[tokio::test]
async fn g6_the_agent_gets_placeholders_where_tokens_are_made() {
    let routes = renewing(Some(in_seconds(3600)), TokenBody::Form);
    let world = World::start_with(routes, &[("KEY", OLD), ("REFRESH", REFRESH)], renews).await;
    let form = "grant_type=authorization_code&code=mine";
    let post = format!("POST /oauth/token\ncontent-length: {}\n\n{form}", form.len());
    for request in ["GET /oauth/token", &*post] {
        let answer = ask_at(&world, "login.test:443", request).await;
        assert_eq!(answer.status, 200);
        let tokens: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        for token in ["access_token", "refresh_token"] {
            assert_eq!(tokens[token], placeholder().as_str());
        }
    }
    assert!(at_login(&world).is_empty(), "the endpoint never hears of it");
    // The control: another path of the same host is reached.
    assert_eq!(ask_at(&world, "login.test:443", "GET /other").await.status, 200);
    assert_eq!(at_login(&world).len(), 1);
}
