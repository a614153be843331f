//! Values that are no secrets because everybody has them: keys and tokens of test data and
//! documentation in public packages, known by a hash.

use sha2::{Digest as _, Sha256};

use crate::bytes::RUN;

mod hashes;

/// Whether a value is one of them, however it is broken into lines.
pub(crate) fn is_known(value: &[u8]) -> bool {
    hashes::HASHES.binary_search(&hash(value)).is_ok()
}

/// Of the first digits of a value; where it is a key in armour, of those within.
pub(crate) fn hash(value: &[u8]) -> u64 {
    const MOST: usize = 400;
    let (mut digits, mut escape) = (Vec::with_capacity(MOST), false);
    for &byte in value {
        match byte {
            b'\\' => escape = true,
            b'n' | b'r' if escape => escape = false,
            // The dashes of an armour end what counts.
            b'-' if digits.len() > MOST / 4 => break,
            byte if RUN.has(byte) && byte != b'-' && byte != b'=' => {
                digits.push(byte);
                escape = false;
            }
            _ => escape = false,
        }
        if digits.len() == MOST {
            break;
        }
    }
    let digest: [u8; 32] = Sha256::digest(&digits).into();
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_hash_however_it_is_broken_into_lines() {
        let key = |line: &str| format!("-----BEGIN PRIVATE KEY-----{line}MC4CAQAw{line}BQYDK2Vw");
        assert_eq!(hash(key("\n").as_bytes()), hash(key("\\r\\n").as_bytes()));
        assert_eq!(hash(key("\n").as_bytes()), hash(key("\n    ").as_bytes()));
        assert_ne!(hash(key("\n").as_bytes()), hash(key("x").as_bytes()));
        assert!(hashes::HASHES.is_sorted());
    }
}
