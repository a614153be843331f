//! Secrets that are known by their fingerprints alone: nobody who searches for them holds them.
//!
//! A rolling hash over whole values nominates, HMAC-SHA-256 under a key of the bottle decides. No
//! part of a value is ever hashed alone, so the fingerprint of a long value gives nothing away.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

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
        if !(LEAST..=MOST).contains(&value.len()) || !value.iter().all(|&byte| is_word(byte)) {
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
    /// Each length that occurs, and the base to its power: what leaves the window takes it along.
    lengths: Vec<(usize, u64)>,
}

impl Own {
    pub fn new(key: Key, fingerprints: Vec<Fingerprint>) -> Self {
        let base = key.base();
        let mut lengths: Vec<_> = fingerprints.iter().map(|known| known.len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let power = |len: usize| (0..len).fold(1_u64, |power, _| power.wrapping_mul(base));
        let lengths = lengths.into_iter().map(|len| (len, power(len))).collect();
        Self { key, fingerprints, lengths }
    }

    /// Calls `see` with the number of each secret in the text, where it begins, and its length.
    pub(crate) fn each(&self, text: &[u8], mut see: impl FnMut(usize, usize, usize)) {
        let Some(&(shortest, _)) = self.lengths.first() else { return };
        let mut start = 0;
        for word in text.split(|&byte| !is_word(byte)) {
            if word.len() >= shortest {
                for &(len, power) in &self.lengths {
                    self.in_word(word, len, power, &mut |number, at| see(number, start + at, len));
                }
            }
            start += word.len() + 1;
        }
    }

    fn in_word(&self, word: &[u8], len: usize, power: u64, see: &mut dyn FnMut(usize, usize)) {
        let base = self.key.base();
        let mut hash = 0_u64;
        for (at, &byte) in word.iter().enumerate() {
            hash = add(hash, base, byte);
            let Some(start) = (at + 1).checked_sub(len) else { continue };
            if let Some(&gone) = start.checked_sub(1).and_then(|gone| word.get(gone)) {
                hash = hash.wrapping_sub((u64::from(gone) + 1).wrapping_mul(power));
            }
            for (number, known) in self.fingerprints.iter().enumerate() {
                if known.len == len && known.rolling == hash && self.decides(word, start, known) {
                    see(number, start);
                }
            }
        }
    }

    fn decides(&self, word: &[u8], start: usize, known: &Fingerprint) -> bool {
        let value = word.get(start..start + known.len).unwrap_or_default();
        self.key.mac(value).is_some_and(|mac| mac.verify_slice(&known.mac).is_ok())
    }
}

const fn add(hash: u64, base: u64, byte: u8) -> u64 {
    hash.wrapping_mul(base).wrapping_add(byte as u64 + 1)
}

/// What a secret is made of: visible ASCII, but for what always ends a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'<>`\\".contains(&byte)
}

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
