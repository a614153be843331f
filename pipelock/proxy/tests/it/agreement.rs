//! CONNECT and absolute form are two ways of saying one destination, and get one verdict.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::{collections::BTreeSet, sync::Mutex};

use crate::{
    client::{Answered, exchange, get},
    world::World,
};

/// A host as somebody may write it: allowed, not allowed, an address in some notation, or none.
fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[aA]\\.[oO][rR][gG]\\.?",
        3 => "[a-zA-Z0-9-]{0,6}\\.[bB]\\.org\\.?",
        2 => "(0x)?[0-9a-f]{1,4}(\\.0?[0-7]{1,3}){0,4}",
        1 => "127\\.(0\\.){0,2}1|2130706433|169\\.254\\.169\\.254|93\\.184\\.215\\.14",
        1 => "\\[(::1|::ffff:7f00:1|fe80::1%25eth0|2001:db8::1|a\\.org)\\]",
        2 => "[a-zA-Z0-9._%@\\[\\]-]{0,10}",
    ]
}

fn port() -> impl Strategy<Value = String> {
    prop_oneof![3 => "80|443|8443", 1 => "0|22|080|65535|65536|\\+80|80:80", 1 => "[0-9]{0,6}"]
}

/// What an answer says of the destination. That it is none, hyper may say before us, without a reason.
fn verdict(answered: &Answered) -> (u16, String) {
    if answered.status == 400 {
        return (400, String::new());
    }
    (answered.status, answered.reason())
}

/// By CONNECT, and then over TLS in the tunnel.
async fn tunnelled(world: &World, target: &str) -> (u16, String) {
    let answered = match world.connect(target).await {
        Ok(tunnel) => {
            let name = target.split(':').next().unwrap_or_default();
            let stream = world.tls(tunnel, name).await.unwrap();
            exchange(stream, get(target, "/").as_bytes()).await.unwrap()
        }
        Err(refused) => refused,
    };
    verdict(&answered)
}

async fn absolute(world: &World, target: &str) -> (u16, String) {
    let request = get(target, &format!("http://{target}/"));
    verdict(&world.raw(&request).await.unwrap())
}

#[test]
fn d8_connect_and_absolute_form_get_the_same_verdict() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bottle = "ports: [{host: a.org, port: 8443}]\n";
    let world = runtime.block_on(World::new("api_allowlist: [a.org, '*.b.org']\n", bottle));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let seen = Mutex::new(BTreeSet::new());
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
        .run(&(host(), port()), |(host, port)| {
            let target = format!("{host}:{port}");
            let (one, other) = runtime.block_on(async {
                (tunnelled(&world, &target).await, absolute(&world, &target).await)
            });
            prop_assert_eq!(&one, &other, "{}", target);
            seen.lock().unwrap().insert(one.1);
            Ok(())
        })
        .unwrap();
    // Every kind of verdict was among them.
    let seen = seen.into_inner().unwrap();
    for reason in ["host-not-allowed", "port-not-allowed", "ssrf-private", "name-not-resolved"] {
        assert!(seen.contains(reason), "{reason}: {seen:?}");
    }
}
