//! Text is seen in digits wherever it begins, and as it would be bit by bit.

use super::packed::{WRITTEN, are_visible, is_written};
use super::*;
use crate::drawn::Drawn;

fn written(digits: &Digits, bytes: &[u8], alphabet: &[u8]) -> Vec<u8> {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let value =
        |nth: usize| (0..digits.bits).fold(0, |value, at| value << 1 | bit(nth * digits.bits + at));
    let count = (bytes.len() * 8).div_ceil(digits.bits);
    (0..count).map(|nth| alphabet[usize::from(value(nth))]).collect()
}

#[test]
fn what_is_written_is_one_class_in_one_step_and_one_by_one() {
    assert!((0..=u8::MAX).all(|byte| WRITTEN.has(byte) == is_written(byte)));
    for byte in 0..=u8::MAX {
        for at in 0..6 {
            let mut six = *b"\0\0a ~0A!";
            six[2 + at] = byte;
            let visible = (b' '..=b'~').contains(&byte);
            assert_eq!(are_visible(u64::from_be_bytes(six)), visible, "{six:?}");
        }
    }
}

#[test]
fn text_is_seen_wherever_it_begins_in_digits_of_any_kind() {
    const TEXT: &[u8] = b"fifteen letters";
    let all: [(&Digits, &[u8]); 3] = [
        (&BASE64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        (&BASE32, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        (&HEX, b"0123456789ABCDEF"),
    ];
    for (digits, alphabet) in all {
        for before in 0..40 {
            let noise = vec![0xf5; before];
            let bytes = [&noise, TEXT, &[0xff; 9]].concat();
            for shift in 0..8 {
                let some = vec![alphabet[alphabet.len() - 1]; shift];
                let row = [some, written(digits, &bytes, alphabet)].concat();
                let mut seen = Vec::new();
                digits.each_text(&row, row.len(), |bit, text| seen.push((bit, text)));
                let bit = shift * digits.bits + before * 8;
                assert!(seen.contains(&(bit, TEXT.to_vec())), "{before} {shift} {seen:?}");
            }
        }
    }
}

/// Every text in a row of digits, read bit by bit.
fn slowly(digits: &Digits, row: &[u8], until: usize) -> Vec<(usize, Vec<u8>)> {
    let bits: Vec<u8> = row
        .iter()
        .flat_map(|&digit| {
            let value = u8::try_from(digits.four[3][usize::from(digit)]).unwrap();
            (0..digits.bits).rev().map(move |at| value >> at & 1)
        })
        .collect();
    let byte = |bit: usize| {
        (bit..bit + 8).fold(0, |byte, at| byte << 1 | bits.get(at).copied().unwrap_or_default())
    };
    let is_in_text = |bit: usize| bit + 8 <= bits.len() && is_written(byte(bit));
    let (mut seen, mut done) = (Vec::new(), [0; 8]);
    for at in (0..until.min(row.len())).step_by(digits.step) {
        let apart = [4, 1, 2][digits.bits - 4];
        for begins in (0..8).step_by(apart) {
            let bit = at * digits.bits + begins;
            let six = (0..6).fold(0, |six, nth| six << 8 | u64::from(byte(bit + 8 * nth)));
            if done[begins] > bit || !is_like(six) {
                continue;
            }
            let mut first = bit;
            while first >= done[begins] + 8 && is_in_text(first - 8) {
                first -= 8;
            }
            let places = (first..).step_by(8).take_while(|&bit| is_in_text(bit));
            let text: Vec<u8> = places.map(byte).collect();
            done[begins] = first + 8 * text.len().max(1);
            if text.len() >= LEAST_TEXT {
                seen.push((first, text));
            }
        }
    }
    seen
}

#[test]
fn what_is_packed_shows_the_same_texts_as_bit_by_bit() {
    let mut drawn = Drawn(0x2545_f491_4f6c_dd1d);
    let mut draw = |end| drawn.below(end);
    let all: [(&Digits, &[u8]); 3] = [
        (&BASE64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        (&BASE32, b"abcdefghijklmnopqrstuvwxyz234567"),
        (&HEX, b"0123456789abcdef"),
    ];
    let mut texts = 0;
    for nth in 0..1500 {
        let (digits, alphabet) = all[nth % 3];
        let mut row = Vec::new();
        for _ in 0..draw(5) {
            row.extend((0..draw(20)).map(|_| alphabet[draw(alphabet.len())]));
            let text: Vec<u8> = (0..draw(40)).map(|_| b"some text \n\0~\x7f"[draw(14)]).collect();
            row.extend(written(digits, &text, alphabet));
        }
        let until = draw(row.len() + 10);
        let mut seen = Vec::new();
        digits.each_text(&row, until, |bit, text| seen.push((bit, text)));
        assert_eq!(seen, slowly(digits, &row, until), "{}", row.escape_ascii());
        texts += seen.len();
    }
    assert!(texts > 500, "{texts}");
}
