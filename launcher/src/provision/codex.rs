//! What leads Codex straight to its work: without these files it asks, or sends no key.

use anyhow::Context as _;
use compose_render::{Role, contract};
use serde_json::json;

use super::Seed;

/// The seeds. `key` is the placeholder, which Codex reads from a file and not from `OPENAI_API_KEY`;
/// `told` is what stands in front of every prompt.
pub(super) fn seeds(
    key: Option<&str>,
    told: Option<&str>,
    supervise: bool,
) -> anyhow::Result<Vec<Seed>> {
    // The bottle is the sandbox: one of Codex's own finds no privileges to be made with.
    let mut config = format!(
        "approval_policy = \"never\"\nsandbox_mode = \"danger-full-access\"\n\
         check_for_update_on_startup = false\n\n\
         [analytics]\nenabled = false\n\n[features]\nplugins = false\n\n\
         [projects.\"{}\"]\ntrust_level = \"trusted\"\n",
        contract::WORKSPACE_DIR
    );
    if supervise {
        let url = format!("http://{}:{}/mcp", Role::Supervise, contract::SUPERVISE_PORT);
        config.extend(["\n[mcp_servers.supervise]\nurl = \"", &url, "\"\n"]);
    }
    let mut seeds = vec![Seed::file(".codex/config.toml", config)];
    if let Some(key) = key {
        let login = json!({ "auth_mode": "apikey", "OPENAI_API_KEY": key });
        let login = serde_json::to_vec(&login).context("cannot write Codex's login")?;
        seeds.push(Seed::file(".codex/auth.json", login));
    }
    if let Some(told) = told {
        seeds.push(Seed::file(".codex/AGENTS.md", told));
    }
    Ok(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codex_gets_its_key_its_trust_and_whom_to_ask() {
        let names = |seeds: &[Seed]| seeds.iter().map(|seed| seed.name.clone()).collect::<Vec<_>>();
        let seeds_of = seeds(Some("sk-BottlePlaceholder"), Some("be brief"), true).unwrap();
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
        let alone = seeds(None, None, false).unwrap();
        assert_eq!(names(&alone), [".codex/config.toml"]);
        assert!(!String::from_utf8_lossy(&alone[0].contents).contains("mcp_servers"));
    }
}
