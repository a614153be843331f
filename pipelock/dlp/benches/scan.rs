//! How fast a clean text is scanned: source code, a conversation in JSON, base64, and random bytes; and with a
//! bottle's own secrets.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dlp::{Fingerprint, Key, Own, Rules, Stream};
use std::hint::black_box;

mod texts;

/// The size of what comes at once, as from a socket.
const CHUNK: usize = 64 * 1024;

/// What most bottles know: a token of a forge, one of those that say more, and a key of a provider.
const OWN: [usize; 3] = [40, 93, 108];

fn scan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    let own = with_own();
    for (name, text) in texts::all() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        for (name, rules) in [(name.to_owned(), Rules::builtin()), (format!("{name}-own"), &own)] {
            group.bench_function(name, |bencher| bencher.iter(|| found(rules, &text)));
        }
    }
    group.finish();
}

fn found(rules: &Rules, text: &[u8]) -> usize {
    let mut stream = Stream::new(rules);
    let found: usize = text.chunks(CHUNK).map(|chunk| stream.push(black_box(chunk)).len()).sum();
    found + stream.finish().len()
}

fn with_own() -> Rules {
    let key = Key::new([7; 32]);
    let value = |len| b"a-Token_of0Zr3vXw1".iter().copied().cycle().take(len).collect::<Vec<_>>();
    let known = OWN.iter().filter_map(|&len| Fingerprint::of(&key, &value(len))).collect();
    Rules::with(Own::new(key, known))
}

criterion_group!(benches, scan);
criterion_main!(benches);
