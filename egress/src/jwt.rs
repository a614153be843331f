//! Tokens that say of themselves when they end (JWT). Nothing here believes one: no signature is looked
//! at, and what is made here has none.

use serde::Deserialize;
use serde::de::DeserializeOwned;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// When a token says that it ends, in seconds since 1970. `None` for one that does not say it.
pub fn expires(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
    }
    claims::<Claims>(token).map(|claims| claims.exp)
}

/// What a token says of itself.
pub fn claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    serde_json::from_slice(&decoded(token.split('.').nth(1)?)?).ok()
}

/// A token that says so, for programs that read their own; `mark` stands for its signature.
pub fn unsigned(claims: &serde_json::Value, mark: &str) -> String {
    let part = |value: &serde_json::Value| encoded(value.to_string().as_bytes());
    let head = serde_json::json!({ "alg": "none", "typ": "JWT" });
    format!("{}.{}.{mark}", part(&head), part(claims))
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        let bits = bits << (8 * (3 - chunk.len()));
        let digits = (0..=chunk.len()).filter_map(|at| DIGITS.get(bits >> (18 - 6 * at) & 63));
        text.extend(digits.map(|&digit| char::from(digit)));
    }
    text
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_usize, 0);
    for digit in text.trim_end_matches('=').bytes() {
        bits = (bits << 6 | DIGITS.iter().position(|&own| own == digit)?) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_ends_and_what_is_no_token_says_nothing() {
        for claims in [r#"{"exp":1900000000}"#, r#"{"a":"ü?>~","exp":7}"#, r#"{"exp":123456}"#] {
            let claims: serde_json::Value = serde_json::from_str(claims).unwrap();
            let token = unsigned(&claims, "mark");
            assert_eq!(expires(&token), claims["exp"].as_u64(), "{token}");
            assert_eq!((token.split('.').nth(2), token.contains('=')), (Some("mark"), false));
        }
        // By another hand: {"sub":"1","exp":1900000000}
        assert_eq!(expires("x.eyJzdWIiOiIxIiwiZXhwIjoxOTAwMDAwMDAwfQ.y"), Some(1_900_000_000));
        for token in ["", "sk-ant-oat01-abc", "a.b.c", "a.eyJhIjoxfQ.c", "a.!.c"] {
            assert_eq!(expires(token), None, "{token}");
        }
    }
}
