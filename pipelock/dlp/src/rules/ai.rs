//! Keys of model providers.

use crate::check;
use crate::rule::Rule;
use crate::rule::Severity::Critical;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        "anthropic-api-key",
        Critical,
        &["sk-ant-"],
        r"sk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{20,160}",
    ),
    Rule::new(
        "anthropic-oauth-token",
        Critical,
        &["sk-ant-oat", "sk-ant-ort"],
        r"sk-ant-o[ar]t[0-9]{2}-[A-Za-z0-9_-]{20,160}",
    ),
    Rule::new("openai-api-key", Critical, &["sk-"], r"sk-[A-Za-z0-9]{48}")
        .whole()
        .checked(check::token),
    Rule::new("openai-project-key", Critical, &["sk-proj-"], r"sk-proj-[A-Za-z0-9_-]{40,200}"),
    Rule::new(
        "openai-service-key",
        Critical,
        &["sk-svcacct-"],
        r"sk-svcacct-[A-Za-z0-9_-]{40,200}",
    ),
    Rule::new("openai-admin-key", Critical, &["sk-admin-"], r"sk-admin-[A-Za-z0-9_-]{40,200}"),
    Rule::new("openrouter-api-key", Critical, &["sk-or-v1-"], r"sk-or-v1-[0-9a-f]{64}"),
    Rule::new("fireworks-api-key", Critical, &["fw_"], r"fw_[A-Za-z0-9]{24}"),
    Rule::new("groq-api-key", Critical, &["gsk_"], r"gsk_[A-Za-z0-9]{52}"),
    Rule::new("xai-api-key", Critical, &["xai-"], r"xai-[A-Za-z0-9_]{70,90}"),
    Rule::new("hugging-face-token", Critical, &["hf_"], r"hf_[A-Za-z]{34}"),
    Rule::new("hugging-face-org-token", Critical, &["api_org_"], r"api_org_[A-Za-z]{34}"),
    Rule::new("replicate-api-token", Critical, &["r8_"], r"r8_[A-Za-z0-9]{37}"),
    Rule::new("together-api-key", Critical, &["tgp_v1_"], r"tgp_v1_[A-Za-z0-9_-]{43}"),
    Rule::new("pinecone-api-key", Critical, &["pcsk_"], r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}"),
    Rule::new("perplexity-api-key", Critical, &["pplx-"], r"pplx-[A-Za-z0-9]{48}"),
    Rule::new("cerebras-api-key", Critical, &["csk-"], r"csk-[a-z0-9]{48}"),
    Rule::new("nvidia-api-key", Critical, &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{64}"),
    Rule::new(
        "langsmith-api-key",
        Critical,
        &["lsv2_"],
        r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
    ),
    Rule::new("elevenlabs-api-key", Critical, &["sk_"], r"sk_[0-9a-f]{48}"),
    Rule::new("tavily-api-key", Critical, &["tvly-"], r"tvly-(?:dev-)?[A-Za-z0-9]{32}"),
];
