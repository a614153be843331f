//! The windows of all needles, dealt out to buckets so that pairs of different ones seldom meet in one.

use super::{commonness, pair_of};

/// How many pairs of seven bits there are.
pub(super) const PAIRS: usize = 1 << 14;
const BUCKETS: usize = 16;

/// Four bytes in a row of a needle or of what may follow it.
pub(super) struct Window {
    pub(super) needle: usize,
    /// Where in the needle they begin.
    pub(super) skip: usize,
    /// What may stand in each of their places; the first two are of the needle itself.
    pub(super) places: [Vec<u8>; 4],
}

pub(super) struct Buckets {
    /// For each pair a bit for each bucket in which it is a first one, and in the upper half for each
    /// in which it is a second one.
    kinds: Box<[u32; PAIRS]>,
    /// Where the windows of each first pair begin; they end where it changes.
    heads: Box<[u16; PAIRS]>,
    /// The first pair, the needle, and where in it the pair stands.
    windows: Vec<(u16, usize, usize)>,
}

impl Buckets {
    pub(super) fn of(mut all: Vec<Window>) -> Self {
        #[expect(
            clippy::large_stack_arrays,
            reason = "96 KiB, once: a box's length stays known so"
        )]
        let (mut kinds, mut heads) = (Box::new([0; PAIRS]), Box::new([u16::MAX; PAIRS]));
        // What meets most is dealt out first.
        all.sort_by_cached_key(|window| std::cmp::Reverse(window.weights()));
        let mut weights = [(0_u64, 0_u64); BUCKETS];
        for window in &all {
            let [first, second] = window.weights();
            let cost = |bucket: usize| {
                let (firsts, seconds) = weights[bucket];
                let news = window.is_new(&kinds, bucket);
                let with = (firsts + first * news[0]) * (seconds + second * news[1]);
                with - firsts * seconds
            };
            let bucket = (0..BUCKETS).min_by_key(|&bucket| cost(bucket)).unwrap_or_default();
            let news = window.is_new(&kinds, bucket);
            weights[bucket].0 += first * news[0];
            weights[bucket].1 += second * news[1];
            for (half, bit) in [(0, bucket), (2, bucket + 16)] {
                for &one in &window.places[half] {
                    for &two in &window.places[half + 1] {
                        kinds[usize::from(pair_of([one, two]))] |= 1 << bit;
                    }
                }
            }
        }
        let mut windows: Vec<_> =
            all.iter().map(|window| (window.first(), window.needle, window.skip)).collect();
        windows.sort_unstable();
        for (number, &(pair, ..)) in windows.iter().enumerate().rev() {
            heads[usize::from(pair)] = u16::try_from(number).unwrap_or(u16::MAX);
        }
        Self { kinds, heads, windows }
    }

    #[inline]
    pub(super) fn kinds(&self, pair: u16) -> u32 {
        self.kinds[usize::from(pair) & (PAIRS - 1)]
    }

    /// The needles that have this first pair in a window, and where in them it stands.
    pub(super) fn alike(&self, pair: u16) -> impl Iterator<Item = (usize, usize)> {
        let head = usize::from(self.heads[usize::from(pair) & (PAIRS - 1)]);
        let windows = self.windows.get(head..).unwrap_or_default();
        let alike = windows.iter().take_while(move |&&(first, ..)| first == pair);
        alike.map(|&(_, needle, skip)| (needle, skip))
    }
}

impl Window {
    fn first(&self) -> u16 {
        let [one, two, ..] = &self.places;
        let byte = |place: &Vec<u8>| place.first().copied().unwrap_or_default();
        pair_of([byte(one), byte(two)])
    }

    /// How often its first pair is met, and its second one, roughly.
    fn weights(&self) -> [u64; 2] {
        let common = |place: &Vec<u8>| -> u64 {
            place.iter().map(|&byte| u64::from(commonness(byte))).sum()
        };
        let [a, b, c, d] = self.places.each_ref().map(common);
        [a * b, c * d]
    }

    /// Whether each half is new to a bucket, as 0 or 1: one of its pairs stands for all.
    fn is_new(&self, kinds: &[u32; PAIRS], bucket: usize) -> [u64; 2] {
        [(0, bucket), (2, bucket + 16)].map(|(half, bit)| {
            let last = |place: &Vec<u8>| place.last().copied().unwrap_or_default();
            let pair = pair_of([last(&self.places[half]), last(&self.places[half + 1])]);
            u64::from(kinds[usize::from(pair)] >> bit & 1 ^ 1)
        })
    }
}
