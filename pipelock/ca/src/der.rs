//! The little DER that is read back from a root of ours: its name and the end of its life.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;
/// `2.5.4.3`, the common name.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// What is read back of a root.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Root {
    pub(crate) common_name: String,
    pub(crate) not_after: OffsetDateTime,
}

/// Reads a root as [`crate::Authority::mint`] writes it; anything else is `None`.
pub(crate) fn root(certificate: &[u8]) -> Option<Root> {
    let (outer, _) = element(certificate, SEQUENCE)?;
    let (inner, _) = element(outer, SEQUENCE)?;
    let (_, rest) = element(inner, VERSION)?;
    let (_, rest) = element(rest, INTEGER)?;
    let (_, rest) = element(rest, SEQUENCE)?;
    let (issuer, rest) = element(rest, SEQUENCE)?;
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, rest) = element(validity, UTC_TIME)?;
    let (end, _) = element(rest, UTC_TIME)?;
    let (relative, others) = element(issuer, SET)?;
    let (attribute, _) = element(relative, SEQUENCE)?;
    let value = attribute.strip_prefix(COMMON_NAME)?;
    let name = value.get(2..)?;
    if !others.is_empty() || usize::from(*value.get(1)?) != name.len() {
        return None;
    }
    Some(Root { common_name: String::from_utf8(name.to_vec()).ok()?, not_after: utc_time(end)? })
}

/// The contents of the first element, which must have this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => {
            let (high, low) = (*rest.first()?, *rest.get(1)?);
            (usize::from(u16::from_be_bytes([high, low])), rest.get(2..)?)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

/// `YYMMDDHHMMSSZ`, in this century.
fn utc_time(text: &[u8]) -> Option<OffsetDateTime> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.len() == 12)?;
    let pair = |at: usize| {
        let two = std::str::from_utf8(digits.get(at..at + 2)?).ok()?;
        two.bytes().all(|b| b.is_ascii_digit()).then(|| two.parse::<u8>().ok()).flatten()
    };
    let month = Month::try_from(pair(2)?).ok()?;
    let date = Date::from_calendar_date(2000 + i32::from(pair(0)?), month, pair(4)?).ok()?;
    let time = Time::from_hms(pair(6)?, pair(8)?, pair(10)?).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}
