//! Data in a path or a query: words of so much entropy that no name and no hash has it. Signed links
//! and upload tickets look alike, so this is told in the log and never stops a request.

use super::head::Place;

/// A shorter word carries too little: a digest of SHA-512 in base64 has 88 characters, and a name before it.
const WORD: usize = 96;
/// Shannon's entropy of one character, in bits: base64 has up to six, hexadecimal four at most.
const BITS: f64 = 4.5;

/// Parameters that are meant to hold such words: signatures, tickets, places to go on from.
const MEANT: [&str; 14] = [
    "sig",
    "token",
    "credential",
    "code",
    "state",
    "cursor",
    "continu",
    "x-amz",
    "x-goog",
    "hmac",
    "policy",
    "key",
    "page",
    "nonce",
];

/// Where a word carries data, and the rule's name.
pub(super) fn carries_data(path: &str, query: &str) -> Option<(&'static str, Place)> {
    if path.split('/').any(is_data) {
        return Some(("data-in-path", Place::Path));
    }
    let data = query.split('&').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or(("", parameter));
        let name = name.to_ascii_lowercase();
        !MEANT.iter().any(|meant| name.contains(meant)) && is_data(value)
    });
    data.then_some(("data-in-query", Place::Query))
}

/// Letters of both cases and digits in one word, spread as an encoder spreads them.
fn is_data(word: &str) -> bool {
    if word.len() < WORD {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
    let of_code = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.~%".contains(&byte);
    word.bytes().all(of_code)
        && digits > 2
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        // Words with marks between them are a name.
        && word.split(['-', '_', '.', '%']).any(|part| part.len() > 24)
        && entropy(word) > BITS
}

fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let each = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count) / all);
    -each.map(|share| share * share.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As they occur: registries, code hosts, object stores, telemetry.
    const ORDINARY: &[&str] = &[
        "/api/v1/crates/serde/1.0.228/download",
        "/packages/2b/81/d372a2ecb6f5d4ef8d1c8bd4c8d4bd1d8a8f6cde3a4a5d6d2a9a52b3c0f1/requests-2.32.5-py3-none-any.whl",
        "/acme/widgets/commit/9fceb02d0ae598e95dc970b74767f19372d61af8",
        "/v2/library/debian/blobs/sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "/@types/node/-/node-22.7.5.tgz",
        "/debian/pool/main/libr/librsvg/librsvg2-2_2.60.0+dfsg-1_amd64.deb",
        "/u/123e4567-e89b-42d3-a456-426614174000/files/8f14e45f-ceea-467f-a9d3-27ea55a5a4c1",
        "/static/js/main.8f14e45fceea167a5a36dedd4bea2543.chunk.js",
        "/go/github.com/!burnt!sushi/toml/@v/v0.0.0-20240917165432-1f1f3b4a2b1c.zip",
        "/b/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA%2F20261129%2Feu%2Fs3%2Faws4_request&X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        "/c/y?sv=2024-11-04&sr=b&sig=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXU%3D&se=2026-12-01T00%3A00%3A00Z",
        "/search?q=how+to+write+a+parser+in+rust+without+any+allocation+at+all",
        "/list?continuation-token=1ueGcxLPRx1Tr0XYExHnhbYLgveDs2J0wm36Hy4vbOwM1ueGcxLPRx1Tr0XYExHnhbYLgveDs2J",
        "/npm/some-scope/a-package-with-a-rather-long-name-of-many-words-v2-and-more/-/x.tgz",
        "/pkg/integrity/sha512-5mpmpQ6Z2kC5a3sGdV6qg0y8fD4jOZ1L7eYw9n0vRk3lT8hX2uQ6iS4bNcM1oP7A",
    ];

    #[test]
    fn ordinary_addresses_carry_none_and_an_encoded_file_does() {
        for address in ORDINARY {
            let (path, query) = address.split_once('?').unwrap_or((address, ""));
            assert_eq!(carries_data(path, query), None, "{address}");
        }
        let data = "Q29uZmlkZW50aWFsIHBsYW5zIG9mIHRoZSBuZXh0IHJlbGVhc2UsIHdyaXR0ZW4gaW4gMjAyNiBhbmQgbm90IHRvIGJlIHNoYXJlZDog";
        let path = format!("/x/{data}/y.png");
        assert_eq!(carries_data(&path, ""), Some(("data-in-path", Place::Path)));
        let query = format!("v=1&d={data}");
        assert_eq!(carries_data("/x", &query), Some(("data-in-query", Place::Query)));
    }
}
