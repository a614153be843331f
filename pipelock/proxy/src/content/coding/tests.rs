//! Each coding undone in any pieces; what is not known, not whole or too much is refused.

use super::*;
use flate2::{Compression, write::ZlibEncoder};
use http::HeaderValue;

const TEXT: &str = "a body that repeats itself, a body that repeats itself, a body";
/// [`TEXT`] by the reference programs: `zstd -c`, with checksum.
const ZSTD: &str = "28b52ffd0458150100e06120626f64792074686174207265706561747320697473656c662c200100bc339da45714a1";

fn undone(coding: Coding, bytes: &[u8], piece: usize) -> Result<Vec<u8>, Undecodable> {
    let mut decoder = coding.decoder().unwrap();
    let mut out = Vec::new();
    for part in bytes.chunks(piece) {
        decoder.push(part, |decoded| {
            out.extend_from_slice(decoded);
            Ok::<_, Undecodable>(())
        })?;
    }
    out.extend(decoder.finish()?);
    Ok(out)
}

fn named(value: &'static str) -> Result<Coding, Undecodable> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(value));
    Coding::of(&headers)
}

#[test]
fn codings_are_read_from_the_head() {
    assert_eq!(Coding::of(&HeaderMap::new()), Ok(Coding::Identity));
    assert_eq!(named("identity, GZIP"), Ok(Coding::Gzip));
    assert_eq!(named("br"), Ok(Coding::Brotli));
    for value in ["compress", "gzip, br", "aes128gcm", "gzip;q=1"] {
        assert_eq!(named(value), Err(Undecodable::Unknown), "{value}");
    }
}

#[test]
fn deflate_is_zlibs() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(TEXT.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    for piece in [1, 3, 1000] {
        assert_eq!(undone(Coding::Deflate, &bytes, piece).unwrap(), TEXT.as_bytes());
    }
    let mut more = bytes.clone();
    more.extend_from_slice(b"behind the end");
    assert_eq!(undone(Coding::Deflate, &more, 1000), Err(Undecodable::Broken));
}

/// Text as brotli, by hand: one part that is not compressed, and an empty last one (RFC 7932, 9.2).
fn brotli(text: &str) -> Vec<u8> {
    let head = (u32::try_from(text.len()).unwrap() - 1) << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], text.as_bytes(), &[3]].concat()
}

#[test]
fn brotli_and_zstd_come_out_in_any_pieces() {
    let digits: Vec<u8> =
        ZSTD.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    let zstd: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let twice = [zstd.clone(), zstd.clone()].concat();
    for piece in [1, 5, 1000] {
        assert_eq!(undone(Coding::Brotli, &brotli(TEXT), piece).unwrap(), TEXT.as_bytes());
        assert_eq!(undone(Coding::Zstd, &zstd, piece).unwrap(), TEXT.as_bytes());
        assert_eq!(undone(Coding::Zstd, &twice, piece).unwrap(), TEXT.repeat(2).as_bytes());
    }
    for bytes in [&zstd[..zstd.len() - 5], &b"no zstd, whatever it says"[..]] {
        assert_eq!(undone(Coding::Zstd, bytes, 3), Err(Undecodable::Broken));
    }
    assert_eq!(undone(Coding::Brotli, &brotli(TEXT)[..20], 3), Err(Undecodable::Broken));
}
