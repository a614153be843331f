//! Checks on a matched value that no expression can do: checksums, encodings, placeholders.

use sha2::{Digest as _, Sha256};

use crate::digits::BASE64;

/// Whether the digits pass Luhn's sum (ISO/IEC 7812-1) and are not all alike.
pub(crate) fn luhn(value: &[u8]) -> bool {
    let digits: Vec<u8> = value.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| {
            let digit = u32::from(digit);
            if at.is_multiple_of(2) { digit } else { (digit * 2) / 10 + (digit * 2) % 10 }
        })
        .sum();
    // Every tenth number of a table meets the sum: one written in a row alone proves nothing.
    let grouped = value.iter().any(|byte| !byte.is_ascii_digit());
    grouped
        && (15..=16).contains(&digits.len())
        && sum.is_multiple_of(10)
        && digits.iter().any(|d| *d != digits[0])
}

/// Whether the account number's remainder is 1 (ISO 13616, ISO 7064 mod 97-10).
pub(crate) fn iban(value: &[u8]) -> bool {
    let text: Vec<u8> = value.iter().copied().filter(|b| *b != b' ').collect();
    let Some((head, rest)) = text.split_at_checked(4) else { return false };
    let remainder = rest.iter().chain(head).try_fold(0_u32, |sum, &b| match b {
        b'0'..=b'9' => Some((sum * 10 + u32::from(b - b'0')) % 97),
        b'A'..=b'Z' => Some((sum * 100 + u32::from(b - b'A') + 10) % 97),
        _ => None,
    });
    (15..=34).contains(&text.len()) && remainder == Some(1)
}

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Whether the value is `Base58Check`: its last four bytes are the double SHA-256 of the rest.
pub(crate) fn base58(value: &[u8]) -> bool {
    let mut bytes: Vec<u8> = Vec::new();
    for &c in value {
        let Some(mut carry) = BASE58.iter().position(|&b| b == c) else { return false };
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = low_byte(carry);
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, low_byte(carry));
            carry >>= 8;
        }
    }
    let zeros = value.iter().take_while(|&&b| b == b'1').count();
    bytes.splice(0..0, std::iter::repeat_n(0, zeros));
    let Some(at) = bytes.len().checked_sub(4) else { return false };
    let (payload, sum) = bytes.split_at(at);
    Sha256::digest(Sha256::digest(payload)).get(..4) == Some(sum)
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the last six characters are the CRC-32 of the thirty before them, in base 62: what the
/// issuer of these tokens puts there so that scanners can tell them from other words.
pub(crate) fn github(value: &[u8]) -> bool {
    let Some(body) = value.rsplit(|&b| b == b'_').next() else { return false };
    let Some((random, sum)) = body.split_at_checked(30) else { return false };
    let read = sum
        .iter()
        .try_fold(0_u64, |sum, c| Some(sum * 62 + BASE62.iter().position(|b| b == c)? as u64));
    read == Some(u64::from(crc32(random)))
}

/// A card number begins with the digits of an issuer.
pub(crate) fn of_card(text: &[u8]) -> bool {
    matches!(text, [b'2'..=b'6', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..])
}

/// An account number begins with a country's two letters and two digits.
pub(crate) fn of_account_number(word: &[u8]) -> bool {
    matches!(word, [a, b, c, d, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase()
        && c.is_ascii_digit() && d.is_ascii_digit())
}

/// An encoded account: base64 of digits.
pub(crate) fn of_account(word: &[u8]) -> bool {
    matches!(word[0], b'M' | b'N' | b'O')
}

/// A wallet's import format.
pub(crate) fn of_wallet(word: &[u8]) -> bool {
    matches!(word[0], b'5' | b'K' | b'L')
}

/// CRC-32 (ISO 3309), bit by bit: the values are short.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (!(crc & 1)).wrapping_add(1))
        })
    })
}

/// Whether the first part is a JSON object that names an algorithm (RFC 7515, 4.1.1).
pub(crate) fn jwt(value: &[u8]) -> bool {
    let head = value.split(|&b| b == b'.').next().unwrap_or_default();
    let json = BASE64.bytes(head);
    json.starts_with(b"{") && json.windows(5).any(|window| window == b"\"alg\"")
}

/// Whether the first part decodes to a number: the account the token belongs to.
pub(crate) fn discord(value: &[u8]) -> bool {
    let head = value.split(|&b| b == b'.').next().unwrap_or_default();
    let id = BASE64.bytes(head);
    (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit)
}

/// Whether a URL's password is more than a word of documentation.
pub(crate) fn url_credential(value: &[u8]) -> bool {
    let Some(at) = value.iter().rposition(|&b| b == b'@') else { return false };
    let user_info = value.get(3..at).unwrap_or_default();
    let password = user_info.splitn(2, |&b| b == b':').nth(1).unwrap_or_default();
    let lower = password.to_ascii_lowercase();
    let example = [
        &b"password"[..],
        b"passwd",
        b"secret",
        b"changeme",
        b"example",
        b"hunter2",
        b"your",
        b"pass",
        b"opensesame",
        b"letmein",
    ];
    !example.iter().any(|word| lower.starts_with(word)) && not_placeholder(password)
}

/// Whether the value is more than one character repeated, or a marker of documentation.
pub(crate) fn not_placeholder(value: &[u8]) -> bool {
    let tail = value.get(value.len().saturating_sub(16)..).unwrap_or_default();
    let distinct = tail.iter().collect::<std::collections::BTreeSet<_>>().len();
    distinct > 4 && !value.windows(4).any(|window| window == b"XXXX" || window == b"xxxx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_knows_the_issuers_test_numbers() {
        assert!(luhn(b"4111 1111 1111 1111") && luhn(b"3782-8224-6310-005"));
        assert!(!luhn(b"4111 1111 1111 1112") && !luhn(b"0000 0000 0000 0000"));
        assert!(!luhn(b"4111111111111111"));
    }

    #[test]
    fn iban_knows_the_registrys_examples() {
        assert!(iban(b"DE89 3704 0044 0532 0130 00") && iban(b"GB82WEST12345698765432"));
        assert!(!iban(b"DE89370400440532013001"));
    }

    #[test]
    fn base58_knows_a_documented_key() {
        assert!(base58(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"));
        assert!(!base58(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK"));
    }

    #[test]
    fn crc32_is_the_published_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
