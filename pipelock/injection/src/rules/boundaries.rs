//! Texts that pretend to be another part of the conversation than they are.

use crate::rule::{Rule, strong, weak};

pub(super) const RULES: &[Rule] = &[
    strong("instruction-boundary", r"<\|im_start\|> ?(?:system|user|assistant|developer)\b"),
    strong(
        "instruction-boundary",
        r"<\|(?:start_header_id|begin_of_text|system|user|assistant)\|> ?(?:system|user|assistant|you|[a-z]{2,15}{W})",
    ),
    weak("instruction-boundary", r"\[/?inst\] ?{G2}[a-z]|<</?sys>>"),
    strong(
        "instruction-boundary",
        r"[\[<(=#*-]{1,6} ?/?(?:end|begin|start|beginning){W}(?:of{W})?(?:the{W})?(?:system|user|untrusted|developer|assistant){W}(?:prompt|instructions?|message|input|context|content)\b",
    ),
    strong(
        "instruction-boundary",
        r"</?(?:system_prompt|system-reminder|system_instructions?|system-instructions?|assistant_instructions|admin_message)>",
    ),
    weak("instruction-boundary", r"</system>|<system>{W}?you\b"),
];
