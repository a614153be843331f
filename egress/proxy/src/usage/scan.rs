//! Finds what a model's answer says of its tokens in JSON that comes in pieces: no text is kept but
//! the last key, and what stands within a string is never taken for a number of the API's.

use memchr::memchr2;

/// No key that counts is longer.
const KEY_LIMIT: usize = 32;
/// `response.usage.output_tokens` is the deepest place that counts.
const LEVELS: usize = 3;

/// Numbers of tokens, as far as they were said. A later one replaces a smaller earlier one: streams
/// repeat their sums as they grow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Told([u64; FIELDS]);

const FIELDS: usize = 5;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Input,
    CacheWritten,
    CacheRead,
    Output,
    Thoughts,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Key {
    #[default]
    Other,
    /// An event's whole answer.
    Answer,
    Usage,
    Field(Field),
    /// Text that the model said.
    Said,
}

/// One JSON text, read byte by byte.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    told: Told,
    said: u64,
    depth: usize,
    /// Some answer with a list of answers: its brackets count for nothing.
    in_list: bool,
    path: [Key; LEVELS],
    key: Key,
    /// A value may begin here.
    value: bool,
    string: Option<Text>,
    held: Vec<u8>,
    number: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Text {
    escaped: bool,
    is_value: bool,
    too_long: bool,
}

impl Told {
    pub(crate) fn input(&self) -> u64 {
        let [input, written, read, ..] = self.0;
        input.saturating_add(written).saturating_add(read)
    }

    pub(crate) fn output(&self) -> u64 {
        let [.., output, thoughts] = self.0;
        output.saturating_add(thoughts)
    }

    fn take(&mut self, field: Field, value: u64) {
        if let Some(known) = self.0.get_mut(field as usize) {
            *known = value.max(*known);
        }
    }
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"usage" | b"usageMetadata" => Self::Usage,
            b"message" | b"response" => Self::Answer,
            b"input_tokens" | b"prompt_tokens" | b"promptTokenCount" => Self::Field(Field::Input),
            b"cache_creation_input_tokens" => Self::Field(Field::CacheWritten),
            b"cache_read_input_tokens" => Self::Field(Field::CacheRead),
            b"output_tokens" | b"completion_tokens" | b"candidatesTokenCount" => {
                Self::Field(Field::Output)
            }
            b"thoughtsTokenCount" => Self::Field(Field::Thoughts),
            b"text" | b"thinking" | b"partial_json" | b"delta" | b"content" | b"arguments"
            | b"data" | b"refusal" => Self::Said,
            _ => Self::Other,
        }
    }
}

impl Scan {
    /// What was said of tokens so far, in all texts.
    pub(crate) fn told(&self) -> Told {
        self.told
    }

    /// How many bytes of the model's own text came.
    pub(crate) fn said(&self) -> u64 {
        self.said
    }

    /// Another text begins. What was told stays.
    pub(crate) fn next_text(&mut self) {
        let held = std::mem::take(&mut self.held);
        *self = Self { told: self.told, said: self.said, held, ..Self::default() };
    }

    /// What was told of this text alone: another begins.
    pub(crate) fn finish_text(&mut self) -> Told {
        let told = std::mem::take(&mut self.told);
        self.next_text();
        told
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.string.is_some() {
                bytes = self.in_string(bytes);
            } else {
                self.outside(byte);
                bytes = rest;
            }
        }
    }

    /// Reads on within a string. Returns what comes after its piece.
    fn in_string<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(text) = &mut self.string else { return bytes };
        let plain = if text.escaped {
            text.escaped = false;
            1
        } else {
            memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len())
        };
        let (piece, rest) = bytes.split_at(plain.min(bytes.len()));
        if !text.is_value {
            let room = KEY_LIMIT.saturating_sub(self.held.len());
            text.too_long |= piece.len() > room;
            self.held.extend(piece.iter().take(room));
        } else if self.key == Key::Said {
            self.said = self.said.saturating_add(piece.len() as u64);
        }
        match rest.split_first() {
            Some((b'"', rest)) => {
                let whole = self.string.take().is_some_and(|text| !text.too_long);
                if !whole {
                    self.held.clear();
                }
                rest
            }
            Some((b'\\', rest)) => {
                text.escaped = true;
                // A key with an escape is none that counts.
                text.too_long = true;
                rest
            }
            _ => rest,
        }
    }

    fn outside(&mut self, byte: u8) {
        if byte.is_ascii_digit() && (self.value || self.number.is_some()) {
            let digit = u64::from(byte - b'0');
            let before = self.number.unwrap_or(0);
            self.number = Some(before.saturating_mul(10).saturating_add(digit));
            self.value = false;
            return;
        }
        if let Some(number) = self.number.take() {
            self.number(number);
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return,
            b'"' => {
                self.string = Some(Text { is_value: self.value, ..Text::default() });
                self.held.clear();
            }
            b':' => {
                self.key = Key::of(&self.held);
                self.held.clear();
                let level = self.depth.wrapping_sub(1);
                if let Some(place) = self.path.get_mut(level) {
                    *place = self.key;
                }
                self.value = true;
                return;
            }
            b'[' if self.depth == 0 && !self.in_list => self.in_list = true,
            b'{' | b'[' => {
                if let Some(place) = self.path.get_mut(self.depth) {
                    *place = Key::Other;
                }
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.value = false;
    }

    /// A number ended: it counts where it stands in the usage itself.
    fn number(&mut self, number: u64) {
        let ((2, [Key::Usage, Key::Field(field), _])
        | (3, [Key::Answer, Key::Usage, Key::Field(field)])) = (self.depth, self.path)
        else {
            return;
        };
        self.told.take(field, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> (u64, u64) {
        let mut first = None;
        for size in [1, 2, 3, 7, text.len()] {
            let mut scan = Scan::default();
            text.as_bytes().chunks(size).for_each(|piece| scan.feed(piece));
            let found = (scan.told().input(), scan.told().output());
            assert_eq!(*first.get_or_insert(found), found, "pieces of {size}");
            assert!(scan.held.len() <= KEY_LIMIT);
        }
        first.unwrap()
    }

    #[test]
    fn the_usage_of_each_api_is_found_wherever_it_is_cut() {
        for (text, expected) in [
            (
                r#"{"id":"x","usage":{"input_tokens":10,"cache_creation_input_tokens":2,
                "cache_read_input_tokens":3,"output_tokens":20}}"#,
                (15, 20),
            ),
            (
                r#"{"type":"message_start","message":{"content":[],"usage":{"input_tokens":7,"output_tokens":1}}}"#,
                (7, 1),
            ),
            (
                r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":5,"completion_tokens":6,
                "completion_tokens_details":{"reasoning_tokens":900}}}"#,
                (5, 6),
            ),
            (
                r#"{"type":"response.completed","response":{"usage":{"input_tokens":8,
                "input_tokens_details":{"cached_tokens":5},"output_tokens":9,"total_tokens":17}}}"#,
                (8, 9),
            ),
            (
                r#"[{"usageMetadata":{"promptTokenCount":1}},{"usageMetadata":{"promptTokenCount":1,
                "candidatesTokenCount":4,"thoughtsTokenCount":2}}]"#,
                (1, 6),
            ),
            (r#"{"usage":null,"x":5}"#, (0, 0)),
        ] {
            assert_eq!(scanned(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_model_or_an_agent_says_is_no_usage() {
        for text in [
            r#"{"content":[{"text":"\"usage\":{\"output_tokens\":999}"}]}"#,
            r#"{"content":[{"input":{"usage":{"output_tokens":999}}}]}"#,
            r#"{"input":{"usage":{"output_tokens":999}}}"#,
            r#"{"usage":{"details":{"output_tokens":999}}}"#,
            r#"{"usage":[{"output_tokens":999}]}"#,
            r#"{"usage":{"output_tokens":-999}}"#,
            r#"{"usage":{"output_tokens":"999"}}"#,
            r#"{"text":"\\","usage\"":{"output_tokens":999}}"#,
            r#"}}}]{"usage":["#,
        ] {
            assert_eq!(scanned(text), (0, 0), "{text}");
        }
        assert_eq!(scanned(r#"{"text":"\\\"","usage":{"output_tokens":9}}"#), (0, 9));
        assert_eq!(scanned(r#"{"usage":{"output_tokens":99999999999999999999999}}"#).1, u64::MAX);
    }

    #[test]
    fn the_models_own_text_is_measured() {
        let mut scan = Scan::default();
        scan.feed(br#"{"delta":{"type":"text_delta","text":"twelve bytes"},"id":"not counted"}"#);
        assert_eq!(scan.said(), 12);
    }
}
