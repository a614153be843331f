//! What each preset covers, and what it does not.

use super::*;

fn covers(routes: &egress::Routes, host: &str, method: &str, path: &str) -> bool {
    matches!(routes.judge(host, 443, method, path), egress::Verdict::Covered { .. })
}

#[test]
fn every_line_of_every_preset_is_read_whole() {
    for (word, preset) in Preset::words() {
        let routes = preset.routes(&preset.credentials());
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
