//! The scanner: whatever the chunks, the findings are the same and nothing of one was let go before;
//! and a key is found between any two texts, plainly and encoded.

#![no_main]

use bottle_fuzz::{Made, pieces};
use dlp::{Finding, Fingerprint, Key, MAX_HELD, Own, Rules, Stream};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

const KEY: &str = "AKIAQ3EGRIZ5TL2WXPVY";
const OWN: &str = "internal-service-7fkq0Zr3vXw1";

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| {
        let key = Key::new([7; 32]);
        let own = Fingerprint::of(&key, OWN.as_bytes()).expect("long enough");
        Rules::with(Own::new(key, vec![own]))
    })
}

fuzz_target!(|bytes: &[u8]| {
    let mut made = Made::new(bytes);
    let sizes = [0; 4].map(|_| made.number());
    let (times, way, place) = (made.number(), made.number(), made.number());
    let (head, tail) = halves(made.rest(), place);
    // Long rows are cut by rules of their own, and libFuzzer makes up short texts.
    let head = head.repeat(1 + (times % 16).saturating_sub(12) * 30);
    let secret = [KEY, OWN][way / 8 % 2];
    let written = written(secret.as_bytes(), way % 8);
    let text = [&head, b"\"".as_slice(), &written, b"\"", tail].concat();
    let whole = rules().scan(&text);
    let (start, end) = (head.len() as u64 + 1, (head.len() + 1 + written.len()) as u64);
    let covers = |found: &Finding| found.offset < end && found.offset + found.len as u64 > start;
    assert!(whole.iter().any(covers), "{way} in {:?}", String::from_utf8_lossy(&text));
    let in_pieces = streamed(&pieces(&text, &sizes.map(|size| size * (1 + text.len() / 512))));
    assert_eq!(sorted(in_pieces), sorted(whole));
});

fn halves(text: &[u8], place: usize) -> (&[u8], &[u8]) {
    text.split_at(text.len() * place / 256)
}

fn streamed(pieces: &[&[u8]]) -> Vec<Finding> {
    let (mut stream, mut came) = (Stream::new(rules()), 0);
    let mut findings = Vec::new();
    for piece in pieces {
        let released = came - stream.held() as u64;
        let new = stream.push(piece);
        assert!(new.iter().all(|found| found.offset >= released));
        findings.extend(new);
        came += piece.len() as u64;
        assert!(stream.held() <= MAX_HELD);
    }
    let released = came - stream.held() as u64;
    let last = stream.finish();
    assert!(last.iter().all(|found| found.offset >= released));
    assert!(last.iter().all(|found| found.offset + found.len as u64 <= came));
    findings.extend(last);
    findings
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|found| (found.offset, found.rule, found.len, found.encoding));
    findings
}

/// The secret in one of the ways in which it is written.
fn written(secret: &[u8], way: usize) -> Vec<u8> {
    let each = |one: &dyn Fn(u8) -> String| {
        secret.iter().map(|&b| one(b)).collect::<String>().into_bytes()
    };
    match way {
        1 => each(&|b| format!("{b:02x}")),
        2 => each(&|b| format!("%{b:02X}")),
        3 => each(&|b| format!("\\u{b:04x}")),
        4 => base64(secret),
        5 => base64(&base64(secret)),
        6 => base64(&each(&|b| format!("%{b:02x}"))),
        7 => [b"dXNlcjpwYXM6".as_slice(), &base64(secret)].concat(),
        _ => secret.to_vec(),
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, &b| bits << 8 | usize::from(b))
            << (8 * (3 - chunk.len()));
        out.extend((0..=chunk.len()).map(|at| DIGITS[bits >> (18 - 6 * at) & 63]));
    }
    out
}
