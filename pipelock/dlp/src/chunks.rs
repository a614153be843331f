//! What is found in a text must not depend on how it comes: texts put together of secrets in every
//! way of writing, of noise and of what is nearly one, cut in all manners of chunks.

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::drawn::Drawn;
use crate::own::{Fingerprint, Key, Own};
use crate::stream::MAX_HELD;
use crate::{Finding, Rules, Stream};

impl Drawn {
    /// So many digits of an alphabet.
    fn digits(&mut self, alphabet: &[u8], count: usize) -> Vec<u8> {
        (0..count).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";
const OWN: &str = "internal-service-7fkq0Zr3vXw1";

fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, &b| bits << 8 | usize::from(b))
            << (8 * (3 - chunk.len()));
        out.extend((0..=chunk.len()).map(|at| BASE64[bits >> (18 - 6 * at) & 63]));
    }
    out
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn percent(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect()
}

fn lines(bytes: &[u8], end: &str) -> Vec<u8> {
    bytes.chunks(76).collect::<Vec<_>>().join(end.as_bytes())
}

/// A piece of a text, with a secret in it or with none.
fn piece(drawn: &mut Drawn) -> Vec<u8> {
    let secrets: [&[u8]; 6] = [
        b"AKIAQ3EGRIZ5TL2WXPVY",
        OWN.as_bytes(),
        b"postgres://admin:Rq7,tz(Yw4)pL@db.example.org/x",
        b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIPx7Q2m0aZ1sT8uVb3kYwL5nRr9dGhJfKqWeZxCvBnMo\n-----END",
        b"aws_secret_access_key = \"Zr3vXw1of7kq0Zr3vXw1of7kq0Zr3vXw1of7kq0Z\"",
        b"4111 1111 1111 1111",
    ];
    let secret = secrets[drawn.below(secrets.len())].to_vec();
    let len = drawn.below(120);
    let before = drawn.digits(b"some words, \"quoted\" and (not) ", len);
    match drawn.below(15) {
        0 | 1 => secret,
        2 => base64(&[before, b" ".to_vec(), secret].concat()),
        3 => hex(&secret),
        4 => percent(&secret),
        5 => lines(&base64(&[before, b" ".to_vec(), secret].concat()), "\n"),
        6 => lines(&base64(&[before, b" ".to_vec(), secret].concat()), "\\r\\n"),
        7 => base64(&base64(&[before, secret].concat())),
        8 => secret.iter().flat_map(|&byte| [byte, 0]).collect(),
        9 => {
            let noise = drawn.below(2 * MAX_HELD);
            let noise = [drawn.digits(BASE64, noise), drawn.digits(BASE64, 200)];
            [&noise[0], base64(&secret).as_slice(), &noise[1]].concat()
        }
        10 => {
            let noise = drawn.below(2 * MAX_HELD);
            lines(&[drawn.digits(BASE64, noise), base64(&secret)].concat(), "\n")
        }
        11 => drawn.digits(HEX, 64),
        12 => b"-----BEGIN CERTIFICATE-----\n".to_vec(),
        13 => "naïve „Größe“ а\u{200b}б".as_bytes().to_vec(),
        _ => before,
    }
}

fn told(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.offset, finding.rule));
    findings
}

/// A text of pieces, each of which a number decides, and the sizes in which it comes.
fn texts() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    let between = prop::sample::select(vec![&b" "[..], b"\n", b"\",\"", b"="]);
    let pieces = prop::collection::vec(1_u64.., 1..8);
    let longest = prop::sample::select(vec![1_usize, 7, 100, 5000, 70_000]);
    let sizes = longest.prop_flat_map(|longest| prop::collection::vec(1..=longest, 1..6));
    (pieces, between, sizes).prop_map(|(pieces, between, mut sizes)| {
        let pieces = pieces.into_iter().map(|seed| piece(&mut Drawn(seed)));
        let text = pieces.collect::<Vec<_>>().join(between);
        // A byte at a time through a long row would take a minute.
        let least = if text.len() > 4000 { 64 } else { 1 };
        for size in &mut sizes {
            *size = (*size).max(least);
        }
        (text, sizes)
    })
}

#[test]
fn e10_any_chunking_gives_the_same_findings() {
    let key = Key::new([7; 32]);
    let own = Fingerprint::of(&key, OWN.as_bytes()).unwrap();
    let rules = Rules::with(Own::new(key, vec![own]));
    let seen = Mutex::new(BTreeSet::new());
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let drawn = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let all = TestRunner::new_with_rng(config, drawn).run(&texts(), |(text, sizes)| {
        let whole = told(rules.scan(&text));
        seen.lock().unwrap().extend(whole.iter().map(|finding| finding.encoding));
        let mut stream = Stream::new(&rules);
        let (mut findings, mut at) = (Vec::new(), 0);
        for size in sizes.iter().cycle() {
            let released = at as u64 - stream.held() as u64;
            let new = match text.get(at..).filter(|rest| !rest.is_empty()) {
                Some(rest) => stream.push(&rest[..rest.len().min(*size)]),
                None => break,
            };
            // Nothing of it has been let go before it is told.
            prop_assert!(new.iter().all(|finding| finding.offset >= released));
            findings.extend(new);
            prop_assert!(stream.held() <= MAX_HELD);
            at = (at + size).min(text.len());
        }
        let released = text.len() as u64 - stream.held() as u64;
        let last = stream.finish();
        prop_assert!(last.iter().all(|finding| finding.offset >= released));
        findings.extend(last);
        prop_assert_eq!(told(findings), whole);
        Ok(())
    });
    all.unwrap();
    let seen = seen.into_inner().unwrap();
    for encoding in ["plain", "base64", "hex", "percent", "utf-16"] {
        assert!(seen.contains(encoding), "{encoding}: {seen:?}");
    }
}

/// Found by fuzzing: what stands behind a number tells whether it is one of a row, and had not come.
#[test]
fn e10_what_stands_behind_a_number_is_waited_for() {
    let rules = Rules::builtin();
    for (between, is_card) in [(",  ", false), (", x", true), (",                       ", true)] {
        let text = format!("a 4111 1111 1111 1111{between}0130 and more of it\n");
        let whole = rules.scan(text.as_bytes());
        assert_eq!(whole.iter().any(|found| found.rule == "credit-card"), is_card, "{text}");
        for cut in 0..text.len() {
            let mut stream = Stream::new(rules);
            let mut findings = stream.push(&text.as_bytes()[..cut]);
            findings.extend(stream.push(&text.as_bytes()[cut..]));
            findings.extend(stream.finish());
            assert_eq!(findings, whole, "{text} cut at {cut}");
        }
    }
}
