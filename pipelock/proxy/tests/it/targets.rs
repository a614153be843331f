//! Addresses, ports and malformed targets; names that lead where nothing may go.

use crate::{
    client::get,
    upstream::{HELLO, Upstream},
    world::World,
};

#[tokio::test]
async fn c1_an_address_is_refused_at_the_connect_with_a_reason() {
    let world = World::new("api_allowlist: [a.org]\n", "").await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "100.64.0.1",
        "198.18.0.1",
        "192.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "10.213.0.4",
    ] {
        let refused = world.connect(&format!("{host}:443")).await.unwrap_err();
        assert_eq!((refused.status, refused.reason().as_str()), (403, "ssrf-private"), "{host}");
    }
    for host in ["169.254.169.254", "[fd00:ec2::254]"] {
        let refused = world.connect(&format!("{host}:80")).await.unwrap_err();
        assert_eq!((refused.status, refused.reason().as_str()), (403, "ssrf-metadata"), "{host}");
    }
    assert!(world.names.asked().is_empty());
    assert_eq!(world.reason("ssrf-metadata").await["host"], "169.254.169.254");
}

#[tokio::test]
async fn c2_a_public_address_needs_a_rule_of_its_own() {
    let world = World::new("api_allowlist: [a.org]\n", "").await;
    let refused = world.connect("1.1.1.1:443").await.unwrap_err();
    assert_eq!((refused.status, refused.reason().as_str()), (403, "address-not-allowed"));
    let absolute = world.raw(&get("1.1.1.1", "http://1.1.1.1/")).await.unwrap();
    assert_eq!(absolute.reason(), "address-not-allowed");
}

#[tokio::test]
async fn c3_a_port_that_is_none_is_refused_at_the_connect() {
    let world = World::new("api_allowlist: [allowed.com]\n", "").await;
    for port in [":0", ":65536", ":65537", ":+443", ":", ":443:80", "", ":0443", ":4e2"] {
        let refused = world.connect(&format!("allowed.com{port}")).await.unwrap_err();
        assert_eq!(refused.status, 400, "{port}");
    }
    for port in [22, 25, 53, 2379, 6443, 10250] {
        let target = format!("allowed.com:{port}");
        let answer = world.https(&target, &get(&target, "/")).await;
        assert_eq!(answer.reason(), "port-not-allowed", "{port}");
    }
    assert!(world.names.asked().is_empty());
}

#[tokio::test]
async fn c5_userinfo_and_bracket_tricks_are_refused() {
    let world = World::new("api_allowlist: [allowed.com]\n", "").await;
    for target in ["allowed.com:443@evil.com", "[allowed.com]:443", "[fe80::1%25eth0]:443"] {
        let refused = world.connect(target).await.unwrap_err();
        assert_eq!(refused.status, 400, "{target}");
    }
    for uri in [
        "http://allowed.com@evil.com/",
        "http://allowed.com:443@evil.com/",
        "http://[allowed.com]/",
        "http://evil.com#@allowed.com",
        "http://allowed.com\\@evil.com",
    ] {
        let refused = world.raw(&get("allowed.com", uri)).await.unwrap();
        assert_eq!(refused.status, 400, "{uri}");
    }
    assert!(world.names.asked().is_empty());
}

#[tokio::test]
async fn b4_a_name_that_leads_inward_is_not_dialled() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let bottle = crate::world::bottle(&upstream);
    let world = World::new("api_allowlist: [a.org]\n", &bottle).await;
    let target = format!("a.org:{}", upstream.address.port());
    for answers in [
        &["127.0.0.1"][..],
        &["93.184.215.14", "127.0.0.1"],
        &["93.184.215.14", "::1"],
        &["::ffff:127.0.0.1"],
    ] {
        world.names.set("a.org", answers);
        let answer = world.https(&target, &get(&target, "/")).await;
        assert_eq!(answer.reason(), "ssrf-private", "{answers:?}");
    }
    world.names.set("a.org", &["169.254.169.254"]);
    let answer = world.https(&target, &get(&target, "/")).await;
    assert_eq!(answer.reason(), "ssrf-metadata");
    assert_eq!(upstream.seen().connections, 0);
}

#[tokio::test]
async fn b4_a_name_that_turns_inward_is_caught_at_the_next_connection() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let world = World::leading_to(&upstream).await;
    let target = format!("a.org:{}", upstream.address.port());
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
    for inward in [&["10.0.0.1"][..], &["127.0.0.1", "169.254.1.1"]] {
        world.names.set("a.org", inward);
        let answer = world.https(&target, &get(&target, "/")).await;
        assert_eq!(answer.reason(), "ssrf-private");
    }
    assert_eq!(upstream.seen().requests.len(), 1);
}

#[tokio::test]
async fn an_address_of_our_own_is_not_dialled_though_its_network_is_exempted() {
    let upstream = Upstream::tls("a.org", HELLO).await;
    let bottle = format!("{}never_dial: [127.0.0.1]\n", crate::world::bottle(&upstream));
    let exempted = "api_allowlist: [a.org]\nssrf: {ip_allowlist: [127.0.0.0/8]}\n";
    let world = World::new(exempted, &bottle).await;
    world.names.set("a.org", &["127.0.0.1"]);
    let target = format!("a.org:{}", upstream.address.port());
    assert_eq!(world.https(&target, &get(&target, "/")).await.reason(), "ssrf-private");
    assert_eq!(upstream.seen().connections, 0);
    // The stand-in is that address for its name alone.
    let bottle = format!("{bottle}stand_in: {{host: a.org, address: 127.0.0.1}}\n");
    world.reload(exempted, &bottle);
    assert_eq!(world.https(&target, &get(&target, "/")).await.status, 200);
}
