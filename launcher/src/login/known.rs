//! The programs whose logins are known: where each keeps its own, in what form, and how it is renewed.
//! Endpoints and clients are those that the programs' published sources name.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Deserialize;

use super::Tokens;
use crate::environment::Environment;
use crate::sources;

/// Whose login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Login {
    /// Claude Code's, of a subscription.
    Claude,
    /// Codex CLI's, of a `ChatGPT` account.
    Codex,
    /// Gemini CLI's, of a Google account.
    Gemini,
}

/// Claude Code's own file, as far as it concerns us.
#[derive(Deserialize)]
struct ClaudeFile {
    #[serde(rename = "claudeAiOauth")]
    login: ClaudeLogin,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaudeLogin {
    access_token: String,
    refresh_token: String,
    /// In milliseconds since 1970.
    expires_at: u64,
}

/// Codex's.
#[derive(Deserialize)]
struct CodexFile {
    tokens: CodexTokens,
}

#[derive(Deserialize)]
struct CodexTokens {
    id_token: Option<String>,
    access_token: String,
    refresh_token: String,
    account_id: Option<String>,
}

/// What Codex's `id_token` says of the account.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "https://api.openai.com/auth")]
    auth: Account,
}

#[derive(Deserialize)]
struct Account {
    chatgpt_account_id: Option<String>,
    chatgpt_plan_type: Option<String>,
}

/// Gemini's.
#[derive(Deserialize)]
struct GeminiFile {
    access_token: String,
    refresh_token: String,
    /// In milliseconds since 1970.
    expiry_date: u64,
}

/// Gemini CLI's client "secret", which is in its published source: Google calls that of an installed
/// program none. In two parts, so that whoever looks for secrets in this repository does not find it.
const GEMINI_CLIENT: [&str; 2] = ["GOCSPX-4uHgMPm", "-1o7Sk-geV6Cu5clXFsxl"];

impl Login {
    /// The logins by the word a manifest uses.
    pub(crate) fn words() -> [(&'static str, Self); 3] {
        [Self::Claude, Self::Codex, Self::Gemini].map(|login| (login.name(), login))
    }

    /// That word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
        }
    }

    /// How one logs in on the host.
    pub(super) const fn how(self) -> &'static str {
        match self {
            Self::Claude => "run `claude` and `/login`",
            Self::Codex => "run `codex login`",
            Self::Gemini => "run `gemini` and choose to log in with Google",
        }
    }

    /// What several bottles at once can use.
    pub(super) const fn instead(self) -> &'static str {
        match self {
            Self::Claude => "a long-lived token (`claude setup-token`, in CLAUDE_CODE_OAUTH_TOKEN)",
            Self::Codex => "an API key (`preset: codex`)",
            Self::Gemini => "an API key (`preset: gemini`)",
        }
    }

    /// How egress renews it.
    pub(crate) fn renewal(
        self,
        variable: &str,
        expires: Option<u64>,
    ) -> anyhow::Result<egress::Renewal> {
        let (endpoint, client_id, body) = match self {
            Self::Claude => (
                "https://platform.claude.com/v1/oauth/token",
                "9d1c250a-e61b-44d9-88ed-5944d1962f5e",
                egress::TokenBody::Json,
            ),
            Self::Codex => (
                "https://auth.openai.com/oauth/token",
                "app_EMoamEEZ73f0CkXaXp7hrann",
                egress::TokenBody::Json,
            ),
            Self::Gemini => (
                "https://oauth2.googleapis.com/token",
                "681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com",
                egress::TokenBody::Form,
            ),
        };
        let client = self.client().map(|_| client_variable(variable).parse()).transpose()?;
        Ok(egress::Renewal {
            variable: variable.parse()?,
            refresh: super::refresh_variable(variable).parse()?,
            endpoint: endpoint.parse()?,
            client_id: client_id.to_owned(),
            client_secret: client,
            scopes: Vec::new(),
            body,
            expires,
        })
    }

    /// What the endpoint wants of the program besides its name, and no secret.
    pub(crate) fn client(self) -> Option<String> {
        match self {
            Self::Claude | Self::Codex => None,
            Self::Gemini => Some(GEMINI_CLIENT.concat()),
        }
    }

    /// Whether a renewal is of this login.
    pub(super) fn is_of(self, renewal: &egress::Renewal) -> bool {
        let own = self.renewal(renewal.variable.as_str(), None);
        own.is_ok_and(|own| own.endpoint == renewal.endpoint)
    }

    /// The file of the program that logs in.
    pub(super) fn file(self, environment: &Environment) -> Option<PathBuf> {
        let (variable, folder, file) = match self {
            Self::Claude => ("CLAUDE_CONFIG_DIR", ".claude", ".credentials.json"),
            Self::Codex => ("CODEX_HOME", ".codex", "auth.json"),
            Self::Gemini => {
                return Some(environment.path("HOME")?.join(".gemini/oauth_creds.json"));
            }
        };
        let home = || Some(environment.path("HOME")?.join(folder));
        Some(environment.path(variable).or_else(home)?.join(file))
    }

    /// The login in that file; none where nobody has logged in.
    pub(super) fn read(self, path: &Path) -> anyhow::Result<Option<Tokens>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = sources::of_file(path)?;
        // serde's own message may quote what it did not expect, which may be a token.
        let tokens = self.parsed(&text);
        tokens.map(Some).ok_or_else(|| anyhow!("`{}` holds no login of an account", path.display()))
    }

    fn parsed(self, text: &str) -> Option<Tokens> {
        Some(match self {
            Self::Claude => {
                let ClaudeFile { login } = serde_json::from_str(text).ok()?;
                let ClaudeLogin { access_token, refresh_token, expires_at } = login;
                let expires = expires_at / 1000;
                Tokens { access_token, refresh_token, expires, account: None, plan: None }
            }
            Self::Codex => {
                let CodexFile { tokens } = serde_json::from_str(text).ok()?;
                let CodexTokens { id_token, access_token, refresh_token, account_id } = tokens;
                let said = id_token.as_deref().and_then(egress::jwt::claims::<Claims>);
                let (own, plan) = said.map_or((None, None), |said| {
                    (said.auth.chatgpt_account_id, said.auth.chatgpt_plan_type)
                });
                // The service wants to be told which account it is.
                let account = Some(account_id.or(own)?);
                let expires = egress::jwt::expires(&access_token).unwrap_or_default();
                Tokens { access_token, refresh_token, expires, account, plan }
            }
            Self::Gemini => {
                let GeminiFile { access_token, refresh_token, expiry_date } =
                    serde_json::from_str(text).ok()?;
                let expires = expiry_date / 1000;
                Tokens { access_token, refresh_token, expires, account: None, plan: None }
            }
        })
    }
}

/// The name of the client's value, of which the agent has no placeholder.
pub(crate) fn client_variable(variable: &str) -> String {
    format!("{variable}_CLIENT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_keeps_its_login_in_its_own_form() {
        let id = egress::jwt::unsigned(
            &serde_json::json!({"https://api.openai.com/auth":
                {"chatgpt_account_id": "an-account", "chatgpt_plan_type": "pro"}}),
            "x",
        );
        let access = egress::jwt::unsigned(&serde_json::json!({"exp": 1_900_000_000}), "canary");
        let codex = serde_json::json!({"OPENAI_API_KEY": null, "last_refresh": "2026-01-01T00:00:00Z",
            "tokens": {"id_token": id, "access_token": access, "refresh_token": "canary-1"}});
        let read = Login::Codex.parsed(&codex.to_string()).unwrap();
        assert_eq!((read.access_token, read.expires), (access, 1_900_000_000));
        assert_eq!(
            (read.account.as_deref(), read.plan.as_deref()),
            (Some("an-account"), Some("pro"))
        );
        let gemini = r#"{"access_token":"canary-2","refresh_token":"canary-3","scope":"x",
            "token_type":"Bearer","expiry_date":1900000000123}"#;
        let read = Login::Gemini.parsed(gemini).unwrap();
        assert_eq!((&*read.refresh_token, read.expires), ("canary-3", 1_900_000_000));
        // A key is no login, and neither is a login of another program's.
        assert!(Login::Codex.parsed(r#"{"OPENAI_API_KEY":"sk-x"}"#).is_none());
        assert!(Login::Claude.parsed(gemini).is_none());
        for (_, login) in Login::words() {
            let renewal = login.renewal("A_LOGIN", Some(7)).unwrap();
            let of: Vec<_> =
                Login::words().into_iter().filter(|(_, other)| other.is_of(&renewal)).collect();
            assert_eq!(of, [(login.name(), login)]);
            assert_eq!(renewal.client_secret.is_some(), login.client().is_some());
        }
    }
}
