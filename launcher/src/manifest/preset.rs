//! Routes of services that many use, written once: hosts, methods and paths, the least that works.

/// A service whose routes are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Preset {
    Anthropic,
    AnthropicApiKey,
    ClaudeSubscription,
    Openai,
    Codex,
    Gemini,
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
    pub(crate) const fn words() -> [(&'static str, Self); 7] {
        [
            ("anthropic", Self::Anthropic),
            ("anthropic-api-key", Self::AnthropicApiKey),
            ("claude-subscription", Self::ClaudeSubscription),
            ("openai", Self::Openai),
            ("codex", Self::Codex),
            ("gemini", Self::Gemini),
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
            Self::Gemini => "Gemini's API for answers, with GEMINI_API_KEY",
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
            Self::Codex => {
                "what the genuine Codex CLI 0.163.0 was seen to ask for with an API key; a ChatGPT \
                 login is not known here"
            }
            Self::Anthropic | Self::Openai | Self::Gemini | Self::Github => {
                "the service's public reference; no program of theirs was run with it"
            }
        }
    }

    /// The credential where a manifest names none: of services that are of no use without one.
    pub(crate) fn credential(self) -> Option<egress::Credential> {
        let header = |name: &str| Some(egress::Form::Header(name.parse().ok()?));
        let (variable, form) = match self {
            Self::AnthropicApiKey => ("ANTHROPIC_API_KEY", header("x-api-key")?),
            Self::ClaudeSubscription => ("CLAUDE_CODE_OAUTH_TOKEN", egress::Form::Bearer),
            Self::Openai | Self::Codex => ("OPENAI_API_KEY", egress::Form::Bearer),
            Self::Gemini => ("GEMINI_API_KEY", header("x-goog-api-key")?),
            Self::Anthropic | Self::Github => return None,
        };
        Some(egress::Credential { variable: variable.parse().ok()?, form, placeholder: None })
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
            Self::Gemini => {
                vec![credited(line("generativelanguage.googleapis.com", ASK, GEMINI))]
            }
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
mod tests {
    use super::*;

    fn covers(routes: &egress::Routes, host: &str, method: &str, path: &str) -> bool {
        matches!(routes.judge(host, 443, method, path), egress::Verdict::Covered { .. })
    }

    #[test]
    fn every_line_of_every_preset_is_read_whole() {
        for (word, preset) in Preset::words() {
            let credentials: Vec<_> = preset.credential().into_iter().collect();
            let routes = preset.routes(&credentials);
            assert_eq!(routes.len(), preset.lines().len(), "{word}");
            for (route, line) in routes.iter().zip(preset.lines()) {
                let whole = (line.methods.len(), line.paths.len());
                assert_eq!((route.methods.len(), route.paths.len()), whole, "{word}");
            }
            assert!(egress::check_routes(&routes).is_empty(), "{word}");
        }
    }

    #[test]
    fn no_preset_reaches_what_makes_keys_or_writes_around_the_gate() {
        for (word, preset) in Preset::words() {
            let routes = egress::Routes::new(preset.routes(&[]));
            for path in ["/repos/a/b/contents/c", "/repos/a/b/git/refs", "/repos/a/b/merges"] {
                assert!(!covers(&routes, "api.github.com", "PUT", path), "{word} {path}");
            }
            if preset == Preset::Anthropic {
                continue;
            }
            for (host, path) in [
                (ANTHROPIC, "/api/oauth/claude_cli/create_api_key"),
                (ANTHROPIC, "/v1/organizations/x/api_keys"),
                (ANTHROPIC, "/api/event_logging/v2/batch"),
                (OPENAI, "/v1/organization/admin_api_keys"),
                (OPENAI, "/v1/files"),
            ] {
                assert!(!covers(&routes, host, "POST", path), "{word} {path}");
            }
        }
    }

    #[test]
    fn claude_and_codex_reach_what_they_were_seen_to_ask_for() {
        for preset in [Preset::AnthropicApiKey, Preset::ClaudeSubscription] {
            let routes = egress::Routes::new(preset.routes(&[]));
            for (method, path) in [
                ("POST", "/v1/messages"),
                ("GET", "/api/claude_code/settings"),
                ("GET", "/api/claude_code/policy_limits"),
            ] {
                assert!(covers(&routes, ANTHROPIC, method, path), "{preset:?} {path}");
            }
            let login = covers(&routes, ANTHROPIC, "GET", "/api/oauth/profile");
            assert_eq!(login, preset == Preset::ClaudeSubscription);
        }
        let routes = egress::Routes::new(Preset::Codex.routes(&[]));
        assert!(covers(&routes, OPENAI, "POST", "/v1/responses"));
        assert!(covers(&routes, OPENAI, "GET", "/v1/responses"));
    }
}
