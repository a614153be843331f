//! YAML as written, with the place of every value: a small tree of our own over the parser's
//! events, so that duplicate keys, aliases and tags are faults and not surprises.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::fault::{Fault, Position};

/// Deeper than any manifest; a file that nests further is refused before it can hurt.
const MAX_DEPTH: usize = 32;
/// More than any manifest; ten thousand routes are somebody's mistake.
const MAX_NODES: usize = 50_000;

/// One value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub position: Position,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar {
        text: String,
        /// Written without quotes, so that it may mean a number, a truth value or nothing.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What a person would call it.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { plain: true, text } if matches!(text.as_str(), "true" | "false") => {
                "a truth value"
            }
            Value::Scalar { plain: true, text } if text.parse::<f64>().is_ok() => "a number",
            Value::Scalar { .. } => "a text",
        }
    }

    /// The text, where it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether nothing was written here.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// Reads one document. A fault of syntax ends the reading: what follows it means nothing.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Fault> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            let position = Position { line: marker.line(), column: marker.col() + 1 };
            Fault { position, message: format!("this is not YAML: {}", error.info()) }
        })?;
        builder.take(event, span)?;
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    nodes: usize,
    documents: usize,
}

/// A collection whose end was not seen yet.
struct Open {
    position: Position,
    map: bool,
    items: Vec<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let position = Position { line: span.start.line(), column: span.start.col() + 1 };
        let refuse = |message: &str| Err(Fault { position, message: message.to_owned() });
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return refuse("a manifest is one document; this is a second one");
                }
            }
            Event::Alias(_) => {
                return refuse("aliases (`*name`) are not read; write the value out");
            }
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return refuse("anchors (`&name`) are not read; write the value where it is used");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return refuse("tags (`!name`) are not read"),
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let value = Value::Scalar { text: text.into_owned(), plain };
                self.put(Node { position, value })?;
            }
            Event::SequenceStart(..) => self.open(position, false)?,
            Event::MappingStart(..) => self.open(position, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn open(&mut self, position: Position, map: bool) -> Result<(), Fault> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault { position, message: format!("more than {MAX_DEPTH} levels deep") });
        }
        self.open.push(Open { position, map, items: Vec::new() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(Open { position, map, items }) = self.open.pop() else { return Ok(()) };
        let value = if map {
            let mut items = items.into_iter();
            let mut pairs = Vec::new();
            while let (Some(key), Some(value)) = (items.next(), items.next()) {
                pairs.push((key, value));
            }
            Value::Map(pairs)
        } else {
            Value::List(items)
        };
        self.put(Node { position, value })
    }

    fn put(&mut self, node: Node) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("more than {MAX_NODES} values");
            return Err(Fault { position: node.position, message });
        }
        match self.open.last_mut() {
            Some(open) => open.items.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let fault = parse(text).unwrap_err();
        format!("{} {}", fault.position, fault.message)
    }

    #[test]
    fn knows_the_place_of_keys_and_values() {
        let root = parse("a: 1\nb:\n  - x\n  - {c: 'y'}\n").unwrap().unwrap();
        let Value::Map(pairs) = &root.value else { panic!("{root:?}") };
        assert_eq!(pairs[1].0.position, Position { line: 2, column: 1 });
        let Value::List(items) = &pairs[1].1.value else { panic!("{root:?}") };
        assert_eq!(items[1].position, Position { line: 4, column: 5 });
    }

    #[test]
    fn refuses_what_makes_one_text_mean_another() {
        assert!(fault("a: &x 1\nb: *x\n").starts_with("1:"), "{}", fault("a: &x 1\nb: *x\n"));
        assert!(fault("a: !!str 1\n").contains("tags"));
        assert!(fault("a: 1\n---\nb: 2\n").contains("one document"));
        assert!(fault("a: [1, 2\n").contains("not YAML"));
        assert!(fault(&"[".repeat(MAX_DEPTH + 1)).contains("levels deep"));
    }

    #[test]
    fn an_empty_file_is_nothing() {
        assert!(parse("").unwrap().is_none());
        assert!(parse("# only a comment\n").unwrap().is_none());
    }
}
