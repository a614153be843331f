//! What leads Codex straight to its work: without these files it asks, or sends no key.

use anyhow::Context as _;
use compose_render::contract;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{EMAIL, Seed, supervise_url};
use crate::plan::CodexLogin;

/// The seeds. `login` is Codex's own file, which it reads and not `OPENAI_API_KEY`; `told` is what
/// stands in front of every prompt.
pub(super) fn seeds(login: Option<Value>, told: Option<&str>, supervise: bool) -> Vec<Seed> {
    // The bottle is the sandbox: one of Codex's own finds no privileges to be made with.
    let mut config = format!(
        "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n\
         check_for_update_on_startup = false\n\n\
         [analytics]\nenabled = false\n\n[features]\nplugins = false\n\n\
         [projects.\"{}\"]\ntrust_level = \"trusted\"\n",
        contract::WORKSPACE_DIR
    );
    if supervise {
        config.extend(["\n[mcp_servers.supervise]\nurl = \"", &supervise_url(), "\"\n"]);
    }
    let mut seeds = vec![Seed::file(".codex/config.toml", config)];
    seeds.extend(login.map(|login| Seed::file(".codex/auth.json", login.to_string())));
    seeds.extend(told.map(|told| Seed::file(".codex/AGENTS.md", told)));
    seeds
}

/// Its file. Of an account it wants a token that says whose it is, and when it was renewed last: one
/// that is old it would renew itself.
pub(super) fn login(login: &CodexLogin, now: OffsetDateTime) -> anyhow::Result<Value> {
    let (token, account, plan) = match login {
        CodexLogin::Key(key) => {
            return Ok(json!({ "auth_mode": "apikey", "OPENAI_API_KEY": key }));
        }
        CodexLogin::Account { token, account, plan } => (token, account, plan),
    };
    let claims = json!({
        "email": EMAIL,
        "https://api.openai.com/auth": {
            "chatgpt_account_id": account,
            "chatgpt_plan_type": plan.as_deref().unwrap_or("plus"),
        },
    });
    Ok(json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": egress::jwt::unsigned(&claims, egress::MARK),
            "access_token": token,
            "refresh_token": token,
            "account_id": account,
        },
        "last_refresh": now.format(&Rfc3339).context("the clock is nowhere near")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codex_gets_its_key_its_trust_and_whom_to_ask() {
        let names = |seeds: &[Seed]| seeds.iter().map(|seed| seed.name.clone()).collect::<Vec<_>>();
        let now = OffsetDateTime::UNIX_EPOCH;
        let key = login(&CodexLogin::Key("sk-BottlePlaceholder".to_owned()), now).unwrap();
        let seeds_of = seeds(Some(key), Some("be brief"), true);
        assert_eq!(
            names(&seeds_of),
            [".codex/config.toml", ".codex/auth.json", ".codex/AGENTS.md"]
        );
        let text = |at: usize| String::from_utf8(seeds_of[at].contents.clone()).unwrap();
        assert!(text(0).contains("[projects.\"/workspace\"]\ntrust_level = \"trusted\""));
        assert!(
            text(0).ends_with("[mcp_servers.supervise]\nurl = \"http://supervise:8765/mcp\"\n")
        );
        let login = r#"{"OPENAI_API_KEY":"sk-BottlePlaceholder","auth_mode":"apikey"}"#;
        assert_eq!(text(1), login);
        let alone = seeds(None, None, false);
        assert_eq!(names(&alone), [".codex/config.toml"]);
        assert!(!String::from_utf8_lossy(&alone[0].contents).contains("mcp_servers"));
    }

    #[test]
    fn an_account_is_told_by_placeholders_alone() {
        let account = CodexLogin::Account {
            token: "BottlePlaceholder0123".to_owned(),
            account: "BottlePlaceholder4567".to_owned(),
            plan: Some("pro".to_owned()),
        };
        let file = login(&account, OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!(file["tokens"]["access_token"], "BottlePlaceholder0123");
        assert_eq!(file["last_refresh"], "1970-01-01T00:00:00Z");
        let id = file["tokens"]["id_token"].as_str().unwrap();
        let said: Value = egress::jwt::claims(id).unwrap();
        let auth = &said["https://api.openai.com/auth"];
        assert_eq!(auth["chatgpt_account_id"], "BottlePlaceholder4567");
        assert_eq!((&auth["chatgpt_plan_type"], id.ends_with(egress::MARK)), (&json!("pro"), true));
    }
}
