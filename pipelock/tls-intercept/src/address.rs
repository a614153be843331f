//! IP addresses in every notation that some resolver or library takes for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a host text is, as far as addresses go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Notation {
    /// An address, in whatever notation.
    Address(IpAddr),
    /// Neither a name nor an address: it ends in a number, and no resolver agrees with another.
    Broken,
    /// No address.
    Other,
}

/// Reads `127.0.0.1`, `127.1`, `2130706433`, `0x7f.1`, `0177.0.0.1`; a text whose last label is a
/// number and that is none of these is broken, never a name.
pub(crate) fn v4(text: &str) -> Notation {
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut labels = text.split('.');
    if !labels.next_back().is_some_and(looks_numeric) {
        return Notation::Other;
    }
    let parts: Option<Vec<u64>> = text.split('.').map(number).collect();
    let address = parts.as_deref().and_then(|parts| {
        let (last, first) = parts.split_last()?;
        let room = 4_usize.checked_sub(first.len())?;
        let fits = room > 0 && first.iter().all(|part| *part <= 0xff) && *last < 1 << (8 * room);
        let high = || first.iter().enumerate().map(|(at, part)| part << (24 - 8 * at)).sum::<u64>();
        fits.then(|| u32::try_from(high() | last).ok()).flatten()
    });
    address.map_or(Notation::Broken, |bits| Notation::Address(Ipv4Addr::from_bits(bits).into()))
}

/// Reads what stands in brackets. Zones are refused: there is one link, and no name for it.
///
/// IPv4 in IPv6 (`::ffff:127.0.0.1`) is that IPv4 address, so that no check misses it.
pub(crate) fn v6(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())
}

/// A last label like this makes the whole text an address, or nothing.
fn looks_numeric(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hex.map_or_else(
        || !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()),
        |digits| digits.bytes().all(|b| b.is_ascii_hexdigit()),
    )
}

fn number(label: &str) -> Option<u64> {
    let (digits, radix) = if let Some(hex) = label.strip_prefix("0x").or(label.strip_prefix("0X")) {
        (hex, 16)
    } else if label.len() > 1 && label.starts_with('0') {
        (label, 8)
    } else {
        (label, 10)
    };
    // `from_str_radix` takes a sign.
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_recognises_every_odd_notation() {
        for text in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "0x7f000001",
            "017700000001",
            "127.0.0.1.",
            "0X7F.0.0.0x1",
        ] {
            assert_eq!(v4(text), Notation::Address([127, 0, 0, 1].into()), "{text}");
        }
        assert_eq!(v4("0"), Notation::Address([0, 0, 0, 0].into()));
        assert_eq!(v4("4294967295"), Notation::Address([255, 255, 255, 255].into()));
    }

    #[test]
    fn c1_what_ends_in_a_number_is_never_a_name() {
        for text in [
            "256.0.0.1",
            "1.2.3.4.5",
            "08.1",
            "4294967296",
            "a.1",
            "1.2.3.0x",
            "1..1",
            "0x1g.1",
            "99999999999999999999999",
            "7.01777777777777777777777.1",
        ] {
            assert_eq!(v4(text), Notation::Broken, "{text}");
        }
        for text in ["example.com", "1.example", "0x7f.example", "127.0.0.1.nip.io", "1a"] {
            assert_eq!(v4(text), Notation::Other, "{text}");
        }
    }

    #[test]
    fn c1_mapped_addresses_are_what_they_map() {
        let loopback: IpAddr = [127, 0, 0, 1].into();
        assert_eq!(v6("::ffff:127.0.0.1"), Some(loopback));
        assert_eq!(v6("::ffff:7f00:1"), Some(loopback));
        assert_eq!(v6("::1"), Some(Ipv6Addr::LOCALHOST.into()));
        for text in ["fe80::1%25eth0", "fe80::1%eth0", "::1::", "127.0.0.1", ""] {
            assert_eq!(v6(text), None, "{text}");
        }
    }
}
