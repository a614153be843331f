//! Every way of writing one key, and none of them hides it.

use crate::Rules;

const KEY: &str = "ghs_8aJZ0bTqWnX4vEo2LrYp6KcMdUhGiF3mwNlA";

fn found(text: &[u8]) -> Vec<(&'static str, &'static str)> {
    let findings = Rules::builtin().scan(text);
    findings.into_iter().map(|finding| (finding.rule, finding.encoding)).collect()
}

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, &b| bits << 8 | u32::from(b))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(alphabet[(bits >> (18 - 6 * at)) as usize & 63]));
        }
    }
    out
}

fn written(one: impl Fn(u8) -> String) -> String {
    AWS.bytes().map(one).collect::<Vec<_>>().concat()
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const AWS: &str = "AKIAQ3EGRIZ5TL2WXPVY";

#[test]
fn e10_the_key_is_seen_through_every_encoding() {
    let hex = written(|c| format!("{c:02x}"));
    let percent = written(|c| format!("%{c:02X}"));
    let twice = percent.replace('%', "%25");
    let utf16 = written(|c| format!("{}\0", char::from(c)));
    let hidden = written(|c| format!("{}\u{200b}", char::from(c)));
    let wide: String =
        AWS.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
    let escaped = written(|c| format!("\\u{c:04x}"));
    let plain64 = base64(AWS.as_bytes(), STANDARD);
    let shifted = format!("x{plain64}");
    let nested = base64(plain64.as_bytes(), STANDARD);
    for (how, text) in [
        ("hex", &hex),
        ("percent", &percent),
        ("percent", &twice),
        ("utf-16", &utf16),
        ("unicode", &hidden),
        ("unicode", &wide),
        ("json", &escaped),
        ("base64", &plain64),
        ("base64", &shifted),
        ("base64", &nested),
    ] {
        let all = found(text.as_bytes());
        assert!(all.contains(&("aws-access-key-id", how)), "{how}: {text}: {all:?}");
    }
}

#[test]
fn a_text_without_a_key_shows_none() {
    assert_eq!(found(&base64(&[7; 300], STANDARD).into_bytes()), []);
    assert_eq!(found(KEY.replace("ghs", "gh5").as_bytes()), []);
}

/// As the documentation says: a user who is told so must not be told wrong.
#[test]
fn a_key_in_parts_is_found_where_they_stand_together_alone() {
    let (head, tail) = AWS.split_at(9);
    for text in [
        format!("{{\"a\": \"{head}\", \"b\": \"{tail}\"}}"),
        format!("a={head}&b={tail}"),
        format!("--x\r\n\r\n{head}\r\n--x\r\n\r\n{tail}\r\n--x--"),
    ] {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
    assert_eq!(found(format!("{head}{tail}").as_bytes()), [("aws-access-key-id", "plain")]);
}
