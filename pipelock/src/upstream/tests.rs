//! What upstream's files mean here.

use super::*;

const LEAST: &str = "
forward_proxy: {enabled: true}
tls_interception: {enabled: true}
";

fn wanted(more: &str) -> Upstream {
    read(&format!("{LEAST}{more}")).unwrap()
}

fn faults(text: &str) -> String {
    let faults = read(text).unwrap_err();
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_smallest_file_allows_nothing() {
    let read = wanted("mode: strict\n");
    assert!(read.wanted.allow.is_empty());
    assert_eq!(read.not_enforced, Vec::<String>::new());
}

#[test]
fn every_fault_is_reported_at_once_with_its_path() {
    let text = "
mode: permissive
api_allowlist: [a.org, 'https://b.org', '*']
fetch_proxy: {monitoring: {max_url_lenght: 5}, listen: everywhere}
dlp: {action: block, scan_env: 3}
ssrf: {ip_allowlist: [10.0.0.1/8, 10.0.0.1, 0.0.0.0/0]}
suppress: [{rule: a, why: b}]
surprise: 1
";
    insta::assert_snapshot!(faults(text));
}

#[test]
fn a_second_document_or_a_key_written_twice_is_refused() {
    assert!(faults(&format!("{LEAST}---\nmode: strict\n")).contains("more than one document"));
    assert!(faults("mode: strict\nmode: audit\n").contains("duplicate"));
    assert!(faults("- a\n").contains("not a document with keys"));
    assert!(faults("mode: !weird strict\n").contains("mode"));
}

#[test]
fn keys_without_an_effect_are_named() {
    let read = wanted(
        "response_scanning: {patterns: [{name: a, regex: b}]}\nmcp_tool_policy: {x: {y: 1}}\n\
         enforce: false\n",
    );
    assert_eq!(
        read.not_enforced,
        [
            "response_scanning.patterns",
            "mcp_tool_policy",
            "enforce",
            "mode: the allowlist is enforced in every mode"
        ]
    );
}

#[test]
fn interception_cannot_be_switched_off() {
    let text = faults("forward_proxy: {enabled: true}\ntls_interception: {enabled: false}\n");
    assert!(text.contains("none passes unread"), "{text}");
    assert!(faults("").contains("tls_interception.enabled"));
}

#[test]
fn the_kill_switch_allows_nothing() {
    let text = "api_allowlist: [a.org]\nkill_switch: {enabled: true}\n";
    assert!(wanted(text).wanted.allow.is_empty());
    assert_eq!(wanted("api_allowlist: [a.org]\n").wanted.allow.len(), 1);
}

#[test]
fn upstreams_own_samples_are_read() {
    let sample = "
version: 1
mode: strict
api_allowlist: [\"api.anthropic.com\"]
fetch_proxy:
  listen: \"0.0.0.0:8888\"
  timeout_seconds: 300
  monitoring: {max_requests_per_minute: 1000000}
forward_proxy: {enabled: true, max_tunnel_seconds: 3600, sni_verification: false}
tls_interception: {enabled: true, ca_cert: ca.pem, ca_key: ca-key.pem}
request_body_scanning: {action: block, scan_headers: false}
response_scanning: {action: warn}
seed_phrase_detection: {enabled: false}
dlp: {scan_env: false}
ssrf: {ip_allowlist: [\"172.20.0.0/16\"]}
";
    let read = read(sample).unwrap();
    assert_eq!(read.wanted.listen, "0.0.0.0:8888".parse().unwrap());
    assert_eq!(read.wanted.ca_key, "ca-key.pem");
    assert_eq!(read.wanted.requests, Action::Block);
}

#[test]
fn patterns_and_suppressions_are_read_by_upstreams_names_and_by_ours() {
    let read = wanted(
        "
dlp:
  patterns:
    - {name: Employee Number, regex: 'emp-\\d{6}', severity: high, action: warn}
    - {name: JWT Token, regex: eyJ, exempt_domains: [id.example.org], validator: luhn}
suppress:
  - {rule: employee number, path: docs/, reason: samples}
  - {rule: AWS Access ID, path: '*.test.ts'}
  - {rule: jwt, path: robots.txt}
",
    );
    assert_eq!(read.not_enforced.len(), 1, "{:?}", read.not_enforced);
    let patterns = &read.wanted.patterns;
    assert_eq!((patterns[0].name.as_str(), patterns[0].warns), ("Employee Number", true));
    assert_eq!(patterns[1].validator, Some(crate::Validator::Luhn));
    let rules: Vec<_> =
        read.wanted.exceptions.iter().map(|exception| exception.rules.join(" ")).collect();
    assert_eq!(rules, ["JWT Token jwt", "Employee Number", "aws-access-key-id", "jwt"]);
    let holds = |nth: usize, host, address| read.wanted.exceptions[nth].holds(host, address);
    assert!(holds(0, "id.example.org", "https://id.example.org/x"));
    assert!(!holds(0, "example.org", "https://example.org/x"));
    assert!(holds(2, "a.org", "https://a.org/x.test.ts"));
}

#[test]
fn what_belongs_to_the_bottle_alone_is_never_excepted() {
    for rule in ["bottle-secret", "Bottle-Placeholder", "data-in-host"] {
        let text = faults(&format!("{LEAST}suppress: [{{rule: {rule}, path: '*'}}]\n"));
        assert!(text.contains("whatever a policy says"), "{text}");
        let text = faults(&format!("{LEAST}dlp: {{patterns: [{{name: {rule}, regex: x}}]}}\n"));
        assert!(text.contains("no policy changes"), "{text}");
    }
}

#[test]
fn a_pattern_or_a_suppression_that_says_too_little_is_a_fault() {
    for (entry, told) in [
        ("dlp: {patterns: [{regex: x}]}", "needs a `name`"),
        ("dlp: {patterns: [{name: x}]}", "needs a `regex`"),
        ("dlp: {patterns: [{name: x, regex: x, action: block}]}", "must be `warn`"),
        ("dlp: {patterns: [{name: JWT Token, regex: x, action: warn}]}", "must be `warn`"),
        ("dlp: {patterns: [{name: x, regex: x, validator: crc}]}", "must be one of"),
        ("dlp: {patterns: [{name: x, regex: x, exempt_domains: ['*']}]}", "every host"),
        ("suppress: [{path: x}]", "needs a `rule`"),
        ("suppress: [{rule: x}]", "names no address"),
        ("suppress: [{rule: x, path: '[a'}]", "without its `]`"),
    ] {
        let text = faults(&format!("{LEAST}{entry}\n"));
        assert!(text.contains(told), "{entry}: {text}");
    }
}
