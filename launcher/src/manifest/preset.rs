//! Routes of services that many use, written once: hosts, methods and paths, the least that works.

use std::collections::BTreeMap;

use super::{Login, Source};
use crate::login::account_variable;

/// The names under which two programs' logins are known: none that the programs read themselves.
pub(crate) const CHATGPT_LOGIN: &str = "CHATGPT_LOGIN";
pub(crate) const GEMINI_LOGIN: &str = "GEMINI_LOGIN";

/// A service whose routes are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Preset {
    Anthropic,
    AnthropicApiKey,
    ClaudeSubscription,
    Openai,
    Codex,
    CodexSubscription,
    Gemini,
    GeminiSubscription,
    Github,
}

/// Some requests to one host.
#[derive(Clone, Copy)]
struct Line {
    host: &'static str,
    methods: &'static [&'static str],
    paths: &'static [&'static str],
    /// Whether the route's credential goes there.
    credited: bool,
    websocket: egress::Websocket,
}

const READ: &[&str] = &["GET", "HEAD"];
const ASK: &[&str] = &["GET", "POST"];
const ALL: &[&str] = &["/**"];
const ANTHROPIC: &str = "api.anthropic.com";
const OPENAI: &str = "api.openai.com";
const CHATGPT: &str = "chatgpt.com";

/// What Claude Code asks of the API; its telemetry is not among it.
const CLAUDE: &[&str] = &[
    "/v1/messages",
    "/v1/messages/**",
    "/v1/models",
    "/v1/models/*",
    "/api/hello",
    "/api/claude_code/**",
    "/api/claude_code_penguin_mode",
    "/api/claude_cli/bootstrap",
    "/api/directory/server-urls",
    "/api/eval/*",
    "/api/web/domain_info",
];
const CLAUDE_LOGIN: &[&str] = &["/api/oauth/profile", "/api/oauth/usage", "/v1/mcp_servers"];
const RESPONSES: &[&str] = &["/v1/responses", "/v1/responses/**"];
const REALTIME: &[&str] = &["/v1/responses", "/v1/responses/**", "/v1/realtime"];
const COMPLETIONS: &[&str] =
    &["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models", "/v1/models/*"];
const MODELS: &[&str] = &["/v1/models", "/v1/models/*"];
/// What Codex asks of `ChatGPT`'s own part of the API: answers, which models there are, what is left.
const CODEX_LOGIN: &[&str] = &["/backend-api/codex/responses", "/backend-api/codex/responses/**"];
const CODEX_LOGIN_READ: &[&str] =
    &["/backend-api/codex/models", "/backend-api/wham/usage", "/backend-api/wham/accounts/check"];
/// What Gemini CLI asks of Code Assist with a Google account.
const CODE_ASSIST: &[&str] = &[
    "/v1internal:generateContent",
    "/v1internal:streamGenerateContent",
    "/v1internal:countTokens",
    "/v1internal:loadCodeAssist",
    "/v1internal:onboardUser",
    "/v1internal:listExperiments",
    "/v1internal:retrieveUserQuota",
    "/v1internal:getCodeAssistGlobalUserSetting",
];
const GEMINI: &[&str] = &[
    "/v1/models",
    "/v1/models/*",
    "/v1beta/models",
    "/v1beta/models/*",
    "/v1beta/interactions",
    "/v1beta/interactions/*",
];

const fn line(
    host: &'static str,
    methods: &'static [&'static str],
    paths: &'static [&'static str],
) -> Line {
    Line { host, methods, paths, credited: false, websocket: egress::Websocket::Deny }
}

const fn credited(line: Line) -> Line {
    Line { credited: true, ..line }
}

const fn with_sockets(line: Line) -> Line {
    Line { websocket: egress::Websocket::Allow, ..line }
}

impl Preset {
    /// The presets by the word a manifest uses.
    pub(crate) const fn words() -> [(&'static str, Self); 9] {
        [
            ("anthropic", Self::Anthropic),
            ("anthropic-api-key", Self::AnthropicApiKey),
            ("claude-subscription", Self::ClaudeSubscription),
            ("openai", Self::Openai),
            ("codex", Self::Codex),
            ("codex-subscription", Self::CodexSubscription),
            ("gemini", Self::Gemini),
            ("gemini-subscription", Self::GeminiSubscription),
            ("github", Self::Github),
        ]
    }

    /// What it is for, in a sentence.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic's API, all of it; name the credential yourself",
            Self::AnthropicApiKey => {
                "Claude Code with an API key, in ANTHROPIC_API_KEY; without its telemetry"
            }
            Self::ClaudeSubscription => {
                "Claude Code with a subscription: the long-lived token that `claude setup-token` \
                 makes, in CLAUDE_CODE_OAUTH_TOKEN, or Claude Code's own login of this host (a \
                 `credential` with `login: claude`); no path that would make a key of it"
            }
            Self::Openai => {
                "OpenAI's API for answers, embeddings and realtime, with OPENAI_API_KEY; files, \
                 fine-tuning and administration are not in it"
            }
            Self::Codex => {
                "Codex CLI with an API key, in OPENAI_API_KEY; by WebSocket or HTTP; with `image: \
                 {agent: codex}`"
            }
            Self::CodexSubscription => {
                "Codex CLI with a ChatGPT account: Codex's own login of this host (`codex login`), \
                 which egress renews; one bottle at a time; with `image: {agent: codex}`"
            }
            Self::Gemini => "Gemini's API for answers, with GEMINI_API_KEY",
            Self::GeminiSubscription => {
                "Gemini CLI with a Google account: its own login of this host, which egress renews; \
                 one bottle at a time; with an image of your own that holds the program"
            }
            Self::Github => {
                "GitHub, for reading; a credential goes to the API alone. Pushes go through git-gate"
            }
        }
    }

    /// How it is known that these requests are enough.
    pub(crate) const fn known_by(self) -> &'static str {
        match self {
            Self::AnthropicApiKey | Self::ClaudeSubscription => {
                "what the genuine Claude Code 2.1.330 was seen to ask for"
            }
            Self::Codex => "what the genuine Codex CLI 0.163.0 was seen to ask for with an API key",
            Self::CodexSubscription => {
                "what the genuine Codex CLI 0.163.0 was seen to ask a scripted server for; no request \
                 went to ChatGPT"
            }
            Self::GeminiSubscription => {
                "the published source of Gemini CLI; not tried: the program comes from npm alone"
            }
            Self::Anthropic | Self::Openai | Self::Gemini | Self::Github => {
                "the service's public reference; no program of theirs was run with it"
            }
        }
    }

    /// The credentials where a manifest names none: of services that are of no use without one.
    pub(crate) fn credentials(self) -> Vec<egress::Credential> {
        let header = |name: &str| name.parse().ok().map(egress::Form::Header);
        let bearer = Some(egress::Form::Bearer);
        let account = account_variable(CHATGPT_LOGIN);
        let all = match self {
            Self::AnthropicApiKey => vec![("ANTHROPIC_API_KEY", header("x-api-key"))],
            Self::ClaudeSubscription => vec![("CLAUDE_CODE_OAUTH_TOKEN", bearer)],
            Self::Openai | Self::Codex => vec![("OPENAI_API_KEY", bearer)],
            Self::CodexSubscription => {
                vec![(CHATGPT_LOGIN, bearer), (account.as_str(), header("chatgpt-account-id"))]
            }
            Self::Gemini => vec![("GEMINI_API_KEY", header("x-goog-api-key"))],
            Self::GeminiSubscription => vec![(GEMINI_LOGIN, bearer)],
            Self::Anthropic | Self::Github => Vec::new(),
        };
        let credential = |(variable, form): (&str, Option<egress::Form>)| {
            let variable = variable.parse().ok()?;
            Some(egress::Credential { variable, form: form?, placeholder: None })
        };
        all.into_iter().filter_map(credential).collect()
    }

    /// Where their values come from, if not from the environment.
    pub(crate) fn sources(self) -> BTreeMap<String, Source> {
        let login = match self {
            Self::CodexSubscription => (CHATGPT_LOGIN, Login::Codex),
            Self::GeminiSubscription => (GEMINI_LOGIN, Login::Gemini),
            Self::Anthropic
            | Self::AnthropicApiKey
            | Self::ClaudeSubscription
            | Self::Openai
            | Self::Codex
            | Self::Gemini
            | Self::Github => return BTreeMap::new(),
        };
        BTreeMap::from([(login.0.to_owned(), Source::Login(login.1))])
    }

    /// The preset's lines. Reading only, but for the APIs of models: what writes is named by hand.
    fn lines(self) -> Vec<Line> {
        match self {
            Self::Anthropic => vec![credited(line(ANTHROPIC, ASK, &["/v1/**", "/api/**"]))],
            Self::AnthropicApiKey => vec![credited(line(ANTHROPIC, ASK, CLAUDE))],
            Self::ClaudeSubscription => vec![
                credited(line(ANTHROPIC, ASK, CLAUDE)),
                credited(line(ANTHROPIC, READ, CLAUDE_LOGIN)),
            ],
            Self::Openai => vec![
                with_sockets(credited(line(OPENAI, ASK, REALTIME))),
                credited(line(OPENAI, ASK, COMPLETIONS)),
            ],
            Self::Codex => vec![
                with_sockets(credited(line(OPENAI, ASK, RESPONSES))),
                credited(line(OPENAI, READ, MODELS)),
            ],
            Self::CodexSubscription => vec![
                with_sockets(credited(line(CHATGPT, ASK, CODEX_LOGIN))),
                credited(line(CHATGPT, READ, CODEX_LOGIN_READ)),
            ],
            Self::Gemini => {
                vec![credited(line("generativelanguage.googleapis.com", ASK, GEMINI))]
            }
            Self::GeminiSubscription => vec![
                credited(line("cloudcode-pa.googleapis.com", ASK, CODE_ASSIST)),
                // It asks whether its token is good before it begins.
                credited(line("oauth2.googleapis.com", &["POST"], &["/tokeninfo"])),
            ],
            Self::Github => vec![
                credited(line("api.github.com", READ, ALL)),
                line("raw.githubusercontent.com", READ, ALL),
                line("objects.githubusercontent.com", READ, ALL),
                line("codeload.github.com", READ, ALL),
            ],
        }
    }

    /// The routes. A credential goes to the service's API alone, never to its file hosts.
    pub(crate) fn routes(self, credentials: &[egress::Credential]) -> Vec<egress::Route> {
        let routes = self.lines().into_iter().filter_map(|line| {
            Some(egress::Route {
                methods: line.methods.iter().filter_map(|method| method.parse().ok()).collect(),
                paths: line.paths.iter().filter_map(|path| path.parse().ok()).collect(),
                credentials: if line.credited { credentials.to_vec() } else { Vec::new() },
                websocket: line.websocket,
                ..egress::Route::to(line.host.parse().ok()?)
            })
        });
        routes.collect()
    }
}

#[cfg(test)]
mod tests;
