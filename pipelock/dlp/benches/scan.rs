//! How fast a clean text is scanned: source code, a conversation in JSON, base64, and random bytes.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlp::{Rules, Stream};
use std::hint::black_box;

mod texts;

/// The size of what comes at once, as from a socket.
const CHUNK: usize = 64 * 1024;

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    for (name, text) in texts::all() {
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

criterion_group!(benches, scan);
criterion_main!(benches);
