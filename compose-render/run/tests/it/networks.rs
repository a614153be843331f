//! Two networks for each bottle, however many start at once.

use compose_render::{Network, Slug};
use compose_run::networks::{self, NetworkError, Pool, Uplink};
use compose_testkit::{Stack, eventually};
use std::{collections::BTreeSet, net::TcpListener, thread};

/// Small enough that two starts at once are sure to meet, and apart from the default pool.
fn small_pool() -> Pool {
    "10.214.77.0/26".parse().unwrap()
}

#[test]
fn k2_two_starts_at_once_get_four_subnets() {
    let stacks = [Stack::new("net-a"), Stack::new("net-b")];
    let pool = small_pool();
    // Four subnets are there and four are needed; a test beside this one may hold some of them.
    let create = |stack: &Stack| {
        eventually("room in the pool", || {
            let (slug, state) = (stack.slug(), stack.state().path());
            let made = networks::create(stack.docker(), slug, state, &pool, Uplink::Sealed);
            made.map_err(|error| error.to_string())
        })
    };
    let made = thread::scope(|scope| {
        let other = scope.spawn(|| create(&stacks[0]));
        [create(&stacks[1]), other.join().unwrap()]
    });
    let subnets: BTreeSet<_> = made
        .iter()
        .flat_map(|addresses| Network::ALL.map(|network| addresses.subnet(network)))
        .collect();
    assert_eq!(subnets.len(), 4, "{made:?}");
    let third: Slug = format!("{}-x", stacks[0].slug()).parse().unwrap();
    let (docker, state) = (stacks[0].docker(), stacks[0].state().path());
    let full = networks::create(docker, &third, state, &pool, Uplink::Sealed).unwrap_err();
    let is_full = matches!(full, NetworkError::Exhausted { .. } | NetworkError::Routed { .. });
    assert!(is_full, "{full}");
    let left = networks::list(docker).unwrap();
    assert!(left.iter().all(|network| network.slug != third), "half of a bottle's networks");
}

#[test]
fn a_stale_network_is_told_and_removed_by_its_bottles_name() {
    let stack = Stack::new("net-stale");
    let (docker, slug) = (stack.docker(), stack.slug());
    stack.networks(Uplink::Sealed);
    docker.run(["network", "rm", &Network::Internal.name(slug)]).unwrap();
    let taken = networks::create(docker, slug, stack.state().path(), stack.pool(), Uplink::Sealed);
    let taken = taken.unwrap_err();
    assert!(matches!(taken, NetworkError::Taken(_)), "{taken}");
    networks::remove(docker, slug).unwrap();
    networks::remove(docker, slug).unwrap();
    stack.networks(Uplink::Sealed);
}

#[test]
fn a_network_goes_as_soon_as_the_last_container_has_left_it() {
    let stack = Stack::new("net-late");
    let (docker, slug) = (stack.docker(), stack.slug());
    stack.networks(Uplink::Sealed);
    let late = stack.client("late", Network::Internal);
    thread::scope(|scope| {
        let removed = scope.spawn(|| networks::remove(docker, slug));
        let uplink = Network::Uplink.name(slug);
        // The other network is gone: this one was asked to go and could not.
        eventually("the uplink's end", || {
            let there = docker.run(["network", "inspect", &uplink]);
            there.is_err().then_some(()).ok_or_else(|| "it is still there".to_owned())
        });
        docker.run(["rm", "--force", late.name()]).unwrap();
        removed.join().unwrap().unwrap();
    });
    assert!(networks::list(docker).unwrap().iter().all(|network| network.slug != *slug));
}

#[test]
fn a_container_of_somebody_elses_keeps_its_network_and_the_refusal_says_so() {
    let stack = Stack::new("net-held");
    let (docker, slug) = (stack.docker(), stack.slug());
    stack.networks(Uplink::Sealed);
    let held = stack.client("held", Network::Internal);
    let refused = networks::remove(docker, slug).unwrap_err();
    assert!(refused.to_string().contains("active endpoints"), "{refused}");
    held.address_on(&Network::Internal.name(slug));
}

#[test]
fn a3_the_internal_network_does_not_lead_to_the_host_and_the_uplink_shows_that_it_could() {
    let stack = Stack::new("net-host");
    let addresses = stack.networks(Uplink::Sealed);
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (inside, outside) =
        (stack.client("inside", Network::Internal), stack.client("outside", Network::Uplink));
    let gateways = Network::ALL.map(|network| addresses.gateway(network));
    assert!(outside.reaches(gateways[1], port), "the control must arrive");
    for gateway in gateways {
        assert!(!inside.reaches(gateway, port), "{gateway} answers the inside");
    }
}
