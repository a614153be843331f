//! Secrets that are known by their fingerprints alone: nobody who searches for them holds them.
//!
//! A rolling hash over whole values nominates, HMAC-SHA-256 under a key of the bottle decides. No
//! part of a value is ever hashed alone, so the fingerprint of a long value gives nothing away.

use std::ops::Range;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::bytes::Class;

/// Values shorter than this can be guessed from their fingerprint, and are not taken.
pub const LEAST: usize = 16;
/// And longer ones are not searched for: a stream does not hold back so much.
pub(crate) const MOST: usize = 4096;

/// The key under which a bottle's fingerprints are made.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, value: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(value);
        Some(mac)
    }

    /// The base of the rolling hash, odd and not to be guessed.
    fn base(&self) -> u64 {
        self.0.first_chunk().map_or(1, |first| u64::from_le_bytes(*first) | 1)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// By what a secret is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fingerprint {
    pub len: usize,
    pub rolling: u64,
    pub mac: [u8; 32],
}

impl Fingerprint {
    /// Of a value; nothing where it is too short or too long, or has no character of a word.
    pub fn of(key: &Key, value: &[u8]) -> Option<Self> {
        if !(LEAST..=MOST).contains(&value.len()) || !value.iter().all(|&byte| WORDS.has(byte)) {
            return None;
        }
        let base = key.base();
        let rolling = value.iter().fold(0, |hash, &byte| add(hash, base, byte));
        let mac = key.mac(value)?.finalize().into_bytes().into();
        Some(Self { len: value.len(), rolling, mac })
    }
}

/// Every secret of a bottle.
#[derive(Clone, Debug)]
pub struct Own {
    key: Key,
    fingerprints: Vec<Fingerprint>,
    /// What is searched for, the shortest first, so many at once.
    lanes: Vec<[Lane; LANES]>,
}

/// Rolling hashes that are computed side by side: each alone waits for its own multiplication.
const LANES: usize = 4;

/// One secret as it is searched for.
#[derive(Clone, Copy, Debug)]
struct Lane {
    number: usize,
    len: usize,
    rolling: u64,
    /// The base to the power of its length: what leaves the window takes it along.
    power: u64,
}

impl Own {
    pub fn new(key: Key, fingerprints: Vec<Fingerprint>) -> Self {
        let base = key.base();
        let lane = |(number, known): (usize, &Fingerprint)| {
            let power = (0..known.len).fold(1_u64, |power, _| power.wrapping_mul(base));
            Lane { number, len: known.len, rolling: known.rolling, power }
        };
        let mut all: Vec<Lane> = fingerprints.iter().enumerate().map(lane).collect();
        all.sort_unstable_by_key(|lane| lane.len);
        let lanes = all.chunks(LANES).filter_map(|some| {
            let last = some.last()?;
            Some(std::array::from_fn(|nth| *some.get(nth).unwrap_or(last)))
        });
        let lanes = lanes.collect();
        Self { key, fingerprints, lanes }
    }

    /// Calls `see` with the number of each secret that begins before `until`, where, and its length.
    pub(crate) fn each(&self, text: &[u8], until: usize, mut see: impl FnMut(usize, usize, usize)) {
        each_word(text, until, |word| {
            for lanes in &self.lanes {
                let longest = lanes[LANES - 1].len;
                let end = word.end.min(until.saturating_add(longest));
                let bytes = text.get(word.start..end).unwrap_or_default();
                self.in_word(bytes, lanes, &mut |secret, at, len| {
                    see(secret, word.start + at, len);
                });
            }
        });
    }

    fn in_word(
        &self,
        word: &[u8],
        lanes: &[Lane; LANES],
        see: &mut dyn FnMut(usize, usize, usize),
    ) {
        let base = self.key.base();
        let mut decide = |lane: &Lane, at: usize, hash: u64| {
            if hash == lane.rolling && self.decides(word, at, lane.number) {
                see(lane.number, at, lane.len);
            }
        };
        if word.len() < lanes[0].len {
            return;
        }
        // The hash of what stands at the beginning; a lane that is longer than the word rests.
        let mut hashes = lanes.each_ref().map(|lane| {
            let first = word.get(..lane.len).unwrap_or_default();
            first.iter().fold(0, |hash, &byte| add(hash, base, byte))
        });
        let rests: [&[u8]; LANES] =
            lanes.each_ref().map(|lane| word.get(lane.len..).unwrap_or_default());
        for (lane, &hash) in lanes.iter().zip(&hashes).filter(|(lane, _)| lane.len <= word.len()) {
            decide(lane, 0, hash);
        }
        let [one, two, three, four] = rests;
        let together = one.iter().zip(two).zip(three).zip(four).zip(word).enumerate();
        let mut done = 0;
        for (at, ((((&one, &two), &three), &four), &gone)) in together {
            let gone = u64::from(gone) + 1;
            let roll = |hash: u64, come: u8, lane: &Lane| {
                let change = (u64::from(come) + 1).wrapping_sub(gone.wrapping_mul(lane.power));
                hash.wrapping_mul(base).wrapping_add(change)
            };
            let come = [one, two, three, four];
            hashes = std::array::from_fn(|nth| roll(hashes[nth], come[nth], &lanes[nth]));
            let seen = |nth: usize| hashes[nth] == lanes[nth].rolling;
            if seen(0) || seen(1) || seen(2) || seen(3) {
                lanes.iter().zip(&hashes).for_each(|(lane, &hash)| decide(lane, at + 1, hash));
            }
            done = at + 1;
        }
        // The shorter ones go on alone.
        for (lane, (mut hash, rest)) in lanes.iter().zip(hashes.into_iter().zip(rests)) {
            for (at, &come) in rest.iter().enumerate().skip(done) {
                let gone = word.get(at).map_or(0, |&gone| u64::from(gone) + 1);
                hash = add(hash, base, come).wrapping_sub(gone.wrapping_mul(lane.power));
                decide(lane, at + 1, hash);
            }
        }
    }

    fn decides(&self, word: &[u8], start: usize, number: usize) -> bool {
        let Some(known) = self.fingerprints.get(number) else { return false };
        let value = word.get(start..start + known.len).unwrap_or_default();
        self.key.mac(value).is_some_and(|mac| mac.verify_slice(&known.mac).is_ok())
    }
}

/// Calls `see` with every word in which a secret could stand that begins before `until`. A word of
/// [`LEAST`] bytes covers eight from one such place on.
fn each_word(text: &[u8], until: usize, mut see: impl FnMut(Range<usize>)) {
    const STEP: usize = 8;
    let mut at = 0;
    while let Some(sample) = text.get(at..).and_then(|rest| rest.first_chunk::<STEP>()) {
        if !sample.iter().rev().all(|&byte| WORDS.has(byte)) {
            at += STEP;
            continue;
        }
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
        let (start, end) = (at - WORDS.last(head), at + WORDS.first(tail));
        if start >= until {
            return;
        }
        if end - start >= LEAST {
            see(start..end);
        }
        at = (end / STEP + 1) * STEP;
    }
}

const fn add(hash: u64, base: u64, byte: u8) -> u64 {
    hash.wrapping_mul(base).wrapping_add(byte as u64 + 1)
}

/// What a secret is made of: visible ASCII, but for what always ends a word.
static WORDS: Class = Class::new(true, b"!#$%&()*+,-./:;=?@[]^_{|}~");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;

    const VALUE: &str = "internal-service-7fkq0Zr3vXw1";

    fn rules() -> Rules {
        let key = Key::new([7; 32]);
        let other = Fingerprint::of(&key, b"another-value-of-24-chrs").unwrap();
        let known = Fingerprint::of(&key, VALUE.as_bytes()).unwrap();
        Rules::with(Own::new(key, vec![other, known]))
    }

    fn found(text: &[u8]) -> Vec<(Option<usize>, &'static str)> {
        rules().scan(text).into_iter().map(|finding| (finding.secret, finding.encoding)).collect()
    }

    #[test]
    fn a_known_secret_is_found_plainly_and_encoded_wherever_it_stands() {
        for text in [VALUE.to_owned(), format!("a={VALUE}&b"), format!("{{\"x\":\"zz{VALUE}zz\"}}")]
        {
            assert_eq!(found(text.as_bytes()), [(Some(1), "plain")], "{text}");
        }
        // base64("user:internal-service-7fkq0Zr3vXw1")
        let basic = "Basic dXNlcjppbnRlcm5hbC1zZXJ2aWNlLTdma3EwWnIzdlh3MQ==";
        assert_eq!(found(basic.as_bytes()), [(Some(1), "base64")]);
        let hex = "696e7465726e616c2d736572766963652d37666b71305a7233765877 31".replace(' ', "");
        assert_eq!(found(hex.as_bytes()), [(Some(1), "hex")]);
    }

    #[test]
    fn g4_a_rolling_hash_alone_decides_nothing() {
        let key = Key::new([7; 32]);
        let known = Fingerprint::of(&key, VALUE.as_bytes()).unwrap();
        let forged = Fingerprint { mac: [0; 32], ..known };
        let rules = Rules::with(Own::new(key, vec![forged]));
        assert_eq!(rules.scan(format!("a={VALUE}&b").as_bytes()), []);
    }

    #[test]
    fn many_secrets_of_many_lengths_are_all_found() {
        let values: Vec<String> =
            (0..10).map(|nth| format!("{}{VALUE}{nth}", "x".repeat(nth * 7))).collect();
        let key = Key::new([7; 32]);
        let known = values.iter().map(|value| Fingerprint::of(&key, value.as_bytes()).unwrap());
        let rules = Rules::with(Own::new(key.clone(), known.collect()));
        for (nth, value) in values.iter().enumerate() {
            for before in 0..9 {
                let text = format!("{}{value}~{}", "~".repeat(before), "y".repeat(nth));
                let found = rules.scan(text.as_bytes());
                let own = found.iter().filter_map(|finding| finding.secret).collect::<Vec<_>>();
                assert_eq!(own, [nth], "{text}");
            }
        }
    }

    #[test]
    fn what_only_resembles_it_is_not_found() {
        assert_eq!(found(&VALUE.as_bytes()[1..]), []);
        assert_eq!(found(VALUE.to_uppercase().as_bytes()), []);
        assert_eq!(found(VALUE.replace('7', "8").as_bytes()), []);
    }

    #[test]
    fn another_key_makes_another_fingerprint_and_short_values_make_none() {
        let [one, two] = [Key::new([1; 32]), Key::new([2; 32])];
        assert_ne!(
            Fingerprint::of(&one, VALUE.as_bytes()),
            Fingerprint::of(&two, VALUE.as_bytes())
        );
        assert_eq!(Fingerprint::of(&one, b"fifteen-bytes-x"), None);
        assert!(!format!("{one:?}").contains('1'));
    }
}
