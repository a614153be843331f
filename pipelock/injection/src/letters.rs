//! One letter for every way of writing it.

/// What a character is in the plain form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Letter {
    /// This byte.
    Ascii(u8),
    /// This byte, where it stands beside letters of the Latin alphabet; itself elsewhere.
    LooksLike(u8),
    /// Nothing: it cannot be seen.
    Invisible,
    /// Nothing that can be seen, and yet it spells this byte to a machine.
    Tag(u8),
    /// Itself.
    Other,
}

/// Reads a character beyond ASCII.
pub(crate) fn read(c: char) -> Letter {
    use Letter::{Ascii, Invisible, LooksLike, Other, Tag};
    let code = u32::from(c);
    let low = |base: u32| u8::try_from(code - base).unwrap_or(0);
    match code {
        // Soft hyphen, joiners, marks of direction, variation selectors, fillers; marks over and
        // under letters.
        0xad
        | 0x61c
        | 0x115f
        | 0x1160
        | 0x17b4
        | 0x17b5
        | 0x180b..=0x180e
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xe0100..=0xe01ef
        | 0xe0000..=0xe001f
        | 0xe007f
        | 0x300..=0x36f
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff
        | 0xfe20..=0xfe2f => Invisible,
        0xe0020..=0xe007e => Tag(low(0xe0000)),
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000 => Ascii(b' '),
        0x201c..=0x201f | 0xab | 0xbb | 0x300c..=0x300f => Ascii(b'"'),
        0x2018..=0x201b | 0x2032 => Ascii(b'\''),
        0x2010..=0x2015 | 0x2212 => Ascii(b'-'),
        // Full width.
        0xff01..=0xff5e => Ascii(low(0xfee0).to_ascii_lowercase()),
        // Mathematical letters: 13 alphabets of 52.
        0x1d400..=0x1d6a3 => Ascii(alphabet((code - 0x1d400) % 52 % 26)),
        0x1d7ce..=0x1d7ff => Ascii(b'0' + u8::try_from((code - 0x1d7ce) % 10).unwrap_or(0)),
        // In circles, in squares, as signs of regions.
        0x24b6..=0x24e9 => Ascii(alphabet((code - 0x24b6) % 26)),
        0x249c..=0x24b5 => Ascii(alphabet(code - 0x249c)),
        0x1f110..=0x1f129 => Ascii(alphabet(code - 0x1f110)),
        0x1f130..=0x1f149 => Ascii(alphabet(code - 0x1f130)),
        0x1f150..=0x1f169 => Ascii(alphabet(code - 0x1f150)),
        0x1f170..=0x1f189 => Ascii(alphabet(code - 0x1f170)),
        _ => match ACCENTED.iter().chain(SMALL).find(|(group, _)| group.contains(c)) {
            Some(&(_, letter)) => Ascii(letter),
            None => match ALIKE.iter().find(|(group, _)| group.contains(c)) {
                Some(&(_, letter)) => LooksLike(letter),
                None => Other,
            },
        },
    }
}

fn alphabet(number: u32) -> u8 {
    b'a' + u8::try_from(number % 26).unwrap_or(0)
}

/// Letters with marks, as western languages have them.
const ACCENTED: &[(&str, u8)] = &[
    ("àáâãäåāăąǎÀÁÂÃÄÅĀĂĄ", b'a'),
    ("çćĉċčÇĆĈĊČ", b'c'),
    ("ďđĎĐ", b'd'),
    ("èéêëēĕėęěÈÉÊËĒĔĖĘĚ", b'e'),
    ("ĝğġģĜĞĠĢ", b'g'),
    ("ĥħĤĦ", b'h'),
    ("ìíîïĩīĭįıÌÍÎÏĨĪĬĮİ", b'i'),
    ("ĵĴ", b'j'),
    ("ķĶ", b'k'),
    ("ĺļľŀłĹĻĽĿŁ", b'l'),
    ("ñńņňÑŃŅŇ", b'n'),
    ("òóôõöøōŏőÒÓÔÕÖØŌŎŐ", b'o'),
    ("ŕŗřŔŖŘ", b'r'),
    ("śŝşšȘșŚŜŞŠſ", b's'),
    ("ţťŧțȚŢŤŦ", b't'),
    ("ùúûüũūŭůűųÙÚÛÜŨŪŬŮŰŲ", b'u'),
    ("ŵŴ", b'w'),
    ("ýÿŷÝŸŶ", b'y'),
    ("źżžŹŻŽ", b'z'),
];

/// Small capitals and letters set high or low.
const SMALL: &[(&str, u8)] = &[
    ("ᴀªᵃₐᴬ", b'a'),
    ("ʙᵇᴮ", b'b'),
    ("ᴄᶜ", b'c'),
    ("ᴅᵈᴰ", b'd'),
    ("ᴇᵉₑᴱ", b'e'),
    ("ꜰᶠ", b'f'),
    ("ɢᵍᴳ", b'g'),
    ("ʜʰₕᴴ", b'h'),
    ("ɪⁱᵢᴵ", b'i'),
    ("ᴊʲⱼᴶ", b'j'),
    ("ᴋᵏₖᴷ", b'k'),
    ("ʟˡₗᴸ", b'l'),
    ("ᴍᵐₘᴹ", b'm'),
    ("ɴⁿₙᴺ", b'n'),
    ("ᴏºᵒₒᴼ", b'o'),
    ("ᴘᵖₚᴾ", b'p'),
    ("ʀʳᵣᴿ", b'r'),
    ("ꜱˢₛ", b's'),
    ("ᴛᵗₜᵀ", b't'),
    ("ᴜᵘᵤᵁ", b'u'),
    ("ᴠᵛᵥⱽ", b'v'),
    ("ᴡʷᵂ", b'w'),
    ("ˣₓ", b'x'),
    ("ʏʸ", b'y'),
    ("ᴢᶻ", b'z'),
];

/// Letters of other alphabets that look like Latin ones.
const ALIKE: &[(&str, u8)] = &[
    ("аАαΑ", b'a'),
    ("ЬВвΒβ", b'b'),
    ("сСϲϹ", b'c'),
    ("ԁժ", b'd'),
    ("еЕёЁεΕє", b'e'),
    ("ԍ", b'g'),
    ("һнНΗ", b'h'),
    ("іІїЇιΙӀ", b'i'),
    ("јЈ", b'j'),
    ("кКκΚ", b'k'),
    ("ӏ", b'l'),
    ("мМΜ", b'm'),
    ("пПηΝ", b'n'),
    ("оОοΟσօ", b'o'),
    ("рРρΡ", b'p'),
    ("ԛ", b'q'),
    ("гГ", b'r'),
    ("ѕЅ", b's'),
    ("тТτΤ", b't'),
    ("υμս", b'u'),
    ("ѵν", b'v'),
    ("ѡωԝ", b'w'),
    ("хХχΧ", b'x'),
    ("уУүγΥ", b'y'),
    ("ΖzᏃ", b'z'),
];

/// Digits and signs that stand for letters inside of a word.
pub(crate) const fn leet(byte: u8) -> Option<u8> {
    match byte {
        b'0' => Some(b'o'),
        b'1' | b'!' => Some(b'i'),
        b'3' => Some(b'e'),
        b'4' | b'@' => Some(b'a'),
        b'5' | b'$' => Some(b's'),
        b'7' => Some(b't'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_for_every_way_of_writing_it() {
        for c in ['é', 'ｅ', '𝐞', '𝔢', 'ⓔ', 'ᴇ', 'ᵉ'] {
            assert_eq!(read(c), Letter::Ascii(b'e'), "{c}");
        }
        assert_eq!(read('е'), Letter::LooksLike(b'e'));
        assert_eq!(read('\u{200b}'), Letter::Invisible);
        assert_eq!(read('\u{301}'), Letter::Invisible);
        assert_eq!(read('\u{e0049}'), Letter::Tag(b'I'));
        assert_eq!(read('指'), Letter::Other);
    }
}
