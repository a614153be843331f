//! A manifest's text with one list of it changed, and every other byte left as a person wrote it.

use anyhow::{Context as _, anyhow};
use saphyr_parser::{Event, Parser, Span};

/// A value and where it stands, in bytes.
#[derive(Debug)]
struct Node {
    start: usize,
    end: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    Scalar,
    List { flow: bool, items: Vec<Node> },
    Map { flow: bool, entries: Vec<(String, Node, Node)> },
}

/// The text with one more item, in flow form, in the list at that path of keys. What of the path is
/// not there is made.
pub(crate) fn with_item(text: &str, path: &[&str], item: &str) -> anyhow::Result<String> {
    change(text, path, |list| match list {
        None => Change::Make(vec![item.to_owned()]),
        Some(items) => Change::Insert { first: items.is_empty(), item: item.to_owned() },
    })
}

/// The text with these items, in flow form, as the list at that path.
pub(crate) fn with_list(text: &str, path: &[&str], items: &[String]) -> anyhow::Result<String> {
    change(text, path, |list| match list {
        None if items.is_empty() => Change::Nothing,
        None => Change::Make(items.to_vec()),
        Some(_) => Change::Replace(items.to_vec()),
    })
}

enum Change {
    Nothing,
    Make(Vec<String>),
    Insert { first: bool, item: String },
    Replace(Vec<String>),
}

fn change(
    text: &str,
    path: &[&str],
    wanted: impl FnOnce(Option<&[Node]>) -> Change,
) -> anyhow::Result<String> {
    let root = parse(text)?;
    let mut here = &root;
    for (depth, key) in path.iter().enumerate() {
        let What::Map { flow, entries } = &here.what else {
            return Err(anyhow!(
                "`{}` is not a mapping",
                path.get(..depth).unwrap_or(path).join(".")
            ));
        };
        match entries.iter().find(|(name, ..)| name == key) {
            Some((_, name, value)) if is_nothing(text, value) => {
                let Change::Make(items) = wanted(None) else { return Ok(text.to_owned()) };
                let rest = flow_of(path.get(depth + 1..).unwrap_or_default(), &items);
                let colon = text.get(name.end..).and_then(|rest| rest.find(':'));
                let at = name.end + colon.context("a key without a colon")? + 1;
                return Ok(spliced(text, at, at, &format!(" {rest}")));
            }
            Some((.., value)) => here = value,
            None => {
                let Change::Make(items) = wanted(None) else { return Ok(text.to_owned()) };
                let rest = path.get(depth..).unwrap_or_default();
                return Ok(with_key(text, here, *flow, entries, rest, &items));
            }
        }
    }
    let What::List { flow, items } = &here.what else {
        return Err(anyhow!("`{}` is not a list", path.join(".")));
    };
    Ok(match (wanted(Some(items)), flow) {
        (Change::Nothing | Change::Make(_), _) => text.to_owned(),
        (Change::Insert { first, item }, true) => {
            let comma = if first { "" } else { ", " };
            spliced(text, here.end - 1, here.end - 1, &format!("{comma}{item}"))
        }
        (Change::Insert { item, .. }, false) => {
            let at = end_of_line(text, here.end);
            let lead = " ".repeat(column(text, here.start));
            spliced(text, at, at, &format!("\n{lead}- {item}"))
        }
        (Change::Replace(items), true) => {
            spliced(text, here.start, here.end, &format!("[{}]", items.join(", ")))
        }
        (Change::Replace(items), false) if items.is_empty() => {
            let before = text.get(..here.start).unwrap_or_default().trim_end().len();
            spliced(text, before, here.end, " []")
        }
        (Change::Replace(items), false) => {
            let lead = format!("\n{}", " ".repeat(column(text, here.start)));
            let lines: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
            spliced(text, here.start, here.end, &lines.join(&lead))
        }
    })
}

/// The text with a key that was not there, and below it what else of the path was not.
fn with_key(
    text: &str,
    map: &Node,
    flow: bool,
    entries: &[(String, Node, Node)],
    path: &[&str],
    items: &[String],
) -> String {
    let (key, below) = path.split_first().map_or(("", path), |(key, below)| (*key, below));
    if flow {
        let comma = if entries.is_empty() { "" } else { ", " };
        let added = format!("{comma}{key}: {}", flow_of(below, items));
        return spliced(text, map.end - 1, map.end - 1, &added);
    }
    let at = end_of_line(text, map.end);
    let mut added = String::new();
    let mut lead = column(text, map.start);
    for key in path {
        added.extend(["\n", &" ".repeat(lead), key, ":"]);
        lead += 2;
    }
    for item in items {
        added.extend(["\n", &" ".repeat(lead), "- ", item]);
    }
    spliced(text, at, at, &added)
}

/// What is left of a path, in one line.
fn flow_of(path: &[&str], items: &[String]) -> String {
    let list = format!("[{}]", items.join(", "));
    path.iter().rev().fold(list, |inner, key| format!("{{{key}: {inner}}}"))
}

fn spliced(text: &str, from: usize, to: usize, new: &str) -> String {
    let (head, tail) = (text.get(..from).unwrap_or(text), text.get(to..).unwrap_or_default());
    format!("{head}{new}{tail}")
}

fn is_nothing(text: &str, node: &Node) -> bool {
    let written = text.get(node.start..node.end).unwrap_or_default().trim();
    matches!(node.what, What::Scalar) && matches!(written, "" | "~" | "null")
}

/// Where the line ends in which that byte, or the one before it, stands.
fn end_of_line(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |found| at + found)
}

fn column(text: &str, at: usize) -> usize {
    let head = text.get(..at).unwrap_or_default();
    head.len() - head.rfind('\n').map_or(0, |found| found + 1)
}

fn parse(text: &str) -> anyhow::Result<Node> {
    let places: Vec<usize> =
        text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).collect();
    let byte = |index: usize| places.get(index).copied().unwrap_or(text.len());
    let mut open: Vec<(Node, Vec<Node>)> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, Span { start, end, .. }) = event.context("this is not YAML")?;
        let (start, end) = (byte(start.index()), byte(end.index()));
        let done = match event {
            Event::Scalar(..) | Event::Alias(_) => {
                // Of a text in lines of its own the end that is told stands in the line behind it,
                // which may be another bottle's.
                let written = text.get(start..end).unwrap_or_default().trim_end();
                Some(Node { start, end: start + written.len(), what: What::Scalar })
            }
            Event::SequenceStart(..) => {
                let flow = text.get(start..).is_some_and(|rest| rest.starts_with('['));
                open.push((Node { start, end, what: What::List { flow, items: vec![] } }, vec![]));
                None
            }
            Event::MappingStart(..) => {
                let flow = text.get(start..).is_some_and(|rest| rest.starts_with('{'));
                let what = What::Map { flow, entries: Vec::new() };
                open.push((Node { start, end, what }, vec![]));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (node, children) = open.pop().context("this is not YAML")?;
                Some(closed(text, node, children, end))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => None,
        };
        if let Some(node) = done {
            match open.last_mut() {
                Some((_, children)) => children.push(node),
                None => root = Some(node),
            }
        }
    }
    root.context("nothing is written here")
}

/// A collection with its children; a block ends where the last of them does.
fn closed(text: &str, node: Node, children: Vec<Node>, end: usize) -> Node {
    let block_end = children.last().map_or(node.end, |child| child.end);
    let first = children.first().map_or(node.start, |child| child.start);
    match node.what {
        What::List { flow, .. } => {
            let end = if flow { end } else { block_end };
            // Of a block the dash is its beginning: one that nothing stands before, as in `>-`.
            let head = text.get(..first).unwrap_or_default();
            let stands = |at: usize| {
                !head.get(..at).unwrap_or_default().ends_with(|c: char| !c.is_whitespace())
            };
            let dash = head.rmatch_indices('-').map(|(at, _)| at).find(|&at| stands(at));
            let start = if flow { node.start } else { dash.unwrap_or(node.start) };
            Node { start, end, what: What::List { flow, items: children } }
        }
        What::Map { flow, .. } => {
            let mut entries = Vec::new();
            let mut children = children.into_iter();
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                let name = text.get(key.start..key.end).unwrap_or_default();
                entries.push((name.trim_matches(['"', '\'']).to_owned(), key, value));
            }
            let (start, end) = if flow { (node.start, end) } else { (first, block_end) };
            Node { start, end, what: What::Map { flow, entries } }
        }
        What::Scalar => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
version: 1
# of mine
bottles:
  b:
    pipelock: {allow: [a.org]}  # keep
    egress:
      routes:
        - host: api.org   # first
          methods: [GET]
        - {host: b.org}
    # the end
  c: {pipelock: {allow: []}}
  d:
    supervise: {enabled: true}
  e:
    egress:
";

    #[test]
    fn one_more_item_leaves_every_other_byte() {
        let put = |path: &[&str], item: &str| with_item(TEXT, path, item).unwrap();
        let routes = put(&["bottles", "b", "egress", "routes"], "{host: c.org}");
        assert_eq!(
            routes,
            TEXT.replace("{host: b.org}\n", "{host: b.org}\n        - {host: c.org}\n")
        );
        let allow = put(&["bottles", "b", "pipelock", "allow"], "x.org");
        assert_eq!(allow, TEXT.replace("[a.org]", "[a.org, x.org]"));
        let empty = put(&["bottles", "c", "pipelock", "allow"], "x.org");
        assert_eq!(empty, TEXT.replace("allow: []", "allow: [x.org]"));
        let flow = put(&["bottles", "c", "egress", "routes"], "{host: c.org}");
        assert!(
            flow.contains("c: {pipelock: {allow: []}, egress: {routes: [{host: c.org}]}}"),
            "{flow}"
        );
        let block = put(&["bottles", "d", "egress", "routes"], "{host: c.org}");
        assert!(
            block.contains("enabled: true}\n    egress:\n      routes:\n        - {host: c.org}\n"),
            "{block}"
        );
        let nothing = put(&["bottles", "e", "egress", "routes"], "{host: c.org}");
        assert!(nothing.contains("    egress: {routes: [{host: c.org}]}\n"), "{nothing}");
        assert!(with_item(TEXT, &["version", "x"], "y").is_err());
    }

    #[test]
    fn what_follows_a_text_in_lines_of_its_own_stays_in_the_bottle() {
        for style in [">-", ">", "|", "|-"] {
            for gap in ["", "\n", "    # the end\n\n"] {
                let head = format!(
                    "version: 1\nbottles:\n  b:\n    image: a\n    note: {style}\n      some\n      \
                     words"
                );
                let text = format!("{head}\n{gap}  c:\n    image: b\n");
                let put = with_item(&text, &["bottles", "b", "egress", "routes"], "{host: c.org}");
                let added = "\n    egress:\n      routes:\n        - {host: c.org}\n";
                let wanted = format!("{head}{added}{gap}  c:\n    image: b\n");
                assert_eq!(put.unwrap(), wanted, "{style} {gap:?}");
                let list = format!("list:\n  - {style}\n      words\n{gap}next: 1\n");
                let wanted = format!("list:\n  - {style}\n      words\n  - x\n{gap}next: 1\n");
                assert_eq!(with_item(&list, &["list"], "x").unwrap(), wanted, "{style} {gap:?}");
            }
        }
    }

    #[test]
    fn a_list_is_replaced_whole() {
        let put = |path: &[&str], items: &[&str]| {
            let items: Vec<String> = items.iter().map(|&item| item.to_owned()).collect();
            with_list(TEXT, path, &items).unwrap()
        };
        let routes =
            put(&["bottles", "b", "egress", "routes"], &["{host: x.org}", "{host: y.org}"]);
        assert!(
            routes.contains(
                "routes:\n        - {host: x.org}\n        - {host: y.org}\n    # the end"
            ),
            "{routes}"
        );
        let none = put(&["bottles", "b", "egress", "routes"], &[]);
        assert!(none.contains("      routes: []\n    # the end"), "{none}");
        assert!(put(&["bottles", "b", "pipelock", "allow"], &[]).contains("{allow: []}  # keep"));
        assert_eq!(put(&["bottles", "d", "pipelock", "allow"], &[]), TEXT);
    }
}
