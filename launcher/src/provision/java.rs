//! A trust store as a JVM reads it: PEM is nothing to it.
//!
//! The JKS format, whose last twenty bytes are a checksum that is looked at only by who gives a
//! password. None is given: there is no secret in it, and the mount is read-only.

use anyhow::Context as _;

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// The tag of an entry that holds a certificate alone.
const TRUSTED: u32 = 2;
/// When an entry was added, in milliseconds: of no meaning here, and the same every time.
const ADDED: u64 = 0;
const CHECKSUM: [u8; 20] = [0; 20];

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates of a PEM text as a trust store.
pub(super) fn trust_store(pem: &str) -> anyhow::Result<Vec<u8>> {
    let certificates = certificates(pem)?;
    let mut out = Vec::with_capacity(pem.len());
    let count = u32::try_from(certificates.len())?;
    for word in [MAGIC, VERSION, count] {
        out.extend(word.to_be_bytes());
    }
    for (nth, certificate) in certificates.iter().enumerate() {
        out.extend(TRUSTED.to_be_bytes());
        text(&mut out, &format!("root-{nth}"))?;
        out.extend(ADDED.to_be_bytes());
        text(&mut out, "X.509")?;
        out.extend(u32::try_from(certificate.len())?.to_be_bytes());
        out.extend(certificate);
    }
    out.extend(CHECKSUM);
    Ok(out)
}

fn text(out: &mut Vec<u8>, text: &str) -> anyhow::Result<()> {
    out.extend(u16::try_from(text.len())?.to_be_bytes());
    out.extend(text.as_bytes());
    Ok(())
}

/// The certificates in DER. What stands between them is passed over.
fn certificates(pem: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let blocks = pem.split(BEGIN).skip(1);
    let certificate = |block: &str| {
        let (body, _) = block.split_once(END).context("a certificate has no end")?;
        decoded(body).context("a certificate is not base64")
    };
    blocks.map(certificate).collect()
}

/// Base64 with line breaks; `None` for anything else.
fn decoded(body: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in body.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = ((bits << 6) | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_the_standard_gives_as_examples() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v\nYmFy", "foobar")] {
            assert_eq!(decoded(text).unwrap(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(decoded("Zm9v!"), None);
    }

    #[test]
    fn holds_every_certificate_and_refuses_half_of_one() {
        let pem = format!("# a comment\n{BEGIN}\nZm9v\n{END}\n{BEGIN}\nYmFy\n{END}\n");
        let store = trust_store(&pem).unwrap();
        assert_eq!(store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 2]);
        for name in [&b"root-0"[..], b"root-1", b"X.509", b"foo", b"bar"] {
            assert!(store.windows(name.len()).any(|window| window == name));
        }
        assert!(trust_store(&format!("{BEGIN}\nZm9v\n")).is_err());
        assert!(trust_store(&format!("{BEGIN}\n!\n{END}")).is_err());
    }
}
