//! A destination: written down and read again it is the same, CONNECT and absolute form agree, and no
//! name is an address to others. A path in its one form stays as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use tls_intercept::path::CanonicalPath;
use tls_intercept::{Destination, Host, Scheme};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for scheme in [Scheme::Http, Scheme::Https] {
        if let Ok(said) = Destination::parse_authority(scheme, text) {
            same(&said);
            assert_eq!(Destination::parse_host(scheme, text).as_ref(), Ok(&said));
            let uri = format!("{}://{text}/x?y", scheme.as_str());
            assert_eq!(Destination::parse_uri(&uri), Ok((said, "/x?y")));
        }
        let uri = format!("{}://{text}", scheme.as_str());
        let absolute = Destination::parse_uri(&uri);
        match (Destination::parse_host(scheme, text), &absolute) {
            (Ok(host), absolute) => assert_eq!(absolute, &Ok((host, ""))),
            // With a path it is no `Host`, and without one both say no.
            (Err(_), Ok((found, path))) => {
                same(found);
                assert!(path.starts_with(['/', '?']) && !path.contains(['#', '\\']));
            }
            (Err(_), Err(_)) => {}
        }
    }
    if let Ok(path) = CanonicalPath::parse(text) {
        assert_eq!(CanonicalPath::parse(path.as_str()).as_ref(), Ok(&path));
        assert!(!path.as_str().contains("/../") && !path.as_str().contains("//"));
    }
});

fn same(destination: &Destination) {
    let Destination { scheme, host, port } = destination;
    assert!(*port > 0);
    let written = destination.to_string();
    assert_eq!(Destination::parse_authority(*scheme, &written).as_ref(), Ok(destination));
    let authority = destination.authority();
    assert_eq!(Destination::parse_host(*scheme, &authority).as_ref(), Ok(destination));
    match host {
        Host::Name(name) => {
            let name = name.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()));
            assert!(name.parse::<IpAddr>().is_err(), "{name}");
            // Browsers and curl take no name of ours for an address.
            let theirs = url::Host::parse(name);
            assert!(!matches!(theirs, Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_))), "{name}");
        }
        Host::Address(IpAddr::V6(address)) => assert_eq!(address.to_ipv4_mapped(), None),
        Host::Address(IpAddr::V4(_)) => {}
    }
}
