//! The ways round git-gate: what no bottle lets through, whoever asks and whatever is allowed.

use http::{HeaderMap, Method, Uri, header::CONTENT_TYPE};

/// git's service for pushes; its name is in every request of one.
const RECEIVE_PACK: &str = "git-receive-pack";
/// Decoding is repeated as long as it changes something, so often at most.
const DECODINGS: usize = 4;
/// Whether the request is part of a git push: its advertisement or the push itself.
///
/// A page that is merely about the service (a `GET` of `/docs/git-receive-pack`) is none.
pub(crate) fn is_git_push(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let path = decoded(uri.path());
    let path = path.trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or_default();
    let query = decoded(uri.query().unwrap_or_default());
    let content = headers.get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    let content = content.as_deref().unwrap_or_default();
    let speaks = content.windows(RECEIVE_PACK.len()).any(|part| part == RECEIVE_PACK.as_bytes());
    let advertised = last == "refs" && query.contains(RECEIVE_PACK);
    let pushed = last == RECEIVE_PACK && *method != Method::GET && *method != Method::HEAD;
    advertised || pushed || speaks
}

/// The text with its percent-encoding undone, in lower case, as lenient servers read it.
fn decoded(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..DECODINGS {
        let next = decode_once(&bytes);
        if next == bytes {
            break;
        }
        bytes = next;
    }
    String::from_utf8_lossy(&bytes).to_ascii_lowercase()
}

fn decode_once(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escape {
            out.push(high << 4 | low);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(method: &Method, uri: &str) -> bool {
        is_git_push(method, &uri.parse().unwrap(), &HeaderMap::new())
    }

    #[test]
    fn every_part_of_a_push_is_seen_however_it_is_written() {
        for uri in [
            "/a/b.git/info/refs?service=git-receive-pack",
            "/a/b.git/info/refs?x=1&service=git%2Dreceive-pack",
            "/a/b.git/info%2frefs?service=git%252dreceive%252dpack",
            "/a/b.git/info/refs/?service=GIT-RECEIVE-PACK",
        ] {
            assert!(push(&Method::GET, uri), "{uri}");
        }
        for uri in
            ["/a/b.git/git-receive-pack", "/a/b.git/git%2dreceive%2Dpack", "/x/git-receive-pack/"]
        {
            assert!(push(&Method::POST, uri), "{uri}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/x-git-receive-pack-request".parse().unwrap());
        assert!(is_git_push(&Method::POST, &"/anything".parse().unwrap(), &headers));
    }

    #[test]
    fn fetching_and_reading_about_it_pass() {
        assert!(!push(&Method::GET, "/a/b.git/info/refs?service=git-upload-pack"));
        assert!(!push(&Method::POST, "/a/b.git/git-upload-pack"));
        assert!(!push(&Method::GET, "/docs/git-receive-pack"));
        assert!(!push(&Method::GET, "/search?q=git-receive-pack"));
        assert!(!push(&Method::GET, "/100%"));
    }
}
