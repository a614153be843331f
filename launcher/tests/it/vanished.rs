//! An image that was there when a start looked for it, and is gone when its container is made.

use std::fs::{OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use compose_run::{images, program};
use compose_testkit::{record, sidecars};

use crate::ground::Ground;

/// Before its first `up`, somebody else removes the image of pipelock that the bottle is to run.
const TAKES_THE_IMAGE: &str = r#"#!/bin/sh
case " $* " in
*" up "*)
    if mkdir TAKEN 2> TAKEN.err; then
        image=$(sed -n 's/.*image: "\(.*\/pipelock:.*\)".*/\1/p' FILE)
        docker image rm --force "$image" >&2 || exit 9
    fi ;;
esac
exec PROGRAM "$@"
"#;

#[test]
fn k3_an_image_that_vanishes_while_the_bottle_starts_is_built_again() {
    let mut ground = Ground::new("life-vanished");
    let own = ground.account.here().join("sidecars");
    std::fs::create_dir(&own).unwrap();
    for entry in std::fs::read_dir(sidecars().dir()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, own.join(path.file_name().unwrap())).unwrap();
    }
    // Another hash, and so an image that no other test runs; a loader does not look behind the end.
    let mut pipelock = OpenOptions::new().append(true).open(own.join(pipelock::BINARY)).unwrap();
    pipelock.write_all(ground.slug.as_str().as_bytes()).unwrap();
    drop(pipelock);
    ground.account.set("BOTTLE_SIDECARS", own.to_str().unwrap());
    let compose = program::found("docker-compose").expect("Compose v1 is needed");
    let script = TAKES_THE_IMAGE
        .replace("PROGRAM", compose.to_str().unwrap())
        .replace("FILE", ground.state("docker-compose.yml").to_str().unwrap())
        .replace("TAKEN", ground.account.here().join("taken").to_str().unwrap());
    let takes = ground.account.write("compose", &script);
    std::fs::set_permissions(&takes, Permissions::from_mode(0o755)).unwrap();
    ground.account.set("BOTTLE_COMPOSE", takes.to_str().unwrap());
    let said = ground.start(&["--", "-c", "true"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("was removed meanwhile"), "{said:?}");
    record("K3", "an image that vanished between its look and `up`", "built again; it started");
    ground.assert_gone();
    let composed = std::fs::read_to_string(ground.state("docker-compose.yml")).unwrap();
    let image = composed.split('"').find(|text| text.contains("/pipelock:")).unwrap();
    images::remove(&ground.docker, image).unwrap();
}
