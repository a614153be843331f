//! What the targets share: bytes that libFuzzer made up, taken apart.

/// Made-up bytes, of which the first decide how the rest is used.
#[derive(Debug)]
pub struct Made<'a>(&'a [u8]);

impl<'a> Made<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A number of the next byte; 0 where there is none.
    pub fn number(&mut self) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(first)
    }

    /// All that is left.
    pub const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A text in pieces of sizes that a few numbers decide, none of them empty.
pub fn pieces<'a>(text: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let (mut rest, mut nth) = (text, 0);
    while !rest.is_empty() {
        let size = sizes.get(nth % sizes.len().max(1)).map_or(1, |size| size + 1);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        (rest, nth) = (after, nth + 1);
    }
    pieces
}
