//! Private keys, tokens that carry their own proof, and credentials in URLs.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::{Critical, High, Low};

pub(super) const RULES: &[Rule] = &[
    Rule::new("private-key", Critical, &["-----BEGIN"], r"-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP|ANY) )?PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|\s){1,8}[A-Za-z0-9+/=:,. \\\s-]{16,3800}").anywhere().checked(check::private_key),
    Rule::new("putty-private-key", Critical, &["Private-Lines:"], r"Private-Lines: [0-9]{1,3}(?:\\r|\\n|\s){1,8}[A-Za-z0-9+/]{40,64}").anywhere(),
    Rule::new("bottle-placeholder", High, &["BottlePlaceholder"], r"BottlePlaceholder[0-9a-f]{0,600}").anywhere(),
    Rule::new("jwt", High, &["eyJ"], r"eyJ[A-Za-z0-9_-]{14,1200}\.eyJ[A-Za-z0-9_-]{8,3000}\.[A-Za-z0-9_-]{16,1200}").checked(check::jwt),
    Rule::new("credential-in-url", High, &["://"], r"://[^\s/?#@:\x22'<>\\{}$]{0,64}:[^\s/?#@\x22'<>\\{}$*]{6,128}@[A-Za-z0-9.\[-]").anywhere().checked(check::url_credential),
    Rule::new("weak-credential-in-url", Low, &["://"], r"://[^\s/?#@:\x22'<>\\{}$]{0,64}:[^\s/?#@\x22'<>\\{}$*]{6,128}@[A-Za-z0-9.\[-]").anywhere().checked(check::any_url_credential),
    Rule::new("bearer-header", High, &["Authorization:", "authorization:"], r"[Aa]uthorization: (?:[Bb]earer [A-Za-z0-9._~+/=-]{24,2000}|Basic [A-Za-z0-9+/=]{16,400})").checked(check::not_placeholder),
    Rule::word("bitcoin-wif-key", Critical, (51..=52, check::of_wallet), r"(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KL][1-9A-HJ-NP-Za-km-z]{51})").checked(check::base58),
    Rule::new("extended-private-key", Critical, &["xprv", "yprv", "zprv", "tprv"], r"[xyzt]prv[1-9A-HJ-NP-Za-km-z]{107,108}").checked(check::base58),
    Rule::new("ethereum-private-key", Critical, &["private_key", "privateKey", "privatekey", "PRIVATE_KEY"], r#"(?i:private_?key)["']?\s{0,4}[:=]\s{0,4}["']?(?:0x)?[0-9a-f]{64}"#),
    Rule::new("wireguard-private-key", Critical, &["PrivateKey"], r"PrivateKey ?= ?[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="),
    Rule::new("kubernetes-client-key", Critical, &["client-key-data:"], r"client-key-data: ?[A-Za-z0-9+/=]{100,4000}"),
];
