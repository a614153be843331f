//! The search for own secrets against one that hashes every window as it is.

use super::*;
use crate::drawn::Drawn;
use crate::{Rules, Stream};

const VALUE: &str = "internal-service-7fkq0Zr3vXw1";

fn rules() -> Rules {
    let key = Key::new([7; 32]);
    let other = Fingerprint::of(&key, b"another-value-of-24-chrs").unwrap();
    let known = Fingerprint::of(&key, VALUE.as_bytes()).unwrap();
    Rules::with(Own::new(key, vec![other, known]))
}

fn found(text: &[u8]) -> Vec<(Option<usize>, &'static str)> {
    rules().scan(text).into_iter().map(|finding| (finding.secret, finding.encoding)).collect()
}

#[test]
fn a_known_secret_is_found_plainly_and_encoded_wherever_it_stands() {
    for text in [VALUE.to_owned(), format!("a={VALUE}&b"), format!("{{\"x\":\"zz{VALUE}zz\"}}")] {
        assert_eq!(found(text.as_bytes()), [(Some(1), "plain")], "{text}");
    }
    // base64("user:internal-service-7fkq0Zr3vXw1")
    let basic = "Basic dXNlcjppbnRlcm5hbC1zZXJ2aWNlLTdma3EwWnIzdlh3MQ==";
    assert_eq!(found(basic.as_bytes()), [(Some(1), "base64")]);
    let hex = "696e7465726e616c2d736572766963652d37666b71305a7233765877 31".replace(' ', "");
    assert_eq!(found(hex.as_bytes()), [(Some(1), "hex")]);
}

#[test]
fn g4_a_rolling_hash_alone_decides_nothing() {
    let key = Key::new([7; 32]);
    let known = Fingerprint::of(&key, VALUE.as_bytes()).unwrap();
    let forged = Fingerprint { mac: [0; 32], ..known };
    let rules = Rules::with(Own::new(key, vec![forged]));
    assert_eq!(rules.scan(format!("a={VALUE}&b").as_bytes()), []);
}

#[test]
fn many_secrets_of_many_lengths_are_all_found() {
    let values: Vec<String> =
        (0..10).map(|nth| format!("{}{VALUE}{nth}", "x".repeat(nth * 7))).collect();
    let key = Key::new([7; 32]);
    let known = values.iter().map(|value| Fingerprint::of(&key, value.as_bytes()).unwrap());
    let rules = Rules::with(Own::new(key.clone(), known.collect()));
    for (nth, value) in values.iter().enumerate() {
        for before in 0..9 {
            let text = format!("{}{value}~{}", "~".repeat(before), "y".repeat(nth));
            let found = rules.scan(text.as_bytes());
            let own = found.iter().filter_map(|finding| finding.secret).collect::<Vec<_>>();
            assert_eq!(own, [nth], "{text}");
        }
    }
}

#[test]
fn what_only_resembles_it_is_not_found() {
    assert_eq!(found(&VALUE.as_bytes()[1..]), []);
    assert_eq!(found(VALUE.to_uppercase().as_bytes()), []);
    assert_eq!(found(VALUE.replace('7', "8").as_bytes()), []);
}

#[test]
fn another_key_makes_another_fingerprint_and_short_values_make_none() {
    let [one, two] = [Key::new([1; 32]), Key::new([2; 32])];
    assert_ne!(Fingerprint::of(&one, VALUE.as_bytes()), Fingerprint::of(&two, VALUE.as_bytes()));
    assert_eq!(Fingerprint::of(&one, b"fifteen-bytes-x"), None);
    assert!(!format!("{one:?}").contains('1'));
}

impl Drawn {
    /// A word of that length.
    fn word(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| b"abAB01-./+=_"[self.below(12)]).collect()
    }
}

/// Values of all manner of lengths and a text with some of them, within words and on their own.
fn drawn(drawn: &mut Drawn) -> (Vec<Vec<u8>>, Vec<u8>) {
    const LENGTHS: [usize; 10] = [16, 17, 24, 40, 40, 64, 250, USUAL, USUAL + 1, MOST];
    let mut values: Vec<_> = LENGTHS.map(|len| drawn.word(len)).to_vec();
    // One within another, and one whose every window is the same.
    values.push(values[6][100..150].to_vec());
    values.push(vec![b'a'; 30]);
    let mut text = Vec::new();
    for _ in 0..12 {
        let longest = [4, 40, 300, 6000][drawn.below(4)];
        let len = drawn.below(longest);
        text.extend(drawn.word(len));
        match drawn.below(8) {
            0 => text.extend(std::iter::repeat_n(b'a', drawn.below(400))),
            1 => text.extend_from_slice(&[b'"', b' ', 0xc3][drawn.below(3)..][..1]),
            _ => {
                let value = &values[drawn.below(values.len())];
                // One in five lacks its end.
                text.extend_from_slice(&value[..value.len() - usize::from(drawn.below(5) == 0)]);
            }
        }
    }
    (values, text)
}

/// Every place where a value stands, the shortest first.
fn slowly(values: &[Vec<u8>], text: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut seen = Vec::new();
    for (number, value) in values.iter().enumerate() {
        let places = text.windows(value.len()).enumerate();
        let places = places.filter(|(_, window)| window[0] == value[0] && window == value);
        seen.extend(places.map(|(at, _)| (at, value.len(), number)));
    }
    seen.sort_unstable();
    seen
}

#[test]
fn secrets_are_found_many_windows_at_a_time_as_they_are_one_by_one() {
    let mut numbers = Drawn(0x2545_f491_4f6c_dd1d);
    for round in 0..24 {
        let (values, text) = drawn(&mut numbers);
        // With this base, which no bottle has, one window in some thousands has a value's hash.
        let key = Key::new([if round % 2 == 0 { 7 } else { 0 }; 32]);
        let known = values.iter().map(|value| Fingerprint::of(&key, value).unwrap());
        let own = Own::new(key.clone(), known.collect());
        let all = slowly(&values, &text);
        for until in [text.len(), text.len() / 2, text.len() / 3, 1, 0] {
            let mut seen = Vec::new();
            own.each(&text, until, |number, at, len| seen.push((at, len, number)));
            seen.sort_unstable();
            let expected = all.partition_point(|&(at, ..)| at < until);
            assert_eq!(seen, all[..expected], "{round} {until}");
        }
    }
}

#[test]
fn secrets_are_found_in_chunks_as_they_are_one_by_one() {
    let mut numbers = Drawn(0x9e37_79b9_7f4a_7c15);
    for _ in 0..8 {
        let (values, text) = drawn(&mut numbers);
        let key = Key::new([7; 32]);
        let known = values.iter().map(|value| Fingerprint::of(&key, value).unwrap());
        let rules = Rules::with(Own::new(key.clone(), known.collect()));
        let mut expected = slowly(&values, &text);
        // Of those that begin together, one is told.
        expected.dedup_by_key(|found| found.0);
        for longest in [50, 5000] {
            let mut stream = Stream::new(&rules);
            let (mut findings, mut rest) = (Vec::new(), text.as_slice());
            while !rest.is_empty() {
                let (chunk, behind) = rest.split_at(rest.len().min(1 + numbers.below(longest)));
                findings.extend(stream.push(chunk));
                rest = behind;
            }
            findings.extend(stream.finish());
            let own = findings.iter().filter(|found| found.encoding == "plain");
            let own = own.filter_map(|found| {
                Some((usize::try_from(found.offset).unwrap(), found.len, found.secret?))
            });
            let own: Vec<_> = own.collect();
            assert_eq!(own, expected);
        }
    }
}

#[test]
fn a_fingerprint_says_what_it_always_said() {
    let known = Fingerprint::of(&Key::new([7; 32]), VALUE.as_bytes()).unwrap();
    assert_eq!((known.len, known.rolling), (29, 0xa37d_83cc_bb07_463d));
}
