//! The service and the files, byte for byte: the snapshot is the review.

use std::path::PathBuf;

use compose_render::{Addresses, ImageRef, Secret, Sidecar as _, UpstreamProxy, stitch, to_yaml};
use git_gate::{GateFile, GitGate, PushRef, Repository, Settings, Token};

fn settings() -> Settings {
    let repository = |url: &str| Repository {
        url: url.parse().unwrap(),
        key: None,
        known_hosts: None,
        credential: None,
        push: vec![PushRef::own_branches()],
        protected: vec![".github/workflows/**".parse().unwrap()],
    };
    Settings {
        slug: "fix-login".parse().unwrap(),
        image: ImageRef::local("git-gate", "0123456789abcdef"),
        folder: PathBuf::from("/state/fix-login/git-gate"),
        seccomp: PathBuf::from("/state/fix-login/seccomp.json"),
        user: (1000, 1000),
        addresses: Addresses::new(
            "10.213.0.0/28".parse().unwrap(),
            "10.213.0.16/28".parse().unwrap(),
        )
        .unwrap(),
        repositories: vec![
            Repository {
                key: Some(Secret::new("the canary key".to_owned())),
                known_hosts: Some("github.com ssh-ed25519 AAAA\n".to_owned()),
                ..repository("git@github.com:acme/widgets.git")
            },
            Repository {
                credential: Some(Token {
                    env: "GITLAB_TOKEN".to_owned(),
                    user: "oauth2".to_owned(),
                }),
                push: Vec::new(),
                ..repository("https://gitlab.com/acme/gadgets.git")
            },
        ],
        own_secrets: None,
        upstream_ca: Vec::new(),
    }
}

#[test]
fn git_gate_with_two_upstreams() {
    let gate = GitGate::new(settings());
    let project = stitch(&"fix-login".parse().unwrap(), [gate.service()]).unwrap();
    insta::assert_snapshot!("compose", to_yaml(&project));
    insta::assert_snapshot!("gate", gate.gate_file().render());
}

#[test]
fn what_is_rendered_is_what_the_gate_reads_and_holds_no_key() {
    let gate = GitGate::new(settings());
    let files = gate.files();
    assert_eq!(GateFile::parse(files[0].contents()).unwrap(), gate.gate_file());
    let canary: Vec<_> =
        files.iter().filter(|file| file.contents().contains("canary")).map(|f| &f.path).collect();
    assert_eq!(canary, [&PathBuf::from("keys/0")]);
    assert!(files.iter().all(|file| file.mode == 0o600));
    assert!(!format!("{gate:?}").contains("canary"));
}

#[test]
fn c6_a_gate_behind_a_proxy_is_given_its_place_and_its_login_by_the_environment() {
    let proxy = UpstreamProxy { host: "proxy.example.org".parse().unwrap(), port: 3128 };
    let rendered = |login| {
        let gate = GitGate::new(settings()).behind(Some(proxy.clone()), login);
        assert_eq!(gate.gate_file().upstream_proxy, Some(proxy.clone()));
        assert_eq!(GateFile::parse(&gate.gate_file().render()).unwrap(), gate.gate_file());
        to_yaml(&stitch(&"fix-login".parse().unwrap(), [gate.service()]).unwrap())
    };
    let variable = GitGate::variable_inside(compose_render::UPSTREAM_PROXY_CREDENTIAL);
    assert!(rendered(true).contains(&variable) && !rendered(false).contains(&variable));
}
