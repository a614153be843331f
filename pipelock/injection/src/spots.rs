//! Where it is worth looking: words that no rule can do without, at the speed of memory.

use std::sync::OnceLock;

use aho_corasick::packed::{Config, MatchKind, Searcher};

use crate::letters::{Letter, read};

/// In small letters. Each rule needs one of these within its reach; a test holds it to that.
const WORDS: [&[&str]; 4] = [
    &[
        "instruct",
        "prompt",
        "guideline",
        "guidance",
        "directi",
        "directive",
        "programming",
        "your training",
        "jailbr",
        "anything now",
        "unrestrict",
        "unfilter",
        "uncensor",
        "no longer",
        "from now on",
        "henceforth",
        "starting now",
        "this point on",
        "restrictions",
        "override",
        "orders",
        "language model",
        "ai agent",
        "ai model",
        "coding agent",
        "assistant",
        "chatbot",
        "objective",
    ],
    &[
        "safety",
        "guardrail",
        "moderation",
        "ethic",
        "filters",
        "base64",
        "decode",
        "decrypt",
        "function_call",
        "tool_call",
        "administrat",
        "anthropic",
        "openai",
        "your developer",
        "your creator",
        "precedence",
        "priority",
        "api key",
        "api_key",
        "apikey",
        "password",
        "credential",
        "access token",
        "auth token",
        ".ssh/",
        "id_rsa",
        "id_ed25519",
        ".aws/",
        "etc/shadow",
        ".netrc",
    ],
    &[
        ".env",
        ".npmrc",
        ".pypirc",
        ".kube/",
        ".docker/",
        "self/environ",
        "your memory",
        "term memory",
        "future ",
        "the user",
        "the human",
        "the operator",
        "secretly",
        "covertly",
        "<|im_",
        "<|s",
        "[inst",
        "[/inst",
        "<<sys",
        "system",
        "conversation",
        "chat history",
        "source code",
        "workspace",
        "pre-approved",
        "shut down",
        "terminated",
        "no matter what",
    ],
    &[
        "disregard",
        "ignore all",
        "ignore any",
        "ignore everything",
        "ignore whatever",
        "forget all",
        "forget any",
        "forget everything",
        "you are now",
        "you're now",
        "your real",
        "your new",
        "your true",
        "your actual",
        "your revised",
        "your updated",
    ],
];

/// Other ways of writing, for which the plain form is made; in small letters as well.
const DISGUISES: [&[&str]; 1] = [&[
    "g n o r",
    "g-n-o-r",
    "g.n.o.r",
    "g_n_o_r",
    "n s t r",
    "n-s-t-r",
    "n.s.t.r",
    "1nstruct",
    "in5truct",
    "instruc7",
    "pr0mpt",
    "promp7",
    "0verride",
    "overr1de",
    "gn0r",
    "1gnor",
    "\\u00",
    "&#",
    "instrucc",
    "anweisung",
    "instruk",
    "instruco",
    "istruzion",
    "consignes",
    "previous",
    "vorgaben",
    "ordenes",
]];

/// Beyond ASCII: verbs of the rules in other scripts.
const SCRIPTS: [&[&str]; 1] = [&[
    "忽略",
    "无视",
    "無視",
    "忘记",
    "忘記",
    "忽视",
    "忽視",
    "不要遵守",
    "不要理会",
    "忘れ",
    "破棄",
    "従わない",
    "무시",
    "잊",
    "따르지",
    "越狱",
    "越獄",
    "脱獄",
    "탈옥",
    "开发者模式",
    "開発者モード",
    "任何限制",
    "任何约束",
    "игнорир",
    "забудь",
]];

/// `ignore`, `Ignore`, `instructions`, `disregard`, `system prompt` in base64, from each byte of a
/// group on, and in hexadecimal digits.
const ENCODED: [&[&str]; 1] = [&[
    "aWdub3Jl",
    "lnbm9yZ",
    "pZ25vcm",
    "SWdub3Jl",
    "lHbm9yZ",
    "JZ25vcm",
    "aW5zdHJ1Y3Rpb25",
    "luc3RydWN0aW9uc",
    "pbnN0cnVjdGlvbn",
    "ZGlzcmVnYXJk",
    "Rpc3JlZ2FyZ",
    "kaXNyZWdhcm",
    "RGlzcmVnYXJk",
    "N5c3RlbSBwcm9tcH",
    "c3lzdGVtIHByb21wd",
    "zeXN0ZW0gcHJvbXB0",
    "SW5zdHJ1Y3Rpb25",
    "69676e6f7265",
    "49676e6f7265",
    "696e737472756374",
    "69676E6F7265",
    "49676E6F7265",
]];

/// What was seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spot {
    /// A word, or a way of writing that hides one.
    Written,
    /// A code that holds one.
    Encoded,
}

struct Searchers {
    words: Vec<Searcher>,
    scripts: Vec<Searcher>,
    encoded: Vec<Searcher>,
}

fn searchers() -> &'static Searchers {
    static SEARCHERS: OnceLock<Searchers> = OnceLock::new();
    SEARCHERS.get_or_init(|| {
        let made = |groups: &[&[&str]]| groups.iter().filter_map(|group| searcher(group)).collect();
        Searchers {
            words: made(&[&WORDS[..], &DISGUISES[..]].concat()),
            scripts: made(&SCRIPTS),
            encoded: made(&ENCODED),
        }
    })
}

fn searcher(words: &[&str]) -> Option<Searcher> {
    let config = Config::new().match_kind(MatchKind::LeftmostFirst).clone();
    config.builder().extend(words).build()
}

/// Calls `see` for each spot of a text; `small` is the text in small letters. The order is by kind.
pub(crate) fn each(text: &[u8], small: &[u8], mut see: impl FnMut(usize, Spot)) {
    let searchers = searchers();
    for searcher in &searchers.words {
        searcher.find_iter(small).for_each(|found| see(found.start(), Spot::Written));
    }
    for searcher in &searchers.encoded {
        searcher.find_iter(text).for_each(|found| see(found.start(), Spot::Encoded));
    }
    if text.is_ascii() {
        return;
    }
    for searcher in &searchers.scripts {
        searcher.find_iter(text).for_each(|found| see(found.start(), Spot::Written));
    }
    beyond_ascii(text, |at| see(at, Spot::Written));
}

/// Characters that stand for Latin letters beside Latin letters, and such as nobody can see.
fn beyond_ascii(text: &[u8], mut see: impl FnMut(usize)) {
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| rest.iter().position(|&b| b >= 0xc2)) {
        at += step;
        let rest = text.get(at..).unwrap_or_default();
        let len = match rest.first() {
            Some(0xc2..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            _ => 4,
        };
        let c = rest.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let Some(c) = c.and_then(|text| text.chars().next()) else {
            at += 1;
            continue;
        };
        let latin = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        let beside =
            latin(rest.get(len)) || latin(at.checked_sub(1).and_then(|before| text.get(before)));
        match read(c) {
            Letter::Tag(_) => see(at),
            Letter::Ascii(byte) if byte.is_ascii_alphabetic() && (beside || len > 2) => see(at),
            Letter::LooksLike(_) | Letter::Invisible if beside => see(at),
            Letter::Ascii(_) | Letter::LooksLike(_) | Letter::Invisible | Letter::Other => {}
        }
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(text: &str) -> usize {
        let mut count = 0;
        each(text.as_bytes(), text.to_ascii_lowercase().as_bytes(), |_, _| count += 1);
        count
    }

    #[test]
    fn the_searchers_are_made() {
        let groups = WORDS.len() + DISGUISES.len();
        assert_eq!(searchers().words.len(), groups);
        assert_eq!((searchers().scripts.len(), searchers().encoded.len()), (1, 1));
    }

    #[test]
    fn plain_text_and_other_languages_have_no_spots() {
        let plain = "fn main() { let list = vec![1, 2]; } The quick brown fox jumps.";
        assert_eq!(spots(plain), 0);
        assert_eq!(spots("Съешь же ещё этих мягких французских булок"), 0);
        assert_eq!(spots("天地玄黄 宇宙洪荒"), 0);
        assert!(spots("іgnоrе") > 0 && spots("ig\u{200b}nore") > 0);
    }
}
