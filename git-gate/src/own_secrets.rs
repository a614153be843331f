//! The bottle's own secrets as git-gate knows them: by fingerprints, in a private file that goes with
//! the keys.

use dlp::{Fingerprint, Key, Own};

/// The file's name, below the folder of the keys.
pub const OWN_SECRETS: &str = "own-secrets";

/// The text of the file: the key of the fingerprints, then one fingerprint on each line. `None` where
/// no value is long enough to be known by one.
pub fn fingerprints<'a>(key: [u8; 32], values: impl Iterator<Item = &'a str>) -> Option<String> {
    let by = Key::new(key);
    let line = |value: &str| {
        let Fingerprint { len, rolling, mac } = Fingerprint::of(&by, value.as_bytes())?;
        Some(format!("{len} {rolling:016x} {}", hex(&mac)))
    };
    let mut lines: Vec<String> = values.filter_map(line).collect();
    lines.sort();
    lines.dedup();
    (!lines.is_empty()).then(|| format!("{}\n{}\n", hex(&key), lines.join("\n")))
}

/// Reads it again. `None` for a text that is not in its form.
pub fn read_fingerprints(text: &str) -> Option<Own> {
    let mut lines = text.lines();
    let key = bytes(lines.next()?)?;
    let fingerprints = lines.map(|line| {
        let mut words = line.split(' ');
        let (len, rolling) = (words.next()?.parse().ok()?, words.next()?);
        let rolling = u64::from_str_radix(rolling, 16).ok()?;
        Some(Fingerprint { len, rolling, mac: bytes(words.next()?)? })
    });
    Some(Own::new(Key::new(key), fingerprints.collect::<Option<_>>()?))
}

/// Bytes in hexadecimal digits, in small letters.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    rest.is_empty().then_some(bytes)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlp::Rules;

    #[test]
    fn what_is_written_finds_the_value_and_holds_it_not() {
        let value = "internal-service-7fkq0Zr3vXw1";
        let text = fingerprints([7; 32], [value, "short"].into_iter()).unwrap();
        assert!(!text.contains(value));
        let rules = Rules::with(read_fingerprints(&text).unwrap());
        assert_eq!(rules.scan(format!("a {value} b").as_bytes()).len(), 1);
        assert!(rules.scan(b"a internal-service-7fkq0Zr3vXw2 b").is_empty());
        assert!(fingerprints([7; 32], ["short"].into_iter()).is_none());
        for bad in ["", "zz", &text.replace(' ', "-")] {
            assert!(read_fingerprints(bad).is_none(), "{bad}");
        }
    }
}
