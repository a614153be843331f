//! What a root of ours is, read back.

use super::*;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-29 07:00:00.5 UTC);

fn minted() -> Authority {
    Authority::mint(&"fix-login".parse().unwrap(), Role::Pipelock, NOW).unwrap()
}

#[test]
fn g11_the_key_is_0600_sec1_and_in_no_debug_output() {
    let authority = minted();
    let [certificate, key] = authority.files().unwrap();
    assert_eq!(
        (certificate.path.to_str(), key.path.to_str()),
        (Some("ca.pem"), Some("ca-key.pem"))
    );
    assert_eq!(key.mode, 0o600);
    assert!(key.is_secret() && !certificate.is_secret());
    assert!(key.contents().starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
    assert!(certificate.contents().starts_with("-----BEGIN CERTIFICATE-----"));
    let body = key.contents().lines().nth(1).unwrap();
    assert!(!format!("{key:?} {authority:?}").contains(body));
}

#[test]
fn g11_the_root_names_its_bottle_and_lives_for_days() {
    let authority = minted();
    let root = der::root(authority.certificate()).unwrap();
    assert_eq!(root.common_name, "bottle fix-login pipelock");
    assert_eq!(root.not_after, datetime!(2026-12-13 07:00:00 UTC));
    assert_eq!(root.not_after, authority.not_after());
    // Critical basic constraints: a CA, path length 0.
    let constraints =
        [0x01, 0x01, 0xff, 0x04, 0x08, 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
    assert!(authority.certificate().windows(constraints.len()).any(|w| w == constraints));
}

#[test]
fn what_was_written_loads_and_issues() {
    let [certificate, key] = minted().files().unwrap();
    let loaded = Authority::load(certificate.contents(), key.contents()).unwrap();
    let leaf = loaded.issue(Subject::Name("example.com"), NOW).unwrap();
    assert_eq!(leaf.not_after, datetime!(2026-12-01 07:00:00 UTC));
    assert_eq!(loaded.files().unwrap()[1], key);
    let late = datetime!(2026-12-12 07:00:00 UTC);
    let last = loaded.issue(Subject::Address([127, 0, 0, 1].into()), late).unwrap();
    assert_eq!(last.not_after, loaded.not_after());
    assert!(matches!(
        loaded.issue(Subject::Name("example.com"), loaded.not_after()),
        Err(CaError::Expired)
    ));
}

#[test]
fn two_leaves_of_one_host_are_two_certificates() {
    let authority = minted();
    let [one, two] =
        [0, 1].map(|_| authority.issue(Subject::Name("example.com"), NOW).unwrap().certificate);
    assert_ne!(one, two);
}

#[test]
fn refuses_what_does_not_belong_together() {
    let [certificate, key] = minted().files().unwrap();
    let [_, other] = minted().files().unwrap();
    let load = |certificate: &str, key: &str| Authority::load(certificate, key).map(|_| ());
    assert!(matches!(load(certificate.contents(), other.contents()), Err(CaError::Mismatch)));
    assert!(matches!(load("", key.contents()), Err(CaError::Certificate)));
    assert!(matches!(load(certificate.contents(), ""), Err(CaError::Key)));
    assert!(matches!(load(certificate.contents(), certificate.contents()), Err(CaError::Key)));
}

#[test]
fn base64_is_that_of_the_standard() {
    for (bytes, text) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
    {
        assert_eq!(base64(bytes.as_bytes()), text);
    }
}
