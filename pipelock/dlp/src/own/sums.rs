//! Rolling hashes of all windows of a text at once, to their last sixteen bits: those of a hash follow
//! from those of its parts alone, and a processor multiplies eight such numbers in one step.

/// So many bytes are taken in together.
const BLOCK: usize = 64;
/// The hash of a place follows from the one so many places before.
const BACK: usize = 8;
/// So many places are passed before one branch is taken.
const STEP: usize = 32;
type Step = [u16; STEP];

/// The hashes of what stands before each place. That of any window is the difference of two.
pub(super) struct Sums<const N: usize> {
    /// Nothing stands before the first place, which is the last of the first few.
    sums: [u16; N],
}

impl<const N: usize> Sums<N> {
    /// So many bytes fit in, with what is looked at behind them.
    pub(super) const ROOM: usize = (N - BACK - STEP) / BLOCK * BLOCK;

    pub(super) const fn new() -> Self {
        Self { sums: [0; N] }
    }

    /// Takes in a text, in place of the one before.
    pub(super) fn take_in(&mut self, text: &[u8], base: u64) {
        let one = short(base);
        let two = one.wrapping_mul(one);
        let four = two.wrapping_mul(two);
        let eight = four.wrapping_mul(four);
        // The last bytes of the block before, and the block. Nothing is zero, and no byte is.
        let mut bytes = [0; BACK + BLOCK + BACK];
        let mut last = [0_u16; BACK];
        let (_, rest) = self.sums.split_at_mut(BACK);
        for (block, sums) in text.chunks(BLOCK).zip(rest.as_chunks_mut::<BLOCK>().0) {
            let (_, behind) = bytes.split_at_mut(BACK);
            behind.iter_mut().zip(block).for_each(|(to, &byte)| *to = u16::from(byte) + 1);
            let rows = doubled(&doubled(&doubled(&bytes, 1, one), 2, two), 4, four);
            let (_, rows) = rows.split_at(1);
            for (row, sums) in rows.as_chunks::<BACK>().0.iter().zip(sums.as_chunks_mut::<BACK>().0)
            {
                last =
                    std::array::from_fn(|nth| last[nth].wrapping_mul(eight).wrapping_add(row[nth]));
                *sums = last;
            }
            bytes.copy_within(BLOCK..BLOCK + BACK, 0);
        }
    }

    /// Calls `see` with each of the first `count` places where a window of that length may have that
    /// hash; the power is the base's for the length.
    pub(super) fn each(
        &self,
        count: usize,
        (len, power, hash): (usize, u64, u64),
        mut see: impl FnMut(usize),
    ) {
        let (power, hash) = (short(power), short(hash));
        let from = |place: usize| self.sums.get(BACK - 1 + place..).unwrap_or_default();
        let [firsts, lasts] = [from(0), from(len)].map(|sums| sums.as_chunks().0);
        let firsts = firsts.get(..count.div_ceil(STEP)).unwrap_or(firsts);
        let mut next = 0;
        while let Some(step) = first_step((firsts, lasts), next, power, hash) {
            let at = step * STEP;
            let (Some(first), Some(last)) = (firsts.get(step), lasts.get(step)) else { return };
            let places =
                (0..STEP.min(count - at)).filter(|&nth| is_it(first, last, nth, power, hash));
            places.for_each(|nth| see(at + nth));
            next = step + 1;
        }
    }
}

/// The first step from one on with a window of that hash: a loop so short that all it needs stays in
/// registers.
#[inline(never)]
fn first_step(
    (firsts, lasts): (&[Step], &[Step]),
    from: usize,
    power: u16,
    hash: u16,
) -> Option<usize> {
    let [firsts_left, lasts_left] =
        [firsts, lasts].map(|steps| steps.get(from..).unwrap_or_default());
    let found = firsts_left.iter().zip(lasts_left).position(|(first, last)| {
        (0..STEP).fold(false, |any, nth| any | is_it(first, last, nth, power, hash))
    });
    found.map(|nth| from + nth)
}

#[inline]
const fn is_it(first: &Step, last: &Step, nth: usize, power: u16, hash: u16) -> bool {
    last[nth].wrapping_sub(first[nth].wrapping_mul(power)) == hash
}

/// The hashes of rows that are twice as long, from those of two that follow one another.
#[inline]
fn doubled<const N: usize>(rows: &[u16; N], len: usize, power: u16) -> [u16; N] {
    let mut longer = [0; N];
    let pairs = rows.iter().zip(rows.split_at(len).1);
    // The last few are of no use, and without them only whole steps are left.
    for (to, (first, second)) in longer.iter_mut().take(N - BACK).zip(pairs) {
        *to = first.wrapping_mul(power).wrapping_add(*second);
    }
    longer
}

/// The last sixteen bits.
const fn short(number: u64) -> u16 {
    (number & 0xffff) as u16
}
