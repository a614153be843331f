//! Server-sent events: what their `data` lines hold is one JSON text each event.

use super::scan::Scan;

const DATA: &[u8] = b"data:";

/// A stream of events, read in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    pub(crate) scan: Scan,
    line: Line,
    /// The last byte was a carriage return, whose line feed belongs to it.
    returned: bool,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    /// So many bytes of `data:` came.
    Begun(usize),
    Data,
    Other,
}

impl Default for Line {
    fn default() -> Self {
        Self::Begun(0)
    }
}

impl Events {
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
            let (piece, rest) = bytes.split_at(end);
            if !piece.is_empty() {
                self.returned = false;
                self.piece(piece);
            }
            bytes = match rest.split_first() {
                Some((&byte, rest)) => {
                    if !(byte == b'\n' && self.returned) {
                        self.end_line();
                    }
                    self.returned = byte == b'\r';
                    rest
                }
                None => rest,
            };
        }
    }

    fn piece(&mut self, mut piece: &[u8]) {
        while let (Line::Begun(so_far), Some((&byte, rest))) = (self.line, piece.split_first()) {
            self.line = match DATA.get(so_far) {
                Some(&expected) if expected == byte && so_far + 1 == DATA.len() => Line::Data,
                Some(&expected) if expected == byte => Line::Begun(so_far + 1),
                _ => Line::Other,
            };
            piece = rest;
        }
        if matches!(self.line, Line::Data) {
            self.scan.feed(piece);
        }
    }

    fn end_line(&mut self) {
        match self.line {
            // An empty line ends the event.
            Line::Begun(0) => self.scan.next_text(),
            Line::Data => self.scan.feed(b"\n"),
            Line::Begun(_) | Line::Other => {}
        }
        self.line = Line::Begun(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_counted_wherever_it_is_cut_and_however_its_lines_end() {
        let stream = "event: message_start\n\
            data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":100,\"output_tokens\":1}}}\n\n\
            : a comment\n\
            data: {\"delta\":{\"text\":\"data: {\\\"usage\\\":{\\\"output_tokens\\\":7777}}\"}}\n\n\
            data: [DONE\n\n\
            data: {\"type\":\"message_delta\",\ndata: \"usage\":{\"output_tokens\":20}}\n\n";
        for text in [stream.to_owned(), stream.replace('\n', "\r\n"), stream.replace('\n', "\r")] {
            for size in [1, 2, 3, 5, 64, text.len()] {
                let mut events = Events::default();
                text.as_bytes().chunks(size).for_each(|piece| events.feed(piece));
                let told = events.scan.told();
                assert_eq!((told.input(), told.output()), (100, 20), "pieces of {size}");
            }
        }
    }
}
