//! The list is the published one, and a word is found from any place.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::drawn::Drawn;

#[test]
fn letters_are_told_eight_at_a_time_as_they_are_one_by_one() {
    for byte in 0..=u8::MAX {
        for at in 0..8 {
            let mut bytes = *b"aZ z9{@A";
            bytes[at] = byte;
            let seen = letters(u64::from_le_bytes(bytes));
            for (nth, byte) in bytes.iter().enumerate() {
                assert_eq!(seen >> (8 * nth + 7) & 1 == 1, byte.is_ascii_alphabetic(), "{bytes:?}");
            }
        }
    }
}

#[test]
fn the_list_is_the_published_one_and_each_word_has_its_number() {
    let all: Vec<&str> = WORDS.split_ascii_whitespace().collect();
    assert_eq!(all.len(), 2048);
    let digest: [u8; 32] = Sha256::digest(format!("{}\n", all.join("\n"))).into();
    assert_eq!(digest[..4], [0x2f, 0x5e, 0xed, 0x53], "BIP-39's english.txt");
    let list = List::get();
    for (number, word) in all.iter().enumerate() {
        assert!((3..=LONGEST).contains(&word.len()));
        for text in [word.to_string(), word.to_ascii_uppercase(), format!("{word} and more")] {
            assert_eq!(list.word(text.as_bytes(), 0, 0).map(|word| word.number), Some(number));
        }
        assert!(list.word(format!("{word}qq").as_bytes(), 0, 0).is_none(), "{word}");
    }
}

#[test]
fn a_word_is_found_from_any_place_in_it_or_in_what_stands_before_it() {
    let list = List::get();
    for between in
        [" ", "\n", "\\n", "\\\\n", "\",\n        \"", "\\\",\\n    \\\"", "\r\n12. ", "+"]
    {
        let text = format!("abstract{between}nature{between}tornado");
        let text = text.as_bytes();
        let first = list.word(text, 0, 0).unwrap();
        let second = list.next(text, &first).unwrap();
        let third = list.next(text, &second).unwrap();
        assert_eq!((second.manner, third.end), (third.manner, text.len()), "{between:?}");
        let found = |at| list.word_at(text, at).map(|word| word.start);
        for at in 0..text.len() {
            let expected = [first, second, third].into_iter().find(|word| at < word.end);
            assert_eq!(found(at), expected.map(|word| word.start), "{between:?} {at}");
        }
        for (word, before) in [(second, first), (third, second)] {
            let found = list.before(text, word.start).unwrap();
            assert_eq!((found.start, found.number), (before.start, before.number), "{between:?}");
        }
    }
}

#[test]
fn what_may_not_stand_between_two_words_parts_them() {
    let list = List::get();
    for between in [". ", "/", "=", " a ", "é", "                 ", "</li><li>"] {
        let text = format!("abstract{between}nature");
        let first = list.word(text.as_bytes(), 0, 0).unwrap();
        assert!(list.next(text.as_bytes(), &first).is_none(), "{between:?}");
        let second = text.find("nature").unwrap();
        assert!(list.before(text.as_bytes(), second).is_none(), "{between:?}");
    }
}

#[test]
fn a_word_is_found_in_one_step_as_byte_by_byte() {
    let list = List::get();
    let parts =
        ["zoo", "abandon", " ", "\\n", "\\", "\"", "e", "a", "abstractly", "        ", "\u{e9}"];
    let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
    for _ in 0..2000 {
        let text: String = (0..9).map(|_| parts[drawn.below(parts.len())]).collect();
        for at in 0..text.len() {
            let place = |word: Option<Word>| word.map(|word| (word.start, word.end, word.number));
            let slowly = list.word_round(text.as_bytes(), at);
            let found = list.word_at(text.as_bytes(), at);
            let is_last = slowly.is_some_and(|word| list.next(text.as_bytes(), &word).is_none());
            assert!(place(found) == place(slowly) || is_last, "{text:?} {at}");
        }
    }
}
