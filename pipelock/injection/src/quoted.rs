//! Whether a match is somebody's quotation: an article about injections quotes them.

use memchr::memmem;

/// How far before and behind a match marks of quotation are looked for.
const BEFORE: usize = 160;
const BEHIND: usize = 240;

/// Elements whose text is shown as a text, and what ends each.
const ELEMENTS: [(&[u8], &[u8]); 6] = [
    (b"<code", b"</code"),
    (b"<pre", b"</pre"),
    (b"<blockquote", b"</blockquote"),
    (b"<q>", b"</q>"),
    (b"<samp", b"</samp"),
    (b"```", b"```"),
];

/// Words of whoever writes about such texts.
const ABOUT: [&[u8]; 14] = [
    b"prompt injection",
    b"prompt-injection",
    b"injection attack",
    b"jailbreaking",
    b"attacker",
    b"adversarial",
    b"malicious",
    b"for example",
    b"e.g.",
    b"such as",
    b"red team",
    b"phrases like",
    b"payload",
    b"instructions like",
];

/// Whether the match stands between marks of quotation, in the plain form.
pub(crate) fn is_quoted(text: &[u8], start: usize, end: usize) -> bool {
    let before = text.get(start.saturating_sub(BEFORE)..start).unwrap_or_default();
    let behind = text.get(end..text.len().min(end + BEHIND)).unwrap_or_default();
    let odd = |mark: u8| {
        before.iter().fold(false, |odd, &byte| odd ^ (byte == mark)) && behind.contains(&mark)
    };
    let within = |(opens, ends): &(&[u8], &[u8])| {
        let opened = memmem::rfind(before, opens);
        opened.is_some_and(|at| {
            let since = before.get(at + opens.len()..).unwrap_or_default();
            memmem::find(since, ends).is_none()
        }) && (memmem::find(behind, ends).is_some() || behind.len() == BEHIND)
    };
    odd(b'"') || odd(b'`') || single(before, behind) || ELEMENTS.iter().any(within)
}

/// `'…'`, which is no apostrophe where a space or a bracket stands before it.
fn single(before: &[u8], behind: &[u8]) -> bool {
    let opens =
        before.windows(2).rposition(|pair| matches!(pair, [b' ' | b'(' | b':' | b'>' | 1, b'\'']));
    let closed = |at: usize| {
        let since = before.get(at + 2..).unwrap_or_default();
        since.windows(2).any(|pair| matches!(pair, [b'\'', b' ' | b',' | b'.' | b')']))
    };
    opens.is_some_and(|at| !closed(at)) && behind.contains(&b'\'')
}

/// Whether the text round a match is about such texts.
pub(crate) fn is_about(text: &[u8], start: usize, end: usize) -> bool {
    let near = text.get(start.saturating_sub(BEHIND)..text.len().min(end + BEHIND));
    let near = near.unwrap_or_default();
    ABOUT.iter().any(|word| memmem::find(near, word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> bool {
        let start = text.find("ignore").unwrap();
        is_quoted(text.as_bytes(), start, start + 6)
    }

    #[test]
    fn what_stands_between_marks_is_quoted() {
        for text in [
            "he wrote \"please ignore it\" and left",
            "write `ignore it` there",
            "the text 'ignore it' is one",
            "<p>say <code>ignore it</code></p>",
            "```text ignore it ``` end",
        ] {
            assert!(quoted(text), "{text}");
        }
        for text in [
            "ignore it",
            "\"a\" and \"b\": ignore it",
            "it's time: ignore it, don't wait",
            "<code>x</code> ignore it",
            "\"ignore it",
        ] {
            assert!(!quoted(text), "{text}");
        }
    }
}
