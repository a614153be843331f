//! Data in the labels of a host's name, where a wildcard lets an agent choose them.

/// A label shorter than this carries too little to be worth anything.
const LABEL: usize = 20;
/// How many bits the labels left of the allowed domain may carry together.
const BITS: f64 = 200.0;

/// Whether the labels that a wildcard left open carry data: one is a code, or all carry too much.
pub(crate) fn carry_data(name: &str, domain: &str) -> bool {
    let Some(open) = name.strip_suffix(domain).and_then(|open| open.strip_suffix('.')) else {
        return false;
    };
    open.split('.').any(is_code) || bits(open) > BITS
}

/// Hexadecimal or base32, by its alphabet and by how often letters and digits take turns.
fn is_code(label: &str) -> bool {
    let bytes = label.as_bytes();
    let hex = bytes.iter().all(u8::is_ascii_hexdigit);
    let base32 = bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
    let turns = bytes
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count();
    bytes.len() >= LABEL && (hex || base32) && turns >= 4
}

/// Shannon's entropy of the text, times its length.
fn bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in text.as_bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let all = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let each = counts.iter().filter(|&&count| count > 0).map(|&count| f64::from(count));
    -each.map(|count| count * (count / all).log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_codes_are_seen_and_names_are_not() {
        for name in [
            "mfzwizltorxxa2lkn5zhk3tu5q.wild.org",
            "9f86d081884c7d659a2feaa0c55ad015.wild.org",
            "a.9f86d081884c7d659a2f.wild.org",
            "kqwxzvbhjmplrtyngfdscaoeiu-qzxwvkjhgyptrbnmfdlsaceoiu.xqzjkvbpygfwmculdrhsnioate.wild.org",
        ] {
            assert!(carry_data(name, "wild.org"), "{name}");
        }
        for name in [
            "wild.org",
            "www.wild.org",
            "objects-origin.wild.org",
            "productionresultssa12.blob.wild.org",
            "d111111abcdef8.wild.org",
            "my-app-git-feature-login-my-team.wild.org",
            "ec2-203-0-113-25.compute-1.wild.org",
        ] {
            assert!(!carry_data(name, "wild.org"), "{name} {}", bits(name));
        }
    }
}
