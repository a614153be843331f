//! What is refused, what is down, and that the two never look alike.

use crate::agent::{ask, ask_at};
use crate::world::{CANARY, Seen, World, api_key, plainly, route, with_key, write};
use egress::{Form, Route};
use http::Response;
use tls_intercept::{Body, Denial, Reason};

#[tokio::test]
async fn g10_a_method_no_route_names_gets_no_credential_and_goes_nowhere() {
    let get_only = with_key(route(&["GET"], &["/v1/**"]), Form::Bearer);
    let world = World::start(vec![get_only], &[("KEY", CANARY)], plainly).await;
    let answer = ask(&world, "POST /v1/models\ncontent-length: 0").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "method-not-allowed"));
    assert!(world.seen().is_empty());
    let line = world.log_line("denied").await;
    assert_eq!(
        (&line["reason"], &line["method"], &line["path"]),
        (&"method-not-allowed".into(), &"POST".into(), &"/v1/models".into())
    );
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
}

#[tokio::test]
async fn a_path_no_route_names_is_denied_with_the_contracts_body() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let answer = ask(&world, "GET /admin?token=of-the-agent").await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.reason(), "path-not-allowed");
    assert_eq!((&json["layer"], &json["host"]), (&"egress".into(), &"api.test".into()));
    assert_eq!((&json["path"], &json["retryable"]), (&"/admin".into(), &false.into()));
    assert_eq!(json["propose"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_denial_names_the_call_that_asks_where_somebody_is_there_to_be_asked() {
    let bare = Route { host: "bare.test".parse().unwrap(), ..route(&["GET"], &["/v1/**"]) };
    let world = World::start(vec![api_key(), bare], &[("KEY", CANARY)], plainly).await;
    let told = async |destination, request| -> serde_json::Value {
        serde_json::from_str(&ask_at(&world, destination, request).await.body).unwrap()
    };
    assert!(told("api.test:443", "GET /admin").await["propose"].is_null());
    let text = std::fs::read_to_string(world.routes_file()).unwrap();
    let mut file = egress::RoutesFile::parse(&text).unwrap();
    file.supervised = true;
    write(&world.routes_file(), &file.render());
    world.plane.reload();
    // With the credential that the host's routes have, never its value.
    let denial = told("api.test:443", "GET /admin?token=of-the-agent").await;
    let args = serde_json::json!({
        "credential": "KEY", "host": "api.test", "methods": ["GET"], "paths": ["/admin"],
    });
    assert_eq!(denial["propose"]["tool"], "propose_credential_use");
    assert_eq!(denial["propose"]["args"], args);
    assert!(denial["next_step"].as_str().unwrap().contains("propose_credential_use"));
    let denial = told("bare.test:443", "POST /v1/x\ncontent-length: 0").await;
    assert_eq!(denial["propose"]["tool"], "propose_egress");
    let args = serde_json::json!({ "host": "bare.test", "methods": ["POST"], "paths": ["/v1/x"] });
    assert_eq!(denial["propose"]["args"], args);
    // What no person can grant by it names no call.
    for request in ["TRACE /v1/models", "GET /v1/x\nx-http-method-override: PUT"] {
        assert!(told("api.test:443", request).await["propose"].is_null(), "{request}");
    }
}

#[tokio::test]
async fn e7_the_canonical_path_is_what_is_judged() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    for path in ["/v1/../admin", "/v1/%2e%2e/admin", "/v1/..%2fadmin", "/%76%32/x", "/v1/a%2fb"] {
        let answer = ask(&world, &format!("GET {path}")).await;
        assert!(matches!(answer.status, 400 | 403), "{path}: {answer:?}");
    }
    assert!(world.seen().is_empty(), "{:?}", world.seen());
    // The same bytes, judged and forwarded, where they mean a path of the route.
    assert_eq!(ask(&world, "GET //v1/./x/../models").await.status, 200);
    assert_eq!(world.seen_once().line, "GET /v1/models");
}

#[tokio::test]
async fn g5_trace_is_denied() {
    let any = with_key(route(&[], &[]), Form::Bearer);
    let world = World::start(vec![any], &[("KEY", CANARY)], plainly).await;
    let answer = ask(&world, "TRACE /v1/models").await;
    assert_eq!((answer.status, answer.reason().as_str()), (403, "method-not-allowed"));
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn a_pipelock_that_is_down_is_502_and_no_denial() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    world.behind.stop().await;
    for destination in ["api.test:443", "other.test:443"] {
        let answer = ask_at(&world, destination, "GET /v1/models").await;
        assert_eq!((answer.status, answer.reason().as_str()), (502, "upstream-unreachable"));
        assert!(answer.body.contains("pipelock"), "{}", answer.body);
    }
    assert_eq!(world.log_line("error").await["reason"], "upstream-unreachable");
}

#[tokio::test]
async fn g3_whoever_answers_without_pipelocks_authority_gets_nothing() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    // The routes now name another authority: what answers is not the bottle's pipelock.
    let slug = "other".parse().unwrap();
    let other = egress::mint(&slug, time::OffsetDateTime::now_utc()).unwrap();
    let text = std::fs::read_to_string(world.routes_file()).unwrap();
    let mut file = egress::RoutesFile::parse(&text).unwrap();
    file.pipelock.authority = other.certificate_pem().to_owned();
    write(&world.routes_file(), &file.render());
    world.plane.reload();
    let answer = ask(&world, "GET /v1/models").await;
    assert_eq!((answer.status, answer.reason().as_str()), (502, "upstream-certificate"));
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn e9_a_claim_of_another_method_is_refused_on_a_route_that_names_methods() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    for name in ["X-HTTP-Method-Override", "x_http_method_override", "X-Original-URL"] {
        let answer =
            ask(&world, &format!("POST /v1/models\n{name}: DELETE\ncontent-length: 0")).await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, "method-override"), "{name}");
    }
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn g7_no_log_status_or_denial_holds_a_secret() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY), ("OTHER", CANARY)], plainly).await;
    let mut told = Vec::new();
    for head in [
        "GET /v1/models?key=of-the-agent",
        "GET /admin",
        "DELETE /v1/models",
        "TRACE /v1/models",
        "GET /v1/x\nx-note: BottlePlaceholderInvented",
    ] {
        let answer = ask(&world, head).await;
        told.push(format!("{answer:?}"));
    }
    world.behind.stop().await;
    told.push(format!("{:?}", ask(&world, "GET /v1/models").await));
    told.push(world.status.to_json());
    told.push(world.status.to_metrics());
    told.push(format!("{:?}", world.plane));
    told.push(world.log_text());
    let told = told.join("\n");
    assert!(told.contains("upstream-unreachable"), "{told}");
    for secret in ["canary", "of-the-agent"] {
        assert!(!told.contains(secret), "{told}");
    }
}

fn refusing(_: &Seen) -> Response<Body> {
    Denial::new("pipelock", Reason::HostNotAllowed, "ask a person").response()
}

#[tokio::test]
async fn a_refusal_of_pipelocks_reaches_the_agent_and_the_line_as_it_is() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], refusing).await;
    for destination in ["api.test:443", "other.test:443"] {
        let answer = ask_at(&world, destination, "GET /v1/models").await;
        assert_eq!((answer.status, answer.reason().as_str()), (403, "host-not-allowed"));
        assert!(answer.body.contains("\"layer\":\"pipelock\""), "{}", answer.body);
    }
    assert_eq!(world.log_line("allowed").await["reason"], "host-not-allowed");
}
