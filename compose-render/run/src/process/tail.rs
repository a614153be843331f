//! Keeps a bounded part of what a program prints.

use crate::escape_controls;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

/// Enough of stderr to act on, and nothing a container could fill our memory with.
const TAIL_BYTES: usize = 16 << 10;
const TAIL_LINES: usize = 20;

/// Reads to the end and returns the last lines, with control characters escaped.
pub(super) fn last_lines(mut reader: impl Read) -> String {
    let mut kept = VecDeque::new();
    let mut chunk = [0; 8192];
    // A failed read ends it like the end of the stream: what was read is still worth showing.
    while let Ok(read @ 1..) = reader.read(&mut chunk) {
        kept.extend(chunk.iter().take(read));
        let over = kept.len().saturating_sub(TAIL_BYTES);
        kept.drain(..over);
    }
    let bytes: Vec<u8> = kept.into();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.trim().lines().collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    escape_controls(&lines.into_iter().skip(first).collect::<Vec<_>>().join("\n"))
}

/// Takes bytes up to a limit; one more and it refuses, which ends the program that writes them.
#[derive(Debug)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
    limit: u64,
    over: bool,
}

impl Bounded {
    pub(super) const fn new(limit: u64) -> Self {
        Self { bytes: Vec::new(), limit, over: false }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + bytes.len()) as u64 > self.limit {
            self.over = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
