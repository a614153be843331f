//! How fast a clean text is scanned: source code, a conversation in JSON, base64, and random bytes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlp::{Rules, Stream};
use std::hint::black_box;
use std::path::Path;

/// The size of what comes at once, as from a socket.
const CHUNK: usize = 64 * 1024;
const SIZE: usize = 4 * 1024 * 1024;

fn scan(criterion: &mut Criterion) {
    let source = source();
    let json = conversation(&source);
    let noise = noise();
    let base64 = base64(&noise);
    let mut group = criterion.benchmark_group("scan");
    for (name, text) in
        [("source", &source), ("json", &json), ("base64", &base64), ("random", &noise)]
    {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut stream = Stream::new(Rules::builtin());
                let found: usize =
                    text.chunks(CHUNK).map(|chunk| stream.push(black_box(chunk)).len()).sum();
                found + stream.finish().len()
            });
        });
    }
    group.finish();
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
    let six = bytes.iter().map(|byte| digits[usize::from(byte & 63)]);
    let mut text = b"{\"data\":\"".to_vec();
    text.extend(six);
    text
}

criterion_group!(benches, scan);
criterion_main!(benches);
