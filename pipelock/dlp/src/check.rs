//! Checks on a matched value that no expression can do: checksums, encodings, placeholders.

use sha2::{Digest as _, Sha256};

use crate::digits::BASE64;
use crate::rewrite;

/// Whether the digits pass Luhn's sum (ISO/IEC 7812-1) and are not all alike.
pub(crate) fn luhn(value: &[u8]) -> bool {
    // Every tenth number of a table meets the sum: one written in a row alone proves nothing.
    let grouped = value.iter().any(|byte| !byte.is_ascii_digit());
    let digits = digits_of(value);
    grouped && (15..=16).contains(&digits.len()) && luhn_sum(&digits)
}

/// The same of digits in a row, of whatever length a card's number has.
pub(crate) fn luhn_alone(value: &[u8]) -> bool {
    let digits = digits_of(value);
    (12..=19).contains(&digits.len()) && luhn_sum(&digits)
}

/// Whether nine digits pass the sum of a routing number: 3, 7 and 1 times each in turn.
pub(crate) fn aba(value: &[u8]) -> bool {
    let digits = digits_of(value);
    let weighted = digits.iter().zip([3, 7, 1].iter().cycle());
    let sum: u32 = weighted.map(|(&digit, weight)| u32::from(digit) * weight).sum();
    digits.len() == 9 && sum > 0 && sum.is_multiple_of(10)
}

fn digits_of(value: &[u8]) -> Vec<u8> {
    value.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect()
}

fn luhn_sum(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| {
            let digit = u32::from(digit);
            if at.is_multiple_of(2) { digit } else { (digit * 2) / 10 + (digit * 2) % 10 }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != digits[0])
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

/// Whether a token's characters look drawn: the checksum that some carry is not asked for, since not
/// every program that makes such tokens puts it there.
pub(crate) fn token(value: &[u8]) -> bool {
    looks_random(value) && not_the_alphabet(value)
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

/// Whether the first part is a JSON object that names an algorithm (RFC 7515, 4.1.1).
pub(crate) fn jwt(value: &[u8]) -> bool {
    let head = value.split(|&b| b == b'.').next().unwrap_or_default();
    let json = BASE64.bytes(head);
    let claims = value.split(|&b| b == b'.').nth(1).unwrap_or_default();
    json.starts_with(b"{")
        && json.windows(5).any(|window| window == b"\"alg\"")
        && !is_example(&BASE64.bytes(claims))
}

/// Whether claims are those of documentation, or of a token that had its day (RFC 7519, 4.1.4).
fn is_example(claims: &[u8]) -> bool {
    /// No token that ended before 2025 opens anything.
    const OVER: u64 = 1_735_689_600;
    let find = |what: &[u8]| claims.windows(what.len()).position(|window| window == what);
    let ends = find(b"\"exp\":").and_then(|at| claims.get(at + 6..)).map(|rest| {
        let digits = rest
            .iter()
            .skip_while(|byte| **byte == b' ')
            .map_while(|byte| char::from(*byte).to_digit(10));
        digits.take(12).fold(0_u64, |number, digit| number * 10 + u64::from(digit))
    });
    ends.is_some_and(|ends| ends > 0 && ends < OVER)
        || [&b"\"ACME\""[..], b"http://example.com"].iter().any(|what| find(what).is_some())
}

/// Whether all three parts look drawn: the account, the time and the signature.
pub(crate) fn discord(value: &[u8]) -> bool {
    let sum = value.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let has = |is: fn(&u8) -> bool| sum.iter().any(is);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && token(value)
}

/// The password of a URL, from `://` to the `@`.
fn password(value: &[u8]) -> Option<&[u8]> {
    let at = value.iter().rposition(|&b| b == b'@')?;
    value.get(3..at)?.splitn(2, |&b| b == b':').nth(1)
}

/// What documentation writes instead of a password.
const NO_PASSWORD: [&[u8]; 13] = [
    b"pass",
    b"secret",
    b"changeme",
    b"example",
    b"hunter",
    b"your",
    b"opensesame",
    b"letmein",
    b"redacted",
    b"tiger",
    b"secre1",
    b"foobar",
    b"test",
];

/// Whether a URL's password is one that a person or a program would choose: letters and digits or
/// signs, and no word of documentation.
pub(crate) fn url_credential(value: &[u8]) -> bool {
    let Some(password) = password(value).map(rewrite::percent_decoded) else { return false };
    let has = |is: fn(&u8) -> bool| password.iter().any(is);
    let letters = has(u8::is_ascii_lowercase) || has(u8::is_ascii_uppercase);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    password.len() >= 8
        && (mixed || letters && has(u8::is_ascii_digit))
        && any_url_credential(value)
}

/// Whether a URL's password is any at all.
pub(crate) fn any_url_credential(value: &[u8]) -> bool {
    let Some(password) = password(value) else { return false };
    let lower = password.to_ascii_lowercase();
    // In a long one, such a word stands by chance.
    let says = |word: &[u8]| {
        word.len() * 3 >= password.len() && lower.windows(word.len()).any(|window| window == word)
    };
    !NO_PASSWORD.iter().copied().any(says) && not_placeholder(password)
}

/// Access keys of documentation end so.
pub(crate) fn not_an_example(value: &[u8]) -> bool {
    !value.windows(7).any(|window| window == b"EXAMPLE") && not_placeholder(value)
}

/// Before a Telegram token's colon stands the number of its bot.
pub(crate) fn of_a_bot(before: &[u8], _: &[u8]) -> bool {
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    (8..=10).contains(&digits)
}

/// Whether no row of letters or digits is that of the alphabet.
pub(crate) fn not_the_alphabet(value: &[u8]) -> bool {
    let next = |pair: &[u8]| matches!(pair, [a, b] if b.wrapping_sub(*a) == 1);
    let rows = value.windows(2).fold((0, 0), |(most, row), pair| {
        let row = if next(pair) { row + 1 } else { 0 };
        (row.max(most), row)
    });
    rows.0 < 9
}

/// Random digits hold nearly as many kinds as they are long.
pub(crate) fn looks_random(value: &[u8]) -> bool {
    distinct(value) >= value.len().min(40) * 2 / 5
}

/// A card's number is not one row of many numbers.
pub(crate) fn not_in_a_row(before: &[u8], after: &[u8]) -> bool {
    let (mut before, mut after) = (before.iter().rev(), after.iter());
    !another_number(&mut before) && !another_number(&mut after)
}

/// Whether white space or the like stands there, and then a digit.
fn another_number<'b>(bytes: &mut impl Iterator<Item = &'b u8>) -> bool {
    let between = |byte: &u8| matches!(byte, b' ' | b'-' | b'.' | b',' | b'\n' | b'\t');
    bytes.next().is_some_and(between)
        && bytes.find(|byte| **byte != b' ').is_some_and(u8::is_ascii_digit)
}

fn distinct(value: &[u8]) -> usize {
    value.iter().collect::<std::collections::BTreeSet<_>>().len()
}

/// Whether a private key in armour is whole or long enough to be one, and not cut short for the page.
pub(crate) fn private_key(value: &[u8]) -> bool {
    const BEGIN: &[u8] = b"KEY-----";
    const BEGIN_BLOCK: &[u8] = b"BLOCK-----";
    let find = |what: &[u8]| value.windows(what.len()).position(|window| window == what);
    let Some(begin) = find(BEGIN)
        .map(|at| at + BEGIN.len())
        .or_else(|| find(BEGIN_BLOCK).map(|at| at + BEGIN_BLOCK.len()))
    else {
        return false;
    };
    let body = value.get(begin..).unwrap_or_default();
    let end = body.windows(5).position(|window| window == b"-----");
    let digits = digits(body.get(..end.unwrap_or(body.len())).unwrap_or_default());
    if body.windows(2).any(|two| two == b"..") || distinct(&digits) < 12 {
        return false;
    }
    let bytes = BASE64.bytes(&digits);
    // The length that the outermost value says it has (X.690, 8.1.3).
    let whole = match bytes.as_slice() {
        [0x30, 0x82, high, low, rest @ ..] => {
            rest.len() == usize::from(*high) << 8 | usize::from(*low)
        }
        [0x30, 0x81, len, rest @ ..] | [0x30, len @ ..=0x7f, rest @ ..] => {
            rest.len() == usize::from(*len)
        }
        _ => false,
    };
    whole || digits.len() >= LONG_KEY || bytes.starts_with(b"openssh-key-v1\0")
}

/// So many digits are a key also where their form is another: encrypted, or of another kind.
const LONG_KEY: usize = 160;

/// The digits of a key's body: without line breaks, however they are written, and without the lines
/// that say how it is encrypted.
fn digits(body: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(body.len());
    let (mut line, mut escape) = (0, false);
    for &byte in body {
        match byte {
            b'\\' => (line, escape) = (digits.len(), true),
            b'\n' | b'\r' => line = digits.len(),
            b':' => digits.truncate(line),
            b'r' | b'n' if escape => escape = false,
            byte if crate::bytes::RUN.has(byte) && byte != b'=' => {
                digits.push(byte);
                escape = false;
            }
            _ => {}
        }
    }
    digits
}

/// Whether the value is more than one character repeated, or a marker of documentation.
pub(crate) fn not_placeholder(value: &[u8]) -> bool {
    let tail = value.get(value.len().saturating_sub(16)..).unwrap_or_default();
    distinct(tail) > 4 && !value.windows(4).any(|window| window == b"XXXX" || window == b"xxxx")
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
}
