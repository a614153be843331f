//! Clean texts to scan: source code, a conversation in JSON, base64 of noise, of text and in lines, and
//! random bytes.

use std::path::Path;

const SIZE: usize = 4 * 1024 * 1024;

/// Every text and its name.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let source = source();
    let json = conversation(&source);
    let noise = noise();
    let of_noise = [b"{\"data\":\"".as_slice(), &base64(&noise), b"\"}"].concat();
    let lines = base64(&noise).chunks(76).flat_map(|line| [line, b"\n"].concat()).collect();
    // An upload in a conversation: an eighth of it a picture.
    let mixed = [&json[..SIZE / 8 * 7], &of_noise[..SIZE / 8]].concat();
    let of_text = base64(&source);
    vec![
        ("source", source),
        ("json", json),
        ("mixed", mixed),
        ("base64", of_noise),
        ("base64-lines", lines),
        ("base64-of-text", of_text),
        ("random", noise),
    ]
}

/// This workspace's own source, repeated.
fn source() -> Vec<u8> {
    let mut text = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tls-intercept/src");
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.extend(std::fs::read(path).unwrap_or_default());
            }
        }
    }
    assert!(!text.is_empty(), "no source to scan");
    text.iter().copied().cycle().take(SIZE).collect()
}

/// The text in the messages of a conversation, as a JSON string writes it.
fn conversation(source: &[u8]) -> Vec<u8> {
    let mut json = b"{\"model\":\"m\",\"messages\":[".to_vec();
    for message in source.chunks(4000) {
        json.extend_from_slice(b"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"");
        for &byte in message {
            match byte {
                b'\n' => json.extend_from_slice(b"\\n"),
                b'"' | b'\\' => json.extend_from_slice(&[b'\\', byte]),
                _ => json.push(byte),
            }
        }
        json.extend_from_slice(b"\"}]},");
    }
    json
}

fn noise() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(draw).flatten().take(SIZE).collect()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8; 3]| {
        let bits = three.iter().fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte));
        [18, 12, 6, 0].map(|shift| digits[bits >> shift & 63])
    };
    bytes.as_chunks::<3>().0.iter().flat_map(group).take(SIZE).collect()
}
