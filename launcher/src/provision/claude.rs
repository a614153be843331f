//! What leads Claude Code straight to its prompt: each file left out is a dialog.

use anyhow::Context as _;
use compose_render::contract;
use serde_json::json;

use super::{Seed, supervise_url};

/// The seeds. `approved_key` is the end of the key's placeholder, which Claude would ask about.
pub(super) fn seeds(approved_key: Option<&str>, supervise: bool) -> anyhow::Result<Vec<Seed>> {
    let mut state = json!({
        "hasCompletedOnboarding": true,
        "projects": { (contract::WORKSPACE_DIR): { "hasTrustDialogAccepted": true } },
    });
    if let (Some(key), Some(state)) = (approved_key, state.as_object_mut()) {
        let responses = json!({ "approved": [key], "rejected": [] });
        state.insert("customApiKeyResponses".to_owned(), responses);
    }
    if let (true, Some(state)) = (supervise, state.as_object_mut()) {
        let servers = json!({ "supervise": { "type": "http", "url": supervise_url() } });
        state.insert("mcpServers".to_owned(), servers);
    }
    let settings = json!({ "skipDangerousModePermissionPrompt": true });
    let text = |value| serde_json::to_vec(&value).context("cannot write Claude Code's settings");
    Ok(vec![
        Seed::file(".claude.json", text(state)?),
        Seed::file(".claude/settings.json", text(settings)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_those_that_were_tried() {
        let with = |key, supervise| {
            let seeds = seeds(key, supervise).unwrap();
            seeds
                .into_iter()
                .map(|seed| String::from_utf8(seed.contents).unwrap())
                .collect::<Vec<_>>()
        };
        let state = r#"{"customApiKeyResponses":{"approved":["00000000000000000001"],"rejected":[]},"hasCompletedOnboarding":true,"projects":{"/workspace":{"hasTrustDialogAccepted":true}}}"#;
        let settings = r#"{"skipDangerousModePermissionPrompt":true}"#;
        let text = |key| with(key, false);
        assert_eq!(text(Some("00000000000000000001")), [state, settings]);
        let servers =
            r#""mcpServers":{"supervise":{"type":"http","url":"http://supervise:8765/mcp"}}"#;
        assert!(with(None, true)[0].contains(servers) && !text(None)[0].contains("mcpServers"));
        assert!(!text(None)[0].contains("customApiKeyResponses"));
    }
}
