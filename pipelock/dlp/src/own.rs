//! Secrets that are known by their fingerprints alone: nobody who searches for them holds them.
//!
//! A rolling hash over whole values nominates, HMAC-SHA-256 under a key of the bottle decides. No
//! part of a value is ever hashed alone, so the fingerprint of a long value gives nothing away.

mod sought;
mod sums;
mod words;

use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use self::sought::Sought;

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
        if !(LEAST..=MOST).contains(&value.len())
            || !value.iter().all(|&byte| words::is_of_word(byte))
        {
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
    /// Those of usual lengths and the longer ones: room is kept for what is asked for alone.
    usual: Sought,
    long: Sought,
}

/// The longest of a usual length.
const USUAL: usize = 256;

impl Own {
    pub fn new(key: Key, fingerprints: Vec<Fingerprint>) -> Self {
        let base = key.base();
        let of = |lengths: RangeInclusive<usize>| {
            let all = fingerprints.iter().enumerate();
            let some = all.filter(|(_, known)| lengths.contains(&known.len));
            Sought::new(base, some.map(|(number, known)| (number, known.len, known.rolling)))
        };
        let (usual, long) = (of(LEAST..=USUAL), of(USUAL + 1..=MOST));
        Self { key, fingerprints, usual, long }
    }

    /// Calls `see` with the number of each secret that begins before `until`, where, and its length.
    pub(crate) fn each(&self, text: &[u8], until: usize, mut see: impl FnMut(usize, usize, usize)) {
        let mut decide = |number: usize, at: usize, value: &[u8]| {
            if self.decides(number, value) {
                see(number, at, value.len());
            }
        };
        self.usual.each::<{ 4 * USUAL }>(text, until, &mut decide);
        self.long.each::<{ 2 * MOST }>(text, until, &mut decide);
    }

    fn decides(&self, number: usize, value: &[u8]) -> bool {
        let Some(known) = self.fingerprints.get(number) else { return false };
        self.key.mac(value).is_some_and(|mac| mac.verify_slice(&known.mac).is_ok())
    }
}

const fn add(hash: u64, base: u64, byte: u8) -> u64 {
    hash.wrapping_mul(base).wrapping_add(byte as u64 + 1)
}

#[cfg(test)]
mod tests;
