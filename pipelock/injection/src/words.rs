//! The words that most rules cannot do without, and the ways of writing that hide one.

/// In small letters. A rule that needs none of these is looked for by its own needs.
#[rustfmt::skip]
pub(crate) const WORDS: &[&str] = &[
    "you are", "you\nare", "you\\nare", "you're",
    "instruct", "prompt", "guideline", "guidance", "directi", "programming", "your training",
    "jailbr", "anything now", "unrestrict", "unfilter", "uncensor", "no longer", "from now on",
    "henceforth", "starting now", "this point on", "restrictions", "override", "orders",
    "language model", "ai agent", "ai model", "coding agent", "assistant", "chatbot", "objective",
    "safety", "guardrail", "moderation", "ethic", "filters", "base64", "decode", "decrypt",
    "function_call", "tool_call", "administrat", "anthropic", "openai", "your developer",
    "your creator", "precedence", "priority", "api key", "api_key", "apikey", "password",
    "credential", "access token", "auth token", ".ssh/", "id_rsa", "id_ed25519", ".aws/",
    "etc/shadow", ".netrc", ".env", ".npmrc", ".pypirc", ".kube/", ".docker/", "self/environ",
    "your memory", "term memory", "future ", "the user", "the human", "the operator", "secretly",
    "covertly", "<|im_", "<|sy", "<|st", "[inst", "[/inst", "<<sys", "system", "conversation",
    "chat history", "source code", "workspace", "pre-approved", "shut down", "terminated",
    "no matter what", "disregard", "ignore all", "ignore any", "ignore everything",
    "ignore whatever", "forget all", "forget any", "forget everything", "you're now",
    "your real", "your new", "your true", "your actual", "your revised", "your updated",
];

/// Other ways of writing, for which the plain form is made; in small letters as well.
#[rustfmt::skip]
pub(crate) const DISGUISES: &[&str] = &[
    "g n o r", "g-n-o-r", "g.n.o.r", "g_n_o_r", "n s t r", "n-s-t-r", "n.s.t.r", "1nstruct",
    "in5truct", "instruc7", "pr0mpt", "promp7", "0verride", "overr1de", "gn0r", "1gnor", "\\u00",
    "instrucc", "anweisung", "instruk", "instruco", "istruzion", "consignes", "previous",
    "vorgaben", "ordenes",
];

/// Beyond ASCII: verbs of the rules in other scripts.
#[rustfmt::skip]
pub(crate) const SCRIPTS: &[&str] = &[
    "忽略", "无视", "無視", "忘记", "忘記", "忽视", "忽視", "不要遵守", "不要理会", "忘れ", "破棄", "従わない", "무시", "잊", "따르지",
    "越狱", "越獄", "脱獄", "탈옥", "开发者模式", "開発者モード", "任何限制", "任何约束", "игнорир", "забудь",
];

/// `ignore`, `Ignore`, `instructions`, `disregard`, `system prompt` in base64, from each byte of a
/// group on, and in hexadecimal digits.
#[rustfmt::skip]
pub(crate) const ENCODED: &[&str] = &[
    "aWdub3Jl", "lnbm9yZ", "pZ25vcm", "SWdub3Jl", "lHbm9yZ", "JZ25vcm", "aW5zdHJ1Y3Rpb25",
    "luc3RydWN0aW9uc", "pbnN0cnVjdGlvbn", "ZGlzcmVnYXJk", "Rpc3JlZ2FyZ", "kaXNyZWdhcm",
    "RGlzcmVnYXJk", "N5c3RlbSBwcm9tcH", "c3lzdGVtIHByb21wd", "zeXN0ZW0gcHJvbXB0", "SW5zdHJ1Y3Rpb25",
    "69676e6f7265", "49676e6f7265", "696e737472756374", "69676E6F7265", "49676E6F7265",
];
