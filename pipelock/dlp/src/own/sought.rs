//! The search for values by their rolling hash, wherever they stand in a word.

use super::sums::Sums;
use super::{add, words};

/// What is searched for, the shortest first.
#[derive(Clone, Debug)]
pub(super) struct Sought {
    base: u64,
    lanes: Vec<Lane>,
}

/// One value.
#[derive(Clone, Copy, Debug)]
struct Lane {
    number: usize,
    len: usize,
    rolling: u64,
    /// The base to the power of its length: what leaves the window takes it along.
    power: u64,
}

impl Sought {
    /// Of numbers, lengths and hashes.
    pub(super) fn new(base: u64, all: impl Iterator<Item = (usize, usize, u64)>) -> Self {
        let lane = |(number, len, rolling): (usize, usize, u64)| {
            let power = (0..len).fold(1_u64, |power, _| power.wrapping_mul(base));
            Lane { number, len, rolling, power }
        };
        let mut lanes: Vec<Lane> = all.map(lane).collect();
        lanes.sort_by_key(|lane| lane.len);
        Self { base, lanes }
    }

    /// Calls `see` with the number of each value whose hash a window has that begins before `until`,
    /// where, and the window. So many bytes are looked at together, at least twice the longest value.
    pub(super) fn each<const N: usize>(
        &self,
        text: &[u8],
        until: usize,
        see: &mut impl FnMut(usize, usize, &[u8]),
    ) {
        let [Some(shortest), Some(longest)] =
            [self.lanes.first(), self.lanes.last()].map(|lane| lane.map(|lane| lane.len))
        else {
            return;
        };
        let text = text.get(..until.saturating_add(longest)).unwrap_or(text);
        // Made where there is a word to look into, which most short texts have not.
        let mut sums = None;
        words::each(text, until, shortest, |word| {
            let sums = sums.get_or_insert_with(Sums::<N>::new);
            // Windows that begin in one piece end in it.
            let step = Sums::<N>::ROOM - longest;
            for from in (word.start..word.end.min(until)).step_by(step) {
                let end = word.end.min(from + Sums::<N>::ROOM);
                let piece = text.get(from..end).unwrap_or_default();
                if piece.len() < shortest {
                    return;
                }
                sums.take_in(piece, self.base);
                let most = step.min(until - from);
                for lane in &self.lanes {
                    lane.each(self.base, piece, most, sums, |at, value| {
                        see(lane.number, from + at, value);
                    });
                }
            }
        });
    }
}

impl Lane {
    /// Calls `see` with each of the first so many places of a piece where a window has its hash.
    fn each<const N: usize>(
        &self,
        base: u64,
        piece: &[u8],
        most: usize,
        sums: &Sums<N>,
        mut see: impl FnMut(usize, &[u8]),
    ) {
        let Some(last) = piece.len().checked_sub(self.len) else { return };
        let mut known = None;
        sums.each(most.min(last + 1), (self.len, self.power, self.rolling), |at| {
            let hash = self.hash(base, piece, at, known);
            known = Some((at, hash));
            if hash == self.rolling {
                see(at, piece.get(at..at + self.len).unwrap_or_default());
            }
        });
    }

    /// The whole hash of a window. Where one is known shortly before, it rolls on from there, so that a
    /// text whose every window seems to be a value takes no more than a step for each byte.
    fn hash(&self, base: u64, piece: &[u8], at: usize, known: Option<(usize, u64)>) -> u64 {
        let bytes = |from: usize, to: usize| piece.get(from..to).unwrap_or_default().iter();
        match known.filter(|&(before, _)| at - before < self.len) {
            Some((before, hash)) => {
                let gone = bytes(before, at);
                gone.zip(bytes(before + self.len, at + self.len)).fold(
                    hash,
                    |hash, (&gone, &come)| {
                        let gone = (u64::from(gone) + 1).wrapping_mul(self.power);
                        add(hash, base, come).wrapping_sub(gone)
                    },
                )
            }
            None => bytes(at, at + self.len).fold(0, |hash, &byte| add(hash, base, byte)),
        }
    }
}
