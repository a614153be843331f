//! The ways round git-gate: what no bottle lets through, whoever asks and whatever is allowed.

use http::{HeaderMap, Method, Uri, header::CONTENT_TYPE};
use tls_intercept::Host;

/// git's service for pushes; its name is in every request of one.
const RECEIVE_PACK: &str = "git-receive-pack";
/// How that ends.
const PACK: &str = "pack";
/// Decoding is repeated as long as it changes something, so often at most.
const DECODINGS: usize = 4;
/// Names that git hosts give to SSH on port 443: nothing but a push or a fetch goes there.
const SSH_BY_HTTPS: [&str; 3] = ["ssh.github.com", "altssh.gitlab.com", "altssh.bitbucket.org"];
/// GitHub's API, which writes commits without git.
const GITHUB: [&str; 2] = ["api.github.com", "uploads.github.com"];

/// Whether the host is a git host's other door.
pub(crate) fn is_ssh_door(host: &Host) -> bool {
    matches!(host, Host::Name(name) if SSH_BY_HTTPS.contains(&name.as_str()))
}

/// Whether the request would write commits, files or refs of a repository by GitHub's API.
///
/// GraphQL writes by the same path as it reads, so nothing is posted there.
pub(crate) fn is_github_write(host: &Host, method: &Method, uri: &Uri) -> bool {
    let Host::Name(name) = host else { return false };
    if !GITHUB.contains(&name.as_str()) {
        return false;
    }
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return false;
    }
    let path = decoded(uri.path());
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let rest = match parts.as_slice() {
        ["graphql"] | ["api", "graphql"] => return true,
        ["repos", _, _, rest @ ..] | ["repositories", _, rest @ ..] => rest,
        _ => return false,
    };
    matches!(
        rest,
        ["contents" | "git" | "merges" | "merge-upstream", ..]
            | ["pulls", _, "merge" | "update-branch" | "merge_queue", ..]
            | ["branches", _, "rename", ..]
    )
}

/// Whether the request is part of a git push: its advertisement or the push itself.
///
/// A page that is merely about the service (a `GET` of `/docs/git-receive-pack`) is none.
pub(crate) fn is_git_push(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if !may_name_it(uri, headers) {
        return false;
    }
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

/// A quick look, since most requests are no push: whether the service can be named anywhere, encoded or
/// not.
fn may_name_it(uri: &Uri, headers: &HeaderMap) -> bool {
    // "pack" is in its name, in whatever case, or something is encoded.
    let may = |text: &[u8]| {
        text.contains(&b'%')
            || text.windows(PACK.len()).any(|part| part.eq_ignore_ascii_case(PACK.as_bytes()))
    };
    may(uri.path().as_bytes())
        || may(uri.query().unwrap_or_default().as_bytes())
        || headers.get(CONTENT_TYPE).is_some_and(|value| may(value.as_bytes()))
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
    fn commits_by_an_api_are_pushes_too_and_reading_is_none() {
        let host = |name: &str| Host::Name(tls_intercept::Name::parse(name).unwrap());
        let github = host("api.github.com");
        let writes = |host: &Host, method: Method, path: &str| {
            is_github_write(host, &method, &path.parse().unwrap())
        };
        for (method, path) in [
            (Method::PUT, "/repos/o/r/contents/a/b.txt"),
            (Method::DELETE, "/repos/o/r/contents/a"),
            (Method::POST, "/repos/o/r/git/refs"),
            (Method::PATCH, "/repos/o/r/git/refs/heads/main"),
            (Method::POST, "/repos/o/r/git/commits"),
            (Method::POST, "/repos/o/r/git/trees"),
            (Method::POST, "/repos/o/r/merges"),
            (Method::PUT, "/repos/o/r/pulls/3/merge"),
            (Method::PUT, "/repos/o/r/pulls/3/update-branch"),
            (Method::POST, "/repos/o/r/branches/main/rename"),
            (Method::PUT, "//repos/o/r/%63ontents/x"),
            (Method::PUT, "/repositories/17/contents/x"),
            (Method::POST, "/graphql"),
        ] {
            assert!(writes(&github, method.clone(), path), "{method} {path}");
            assert!(!writes(&host("api.example.org"), method, path), "{path}");
        }
        for path in ["/repos/o/r/contents/a", "/repos/o/r/git/refs", "/graphql"] {
            assert!(!writes(&github, Method::GET, path), "{path}");
        }
        assert!(!writes(&github, Method::POST, "/repos/o/r/issues"));
        assert!(is_ssh_door(&host("ssh.github.com")) && !is_ssh_door(&github));
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
