//! Policies that come into force while it runs, and those that do not.

use crate::{
    client::{PATIENCE, get, read_to_its_end, read_until},
    upstream::{HELLO, Upstream},
    world::{World, bottle},
};
use pipelock_proxy::rules::Files;
use tokio::{io::AsyncWriteExt as _, time::timeout};

const BOTH: &str = "api_allowlist: [a.org, b.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";
const ONE: &str = "api_allowlist: [b.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";

#[tokio::test]
async fn j6_a_bad_policy_is_refused_and_the_old_one_stays() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    let good = Files::read(&world.config()).unwrap().digest();
    for (policy, own) in
        [("api_allowlist: [a.org", ""), ("surprise: 1\n", ""), ("", "surprise: 1\n"), ("---\n", "")]
    {
        world.reload(policy, own);
        let status = world.status();
        assert_eq!(status["refused_digest"], Files::read(&world.config()).unwrap().digest());
        assert!(!status["refused_because"].as_str().unwrap().is_empty());
        assert_eq!(world.door.rules().digest, good);
        assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
    }
    std::fs::remove_file(world.config()).unwrap();
    world.read_again();
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
    assert_eq!(world.reason("config-refused").await["generation"], 1);
}

#[tokio::test]
async fn j6_a_good_policy_is_in_force_and_reported() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    world.reload(ONE, &bottle(&upstream));
    let status = world.status();
    assert_eq!(status["config_digest"], Files::read(&world.config()).unwrap().digest());
    assert_eq!(status["generation"], 2);
    assert!(status["refused_digest"].is_null());
    let answer = world.https(&target, &get(&target, "/")).await;
    assert_eq!(answer.reason(), "host-not-allowed");
    world.reload(BOTH, &bottle(&upstream));
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
    assert_eq!(world.line(|line| line["event"] == "allowed").await["generation"], 3);
}

#[tokio::test]
async fn the_same_files_again_are_no_new_generation() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    world.read_again();
    assert_eq!(world.status()["generation"], 1);
}

#[tokio::test]
async fn j7_a_host_that_is_taken_away_loses_its_open_answers() {
    // The answer promises more than it brings, and stays open.
    let never = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhello";
    let upstream = Upstream::open(never).await;
    let world = World::new(BOTH, &bottle(&upstream)).await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    let tunnel = world.connect(&target).await.unwrap();
    let mut stream = world.tls(tunnel, "a.org").await.unwrap();
    stream.write_all(get(&target, "/").as_bytes()).await.unwrap();
    read_until(&mut stream, "hello").await;
    world.reload(ONE, &bottle(&upstream));
    read_to_its_end(stream).await;
}

#[tokio::test]
async fn j7_a_host_that_is_taken_away_loses_requests_whose_bodies_are_still_coming() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::new(BOTH, &bottle(&upstream)).await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    let tunnel = world.connect(&target).await.unwrap();
    let mut stream = world.tls(tunnel, "a.org").await.unwrap();
    // Short enough to be read whole before anything is dialled.
    let head = format!("POST / HTTP/1.1\r\nhost: {target}\r\ncontent-length: 200\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b'x'; 100]).await.unwrap();
    stream.flush().await.unwrap();
    timeout(PATIENCE, async {
        while world.door.in_flight() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it never arrived");
    world.reload(ONE, &bottle(&upstream));
    let received = read_to_its_end(stream).await;
    assert!(!String::from_utf8_lossy(&received).contains("200 OK"));
    assert_eq!(upstream.seen().connections, 0);
}
