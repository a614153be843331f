//! Values drawn from a format.

use sha2::{Digest as _, Sha256};

/// Numbers that look drawn and are the same every time for one seed.
pub(crate) struct Drawn(u64);

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Drawn {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.below(256)).unwrap_or_default()).collect()
    }

    fn of(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }
}

/// A value of a format.
pub(crate) fn value(format: &str, drawn: &mut Drawn) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some((literal, after)) = rest.split_once('<') {
        out.push_str(literal);
        let (what, after) = after.split_once('>').unwrap_or((after, ""));
        part(what, drawn, &mut out);
        rest = after;
    }
    out + rest
}

fn part(what: &str, drawn: &mut Drawn, out: &mut String) {
    let (class, count) = what.split_once(':').unwrap_or((what, ""));
    match class {
        "uuid" => {
            let hex = |drawn: &mut Drawn, count| drawn.of(b"0123456789abcdef", count);
            let parts = [(8, ""), (4, ""), (3, "4"), (3, "a"), (12, "")];
            let parts = parts.map(|(count, before)| format!("{before}{}", hex(drawn, count)));
            out.push_str(&parts.join("-"));
        }
        "json" => {
            let half = number(count, drawn) / 2;
            let filler = drawn.of(BASE58, half);
            let json = format!(
                "{{\"iat\":{},\"k\":\"{filler}\"}}",
                1_700_000_000 + drawn.below(90_000_000)
            );
            out.push_str(base64(json.as_bytes()).trim_end_matches('='));
            out.push_str(&drawn.of(&BASE64[..62], half));
        }
        "jwt" => out.push_str(&jwt(drawn)),
        "discord" => {
            let id =
                format!("{}", 200_000_000_000_000_000 + drawn.below(900_000_000) * 1_000_000_000);
            let word = [BASE58, b"-_0OIl"].concat();
            let (time, sum) = (drawn.of(&word, 6), drawn.of(&word, 38));
            out.push_str(&[url_safe(id.as_bytes()), time, sum].join("."));
        }
        "wif" => {
            let compressed = drawn.below(2) == 1;
            let mut bytes = [vec![0x80], drawn.bytes(32)].concat();
            bytes.extend(compressed.then_some(1));
            out.push_str(&base58_check(&bytes));
        }
        "xprv" => {
            let version = [0x04, 0x88, 0xad, 0xe4];
            let key = [drawn.bytes(41), vec![0], drawn.bytes(32)].concat();
            out.push_str(&base58_check(&[&version[..], &key].concat()));
        }
        "card" => out.push_str(&card(drawn)),
        "iban" => out.push_str(&iban(drawn)),
        "seed" => out.push_str(&seed(drawn)),
        "seeds" => {
            let (list, count) = (seed_words(), number(count, drawn));
            let words = (0..count).map(|_| list[drawn.below(list.len())]);
            out.push_str(&words.collect::<Vec<_>>().join(" "));
        }
        "pem" => out.push_str(&pem(&format!("{count}PRIVATE KEY"), &der(drawn))),
        "openssh" => {
            let key = [b"openssh-key-v1\0".to_vec(), drawn.bytes(220)].concat();
            out.push_str(&pem("OPENSSH PRIVATE KEY", &key));
        }
        class => {
            let count = number(count, drawn);
            out.push_str(&drawn.of(&alphabet(class), count));
            // A password of this kind has one of each.
            if class == "P" {
                out.push_str("a7Q");
            }
        }
    }
}

fn number(count: &str, drawn: &mut Drawn) -> usize {
    let (least, most) = count.split_once('-').unwrap_or((count, count));
    let (least, most): (usize, usize) = (least.parse().unwrap_or(1), most.parse().unwrap_or(1));
    least + drawn.below(most - least + 1)
}

fn alphabet(class: &str) -> Vec<u8> {
    let letters = &BASE64[..62];
    match class {
        "a" => letters.to_vec(),
        "w" => [letters, b"-_"].concat(),
        "b" => BASE64.to_vec(),
        "h" => b"0123456789abcdef".to_vec(),
        "H" => b"0123456789ABCDEF".to_vec(),
        "d" => b"0123456789".to_vec(),
        "u" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".to_vec(),
        "l" => b"abcdefghijklmnopqrstuvwxyz0123456789".to_vec(),
        "s" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".to_vec(),
        "L" => letters[..52].to_vec(),
        "q" => b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_vec(),
        "x" => letters[26..52].to_vec(),
        "P" => [letters, b"!._~-,;(+="].concat(),
        // Nothing would be drawn of it, and the row would be missed.
        _ => b"?".to_vec(),
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = char::from(BASE64[bits >> (18 - 6 * at) & 63]);
            out.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

fn url_safe(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn jwt(drawn: &mut Drawn) -> String {
    let head = br#"{"alg":"RS256","typ":"JWT"}"#;
    let claims = format!(
        "{{\"sub\":\"{}\",\"iat\":{}}}",
        drawn.of(BASE58, 16),
        1_780_000_000 + drawn.below(90_000_000)
    );
    let sum = drawn.bytes(64);
    format!("{}.{}.{}", url_safe(head), url_safe(claims.as_bytes()), url_safe(&sum))
}

fn base58_check(bytes: &[u8]) -> String {
    let sum = Sha256::digest(Sha256::digest(bytes));
    let all = [bytes, &sum[..4]].concat();
    let mut digits: Vec<usize> = Vec::new();
    for byte in all {
        let mut carry = usize::from(byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|&digit| char::from(BASE58[digit])).collect()
}

fn card(drawn: &mut Drawn) -> String {
    let begins = ["4", "51", "55", "2221", "6011"];
    let mut digits = begins[drawn.below(begins.len())].to_owned();
    let more = drawn.of(b"0123456789", 15 - digits.len());
    digits.push_str(&more);
    let doubled = digits.bytes().enumerate().map(|(at, byte)| {
        let digit = usize::from(byte - b'0');
        if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    });
    let sum: usize = doubled.sum();
    digits.push(char::from(b"0987654321"[sum % 10]));
    let groups = digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group));
    groups.collect::<Vec<_>>().join([" ", "-"][drawn.below(2)])
}

fn iban(drawn: &mut Drawn) -> String {
    let account = drawn.of(b"0123456789", 18);
    // DE is 1314, and the two digits are those that leave a remainder of 1.
    let remainder = format!("{account}131400")
        .bytes()
        .fold(0_usize, |sum, byte| (sum * 10 + usize::from(byte - b'0')) % 97);
    let text = format!("DE{:02}{account}", 98 - remainder);
    if drawn.below(2) == 0 {
        return text;
    }
    let groups: Vec<String> = text
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    groups.join(" ")
}

fn seed_words() -> Vec<&'static str> {
    include_str!("../../../src/seed-words.txt").split_whitespace().collect()
}

fn seed(drawn: &mut Drawn) -> String {
    let list = seed_words();
    let len = [16, 20, 24, 28, 32][drawn.below(5)];
    let entropy = drawn.bytes(len);
    let bytes = [entropy.as_slice(), &Sha256::digest(&entropy)[..1]].concat();
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    let count = entropy.len() * 8 * 33 / 32 / 11;
    let word = |nth: usize| list[(0..11).fold(0, |number, at| number << 1 | bit(nth * 11 + at))];
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

/// What a key's outermost value looks like: a sequence of so many bytes.
fn der(drawn: &mut Drawn) -> Vec<u8> {
    let len = [48, 118, 138, 608, 1190, 1217][drawn.below(6)];
    let bytes = drawn.bytes(len);
    let head = match bytes.len() {
        len @ 0..=127 => vec![0x30, u8::try_from(len).unwrap_or_default()],
        len @ 128..=255 => vec![0x30, 0x81, u8::try_from(len).unwrap_or_default()],
        len => [&[0x30, 0x82][..], &u16::try_from(len).unwrap_or_default().to_be_bytes()].concat(),
    };
    [head, bytes].concat()
}

fn pem(kind: &str, bytes: &[u8]) -> String {
    let digits = base64(bytes);
    let lines: Vec<String> = digits
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}
