//! P-256 keys as SEC1 (`EC PRIVATE KEY`), which upstream pipelock needs, and as PKCS#8, which ring
//! needs. Both are fixed layouts round the same 32 and 65 bytes, so a template says it all.

/// Before the private key in SEC1.
const SEC1_HEAD: &[u8] = &[0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
/// Between private and public key in SEC1: the curve, by name.
const SEC1_MIDDLE: &[u8] = &[
    0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42,
    0x00,
];
/// Before the private key in PKCS#8.
const PKCS8_HEAD: &[u8] = &[
    0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
    0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02,
    0x01, 0x01, 0x04, 0x20,
];
/// Between private and public key in PKCS#8.
const PKCS8_MIDDLE: &[u8] = &[0xa1, 0x44, 0x03, 0x42, 0x00];
const PRIVATE: usize = 32;
const PUBLIC: usize = 65;

/// SEC1 from ring's PKCS#8; `None` where it is no P-256 key in that layout.
pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Vec<u8>> {
    let (private, public) = split(der, PKCS8_HEAD, PKCS8_MIDDLE)?;
    Some([SEC1_HEAD, private, SEC1_MIDDLE, public].concat())
}

/// PKCS#8 from SEC1; `None` where it is no P-256 key in the layout we write.
pub(crate) fn to_pkcs8(der: &[u8]) -> Option<Vec<u8>> {
    let (private, public) = split(der, SEC1_HEAD, SEC1_MIDDLE)?;
    Some([PKCS8_HEAD, private, PKCS8_MIDDLE, public].concat())
}

fn split<'a>(der: &'a [u8], head: &[u8], middle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (private, rest) = der.strip_prefix(head)?.split_at_checked(PRIVATE)?;
    let public = rest.strip_prefix(middle)?;
    (public.len() == PUBLIC).then_some((private, public))
}
