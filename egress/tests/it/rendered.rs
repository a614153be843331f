//! The service and the files, byte for byte: the snapshot is the review.

use std::path::PathBuf;

use compose_render::{Addresses, ImageRef, Sidecar as _, stitch, to_yaml};
use egress::{Credential, Egress, Form, Placeholder, Route, RoutesFile, Settings};

fn settings(routes: Vec<Route>) -> Settings {
    Settings {
        slug: "fix-login".parse().unwrap(),
        image: ImageRef::local("egress", "0123456789abcdef"),
        folder: PathBuf::from("/state/fix-login/egress"),
        seccomp: PathBuf::from("/state/fix-login/seccomp.json"),
        user: (1000, 1000),
        addresses: Addresses::new(
            "10.213.0.0/28".parse().unwrap(),
            "10.213.0.16/28".parse().unwrap(),
        )
        .unwrap(),
        routes,
        supervised: false,
        pipelock: None,
        pipelock_authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(),
    }
}

fn routes() -> Vec<Route> {
    let credential = |variable: &str, form| Credential {
        variable: variable.parse().unwrap(),
        form,
        placeholder: Some(Placeholder::of_shape("sk-ant-api03-x", variable, b"seed")),
    };
    vec![
        Route::to("*.packages.example.net".parse().unwrap()),
        Route {
            methods: vec!["GET".parse().unwrap()],
            credentials: vec![credential("GITHUB_TOKEN", Form::Bearer)],
            ..Route::to("api.github.com".parse().unwrap())
        },
        Route {
            methods: vec!["POST".parse().unwrap(), "GET".parse().unwrap()],
            paths: vec!["/v1/**".parse().unwrap(), "/api/**".parse().unwrap()],
            credentials: vec![credential(
                "ANTHROPIC_API_KEY",
                Form::Header("x-api-key".parse().unwrap()),
            )],
            ..Route::to("api.anthropic.com".parse().unwrap())
        },
    ]
}

#[test]
fn egress_with_two_credentials() {
    let egress = Egress::new(settings(routes())).unwrap();
    let project = stitch(&"fix-login".parse().unwrap(), [egress.service()]).unwrap();
    insta::assert_snapshot!("compose", to_yaml(&project));
    insta::assert_snapshot!("routes", egress.routes_file());
    let names: Vec<_> = egress.variables().iter().map(|name| name.in_egress()).collect();
    assert_eq!(names, ["BOTTLE_CREDENTIAL_ANTHROPIC_API_KEY", "BOTTLE_CREDENTIAL_GITHUB_TOKEN"]);
}

#[test]
fn what_is_rendered_is_what_egress_reads() {
    let egress = Egress::new(settings(routes())).unwrap();
    let files = egress.files();
    let text = files[0].contents();
    assert_eq!(&RoutesFile::parse(text).unwrap().routes, egress.routes());
    assert_eq!(RoutesFile::digest(text).len(), 64);
}

#[test]
fn routes_with_a_fault_make_no_sidecar() {
    let mut twice = routes();
    let mut other = twice[1].clone();
    other.credentials[0].variable = "OTHER".parse().unwrap();
    twice.push(other);
    assert_eq!(Egress::new(settings(twice)).unwrap_err().len(), 1);
}
