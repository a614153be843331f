//! Numbers for tests that look drawn and are the same every time.

/// By xorshift, from a seed that is not 0.
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    /// The next 64 bits; the higher ones are the better ones.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below that.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() >> 33).unwrap() % end
    }
}
