//! What of a word is looked for: two of its groups, and its first bytes.

use super::commonness::Commonness;

/// Which places are looked at.
pub(super) const STEP: usize = 2;
pub(super) const GROUP: usize = 4;
/// One for each hash of three bytes; its bits are the fourth's. Few enough to stay near the processor.
pub(super) const ROWS: usize = 1 << 12;

/// A group of a word, in few bytes: all of them stay near the processor.
#[derive(Debug)]
pub(super) struct Needle {
    /// The word's first bytes in small letters.
    pub(super) head: u64,
    pub(super) row: u16,
    /// The word's number.
    pub(super) word: u16,
    /// Where in the word the group stands.
    pub(super) skip: u16,
    /// The word's length.
    pub(super) len: u16,
}

/// The two groups of a word that are rarest elsewhere; their bits are set.
pub(super) fn two_needles(
    word: &[u8],
    number: usize,
    common: &Commonness,
    rows: &mut [u32; ROWS],
) -> [Option<Needle>; STEP] {
    let small = word.to_ascii_lowercase();
    let mut head = [0; 8];
    head.iter_mut().zip(&small).for_each(|(byte, letter)| *byte = *letter);
    let groups = small.windows(GROUP + STEP - 1).enumerate();
    let two = |window: &[u8]| window.windows(GROUP).map(|group| common.of(group)).sum::<u32>();
    let first = groups.min_by_key(|(_, window)| two(window)).map_or(0, |(skip, _)| skip);
    let mut needle = |skip: usize| {
        let &[a, b, c] = small.get(skip..)?.first_chunk()?;
        // A word of four bytes may have any byte behind it.
        let last = small.get(skip + GROUP - 1);
        let row = row(u32::from_le_bytes([a, b, c, 0]));
        rows[usize::from(row)] |= last.map_or(u32::MAX, |&last| 1_u32.wrapping_shl(last.into()));
        Some(Needle {
            head: u64::from_le_bytes(head),
            row,
            word: u16::try_from(number).ok()?,
            skip: u16::try_from(skip).ok()?,
            len: u16::try_from(word.len()).ok()?,
        })
    };
    [needle(first), needle(first + 1)]
}

/// Of the three lowest bytes: the highest is multiplied out of all that is kept.
#[inline]
pub(super) const fn row(group: u32) -> u16 {
    (group.wrapping_mul(0xc2b2_ae35 << 8) >> 20) as u16
}
