//! A policy that changes while egress runs, and the end of it.

use std::time::Duration;

use egress::RoutesFile;
use serde_json::Value;

use crate::agent::ask;
use crate::world::{CANARY, World, api_key, plainly, route, write};

fn status(world: &World) -> Value {
    serde_json::from_str(&world.status.to_json()).unwrap()
}

#[tokio::test]
async fn j6_a_bad_file_changes_nothing_and_a_good_one_everything() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    let first = status(&world)["config_digest"].clone();
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);

    for bad in ["", "version: 1", "not: [yaml", "version: 1\nroutes: []\n"] {
        write(&world.routes_file(), bad);
        world.plane.reload();
        let now = status(&world);
        assert_eq!((&now["config_digest"], &now["generation"]), (&first, &1.into()), "{bad:?}");
        assert_eq!(now["refused_digest"], RoutesFile::digest(bad));
        assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
    }
    std::fs::remove_file(world.routes_file()).unwrap();
    world.plane.reload();
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);

    let text = world.write_routes(vec![route(&[], &["/v2/**"])]);
    world.plane.reload();
    let now = status(&world);
    assert_eq!(now["config_digest"], RoutesFile::digest(&text));
    assert_eq!((&now["generation"], &now["refused_digest"]), (&2.into(), &Value::Null));
    assert_eq!(ask(&world, "GET /v1/models").await.reason(), "path-not-allowed");
    assert_eq!(ask(&world, "GET /v2/models").await.status, 200);
    let last = world.seen().pop().unwrap();
    assert!(!last.headers.contains_key("x-api-key"), "{last:?}");
}

#[tokio::test]
async fn after_sigterm_no_connection_is_taken_and_everything_ends() {
    let world = World::start(vec![api_key()], &[("KEY", CANARY)], plainly).await;
    assert_eq!(ask(&world, "GET /v1/models").await.status, 200);
    world.shutdown.request();
    assert_eq!(world.shutdown.drain(Duration::from_mins(1)).await, 0);
    assert!(tokio::net::TcpStream::connect(world.egress).await.is_err());
}
