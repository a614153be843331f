//! Where the bytes of a decoded text stand in the text it was decoded from.

/// The places of one decoded text's bytes.
pub(crate) enum Places<'a> {
    /// Digits of so many bits each, of which the decoded text begins in that bit.
    Digits { origin: Origin<'a>, bits: usize, first_bit: usize },
    /// The place of each byte, and the place behind the last.
    Each(Vec<usize>),
}

/// Where digits stand.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// One after the other from this place on.
    Row(usize),
    /// In lines: how many digits stand before each line, and where the line begins.
    Lines(&'a [(usize, usize)]),
}

impl Origin<'_> {
    fn digit(self, at: usize) -> usize {
        match self {
            Self::Row(start) => start + at,
            Self::Lines(lines) => {
                let nth = lines.partition_point(|&(before, _)| before <= at).saturating_sub(1);
                lines.get(nth).map_or(at, |&(before, start)| start + (at - before))
            }
        }
    }

    /// The same digits from the one at `skip` on.
    pub(crate) fn digits(self, skip: usize) -> impl Fn(usize) -> usize {
        move |at| self.digit(skip + at)
    }
}

impl Places<'_> {
    /// Where a byte begins.
    pub(crate) fn start(&self, at: usize) -> usize {
        match self {
            Self::Digits { origin, bits, first_bit } => origin.digit((first_bit + at * 8) / bits),
            Self::Each(places) => places.get(at).copied().unwrap_or_default(),
        }
    }

    /// Where what ends before this byte ends.
    pub(crate) fn end(&self, at: usize) -> usize {
        match self {
            Self::Digits { origin, bits, first_bit } => {
                let count = (first_bit + at * 8).div_ceil(*bits);
                count.checked_sub(1).map_or(0, |last| origin.digit(last) + 1)
            }
            Self::Each(places) => places.get(at).or(places.last()).copied().unwrap_or_default(),
        }
    }
}
