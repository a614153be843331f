//! Section G, on one request: what is removed, what is put in.

use std::collections::BTreeMap;

use super::*;
use http::Request;

const KEY: &str = "canary-key-0123456789";

impl Secrets for BTreeMap<String, Arc<Secret>> {
    fn secret(&self, variable: &str) -> Option<Arc<Secret>> {
        self.get(variable).cloned()
    }
}

fn secrets() -> BTreeMap<String, Arc<Secret>> {
    [("KEY", KEY), ("PAIR", "me:canary-password")]
        .map(|(name, value)| (name.to_owned(), Arc::new(Secret::new(value.to_owned()))))
        .into()
}

fn route(variable: &str, form: Form) -> Route {
    let variable_name = variable.parse().unwrap();
    let placeholder = Some(Placeholder::of_shape(KEY, variable, b"seed"));
    Route {
        credentials: vec![Credential { variable: variable_name, form, placeholder }],
        ..Route::to("api.test".parse().unwrap())
    }
}

fn header_route() -> Route {
    route("KEY", Form::Header("x-api-key".parse().unwrap()))
}

fn request(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri("/v1/x?a=1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn values(parts: &Parts) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let own = |name: &HeaderName| name != ACCEPT_ENCODING;
    let headers = parts.headers.iter().filter(|(name, _)| own(name));
    headers.map(|(name, value)| (name.to_string(), text(value))).collect()
}

#[test]
fn g1_every_login_of_the_agent_is_removed_and_one_put_in() {
    let mut parts = request(&[
        ("X-Api-Key", "mine"),
        ("x-api-key", "mine too"),
        ("x_api_key", "underscore"),
        ("X_API-KEY", "mixed"),
        ("Authorization", "Bearer mine"),
        ("Proxy-Authorization", "Basic bWluZQ=="),
        ("Cookie", "session=mine"),
        ("api-key", "mine"),
        ("x-goog-api-key", "mine"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip"),
    ]);
    inject(&mut parts, &header_route(), &secrets()).unwrap();
    let expected = [("accept", "application/json"), ("x-api-key", KEY)];
    let expected: Vec<_> = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    assert_eq!(values(&parts), expected);
}

#[test]
fn e4_connection_cannot_take_the_credential_out() {
    let mut parts = request(&[
        ("Connection", "close, x-api-key, X-Other"),
        ("keep-alive", "timeout=5"),
        ("x-other", "named by connection"),
    ]);
    inject(&mut parts, &header_route(), &secrets()).unwrap();
    assert_eq!(values(&parts), [("x-api-key".to_owned(), KEY.to_owned())]);
}

#[test]
fn every_form_of_a_credential_is_put_in_its_place() {
    let pair = "Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk";
    let user = Some("me".parse().unwrap());
    for (variable, form, expected) in [
        ("KEY", Form::Bearer, "Bearer canary-key-0123456789"),
        ("PAIR", Form::Basic { user: None }, pair),
        ("KEY", Form::Basic { user }, "Basic bWU6Y2FuYXJ5LWtleS0wMTIzNDU2Nzg5"),
    ] {
        let mut parts = request(&[("authorization", "mine")]);
        inject(&mut parts, &route(variable, form), &secrets()).unwrap();
        assert_eq!(values(&parts), [("authorization".to_owned(), expected.to_owned())]);
    }
}

#[test]
fn g1_a_query_parameter_is_there_once_however_it_was_spelled() {
    let mut parts = request(&[]);
    parts.uri = "/v1/x?key=mine&%6bey=mine&a=1&KEY=mine;key=mine".parse().unwrap();
    let form = Form::Query("key".parse().unwrap());
    inject(&mut parts, &route("KEY", form), &secrets()).unwrap();
    assert_eq!(parts.uri, "/v1/x?a=1&key=canary-key-0123456789");
}

#[test]
fn g1_a_cookie_is_there_once_beside_the_others() {
    let mut parts = request(&[("cookie", "theme=dark; session=mine"), ("cookie", "Session=two")]);
    let form = Form::Cookie("session".parse().unwrap());
    inject(&mut parts, &route("KEY", form), &secrets()).unwrap();
    let expected = "session=canary-key-0123456789; theme=dark".to_owned();
    assert_eq!(values(&parts), [("cookie".to_owned(), expected)]);
}

#[test]
fn g3_a_secret_that_is_not_there_refuses_the_request() {
    let route = route("OTHER", Form::Bearer);
    let mut parts = request(&[("authorization", "Bearer BottlePlaceholder0123")]);
    let refused = inject(&mut parts, &route, &secrets()).unwrap_err();
    assert_eq!(refused, Refusal::Missing);
}

#[test]
fn g3_a_placeholder_is_not_sent_where_a_route_has_no_credential() {
    let plain = Route::to("api.test".parse().unwrap());
    let mut parts = request(&[("authorization", "Bearer BottlePlaceholder0123")]);
    let refused = inject(&mut parts, &plain, &secrets()).unwrap_err();
    assert_eq!(refused, Refusal::PlaceholderInPlace);
    let mut parts = request(&[("authorization", "Bearer the-agents-own")]);
    assert!(inject(&mut parts, &plain, &secrets()).unwrap().is_empty());
    assert_eq!(parts.headers["authorization"], "Bearer the-agents-own");
}

#[test]
fn e5_a_value_with_a_line_break_is_never_put_in() {
    let secrets: BTreeMap<_, _> =
        [("KEY".to_owned(), Arc::new(Secret::new("canary-key\r\nx-evil: 1".to_owned())))].into();
    let mut parts = request(&[]);
    assert_eq!(inject(&mut parts, &header_route(), &secrets).unwrap_err(), Refusal::Missing);
    assert!(parts.headers.is_empty());
}

#[test]
fn g7_the_credential_is_in_no_debug_output() {
    let mut parts = request(&[]);
    let needles = inject(&mut parts, &header_route(), &secrets()).unwrap();
    assert!(!format!("{parts:?} {needles:?}").contains("canary"));
}
