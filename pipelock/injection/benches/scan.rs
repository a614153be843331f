//! How fast a clean text is looked through: a listing in JSON, English prose, and source code.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use injection::{Content, Stream, sniff};
use std::hint::black_box;

mod texts;

/// The size of what comes at once, as from a socket.
const CHUNK: usize = 64 * 1024;

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    for (name, text) in texts::all() {
        let json = sniff(&text) == Content::Text { json: true };
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut stream = Stream::new(json);
                let found: usize = text
                    .chunks(CHUNK)
                    .map(|chunk| stream.push(black_box(chunk), false).len())
                    .sum();
                found + stream.push(&[], true).len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
