//! What leads Gemini CLI to its work with a Google account, as its published source reads it. Not tried:
//! the program comes from npm alone.

use anyhow::Context as _;
use serde_json::json;

use super::{EMAIL, Seed, supervise_url};

/// In milliseconds since 1970: the token is egress' to renew.
const NEVER: u64 = 4_102_444_800_000;

/// The seeds. `token` is the placeholder of the account's token.
pub(super) fn seeds(token: Option<&str>, supervise: bool) -> anyhow::Result<Vec<Seed>> {
    let mut settings = json!({ "general": { "enableAutoUpdate": false } });
    if let Some(settings) = settings.as_object_mut() {
        if token.is_some() {
            let auth = json!({ "auth": { "selectedType": "oauth-personal" } });
            settings.insert("security".to_owned(), auth);
        }
        if supervise {
            let servers = json!({ "supervise": { "httpUrl": supervise_url() } });
            settings.insert("mcpServers".to_owned(), servers);
        }
    }
    let text = |value| serde_json::to_vec(&value).context("cannot write Gemini CLI's settings");
    let mut seeds = vec![Seed::file(".gemini/settings.json", text(settings)?)];
    let Some(token) = token else { return Ok(seeds) };
    let login = json!({
        "access_token": token,
        "refresh_token": token,
        "token_type": "Bearer",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "expiry_date": NEVER,
    });
    seeds.push(Seed::file(".gemini/oauth_creds.json", text(login)?));
    // Else it asks Google who it is.
    let account = json!({ "active": EMAIL, "old": [] });
    seeds.push(Seed::file(".gemini/google_accounts.json", text(account)?));
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gemini_finds_a_login_of_placeholders_and_whom_to_ask() {
        let seeds_of = seeds(Some("BottlePlaceholder0123"), true).unwrap();
        let text = |at: usize| String::from_utf8(seeds_of[at].contents.clone()).unwrap();
        assert!(text(0).contains(r#""selectedType":"oauth-personal""#), "{}", text(0));
        assert!(text(0).contains("http://supervise:8765/mcp"), "{}", text(0));
        assert!(text(1).contains(r#""access_token":"BottlePlaceholder0123""#), "{}", text(1));
        assert_eq!(seeds_of[2].name, ".gemini/google_accounts.json");
        assert_eq!(seeds(None, false).unwrap().len(), 1);
    }
}
