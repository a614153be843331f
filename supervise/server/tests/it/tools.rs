//! What a well-behaved client gets.

use serde_json::{Value, json};
use supervise::AnswerVerdict;

use crate::world::World;

#[tokio::test]
async fn claude_code_finds_its_tools_as_it_asks_for_them() {
    let world = World::new().await;
    // The order in which it was seen to ask.
    let newest = "2026-07-28";
    let meta = json!({"io.modelcontextprotocol/protocolVersion": newest,
        "io.modelcontextprotocol/clientInfo": {"name": "claude-code", "version": "2"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    let discover = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover",
        "params": {"_meta": meta}});
    let headers = [("mcp-protocol-version", newest), ("mcp-method", "server/discover")];
    let (status, _, found) = world.post(&headers, &discover.to_string()).await;
    assert!(status == 200 && found.contains("propose"), "{status} {found}");
    let version = "2025-11-25";
    let hello = json!({"protocolVersion": version, "capabilities": {},
        "clientInfo": {"name": "claude-code", "version": "2"}});
    let hello = world.rpc("initialize", hello).await;
    assert_eq!(hello["result"]["protocolVersion"], version);
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    let (status, _, body) = world.post(&[], &note).await;
    assert_eq!((status, body.as_str()), (202, ""));
    let get = "GET /mcp HTTP/1.1\r\nhost: supervise:8765\r\nconnection: close\r\n\r\n";
    let (status, head, _) = world.send(get.as_bytes()).await;
    assert_eq!(status, 405);
    assert!(head.to_lowercase().contains("allow: post"), "{head}");
    let list = world.rpc("tools/list", json!({})).await;
    let names: Vec<_> = list["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    let wanted = [
        "policy",
        "denials",
        "propose_egress",
        "propose_credential_use",
        "propose_push",
        "propose_package",
        "status",
        "wait",
        "withdraw",
    ];
    assert_eq!(names, wanted);
}

#[tokio::test]
async fn what_is_asked_for_waits_for_a_person_and_is_answered() {
    let world = World::new().await;
    let arguments = json!({"host": "docs.example.org", "methods": ["GET"], "reason": "to read"});
    let (asked, error) = world.tool("propose_egress", arguments.clone()).await;
    assert!(!error, "{asked}");
    assert_eq!(asked["state"], "open");
    let id = asked["id"].as_str().unwrap().to_owned();
    // The same again is the same.
    assert_eq!(world.tool("propose_egress", arguments).await.0["id"], id);
    let waited = world.tool("wait", json!({"id": id, "timeout_seconds": 1})).await.0;
    assert_eq!(waited["state"], "open");
    let (waited, ()) = tokio::join!(world.tool("wait", json!({"id": id})), async {
        world.answer(&id, AnswerVerdict::Denied, "not today");
    });
    assert_eq!((&waited.0["state"], &waited.0["reason"]), (&json!("denied"), &json!("not today")));
    let all = world.tool("status", json!({})).await.0;
    assert_eq!(all["proposals"].as_array().unwrap().len(), 1);
    for (tool, arguments, told) in [
        (
            "propose_credential_use",
            json!({"credential": "API_TOKEN", "host": "api.example.org", "paths": ["/v1/**"]}),
            "api.example.org: every method, /v1/**, with the credential API_TOKEN",
        ),
        (
            "propose_push",
            json!({"upstream": "git.example.org/acme/widgets", "ref": "refs/heads/x",
                   "object": "0123456789012345678901234567890123456789"}),
            "push 012345678901 to refs/heads/x of git.example.org/acme/widgets, once",
        ),
        (
            "propose_package",
            json!({"manager": "pip", "package": "six", "hosts": ["files.example.org"]}),
            "pip package six: reading from files.example.org",
        ),
    ] {
        let mut arguments = arguments;
        assert!(world.tool(tool, arguments.clone()).await.1, "without a reason: {tool}");
        arguments["reason"] = json!("it is needed");
        let (asked, error) = world.tool(tool, arguments).await;
        assert!(!error, "{asked}");
        assert_eq!(asked["asks_for"], told);
    }
    assert!(world.tool("withdraw", json!({"id": id})).await.1, "it was answered");
}

#[tokio::test]
async fn j9_policy_and_denials_are_this_bottles_own() {
    let world = World::new().await;
    assert!(world.tool("policy", json!({})).await.1);
    world.write("inbox/policy.json", r#"{"version":2,"routes":[],"allow":["a.org"]}"#);
    let policy = world.tool("policy", json!({})).await.0;
    assert_eq!((&policy["version"], &policy["allow"]), (&json!(2), &json!(["a.org"])));
    assert_eq!(world.tool("denials", json!({})).await.0["denials"], json!([]));
    let line = r#"{"time":"1","event":"denied","service":"pipelock","host":"b.org","method":"GET","path":"/x","reason":"host-not-allowed"}"#;
    world.write("watched/pipelock/decisions.jsonl", &format!("{line}\n"));
    let denials = world.tool("denials", json!({})).await.0;
    let propose: &Value = &denials["denials"][0]["propose"]["args"];
    assert_eq!(propose["host"], "b.org");
    let mut arguments = propose.clone();
    arguments["reason"] = json!("what it said");
    assert!(!world.tool("propose_egress", arguments).await.1);
}
