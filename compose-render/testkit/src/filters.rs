//! What snapshots leave out: digests, addresses of one run, the state folder. Never anything that
//! is security: capabilities, mounts, networks, users and names of variables stay.

/// The filters, to be given to `insta` as they are: pattern and replacement.
pub fn filters() -> Vec<(&'static str, &'static str)> {
    vec![
        (r"localhost/bottle/([a-z0-9-]+):[0-9a-f]{16}", "localhost/bottle/$1:[HASH]"),
        (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
        (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
        (r"/tmp/[^/\s\x22]+/", "[TMP]/"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
    ]
}
