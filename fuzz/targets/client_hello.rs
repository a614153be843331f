//! A TLS hello: however it is cut it has one reading, and rustls reads no other name in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rustls::server::Acceptor;
use tls_intercept::reading::{First, hello};

fuzz_target!(|bytes: &[u8]| {
    let whole = hello(bytes);
    for cut in 0..bytes.len().min(600) {
        match hello(&bytes[..cut]) {
            // What was decided before the end stays so.
            First::NotTls => assert_eq!(whole, First::NotTls),
            First::Hello(early) => assert_eq!(whole, First::Hello(early)),
            First::Incomplete | First::Malformed => {}
        }
    }
    let mut acceptor = Acceptor::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        match acceptor.read_tls(&mut rest) {
            Ok(1..) => {}
            _ => return,
        }
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let theirs = accepted.client_hello().server_name().map(str::to_owned);
                return agree(&whole, theirs.as_deref());
            }
            Err(_) => return,
        }
    }
});

/// rustls leaves out names that are none; one that it takes must be ours, letter case aside. What we
/// refuse it never gets to see.
fn agree(ours: &First, theirs: Option<&str>) {
    let (First::Hello(ours), Some(theirs)) = (ours, theirs) else { return };
    let ours = ours.server_name.as_deref().unwrap_or_default();
    let plain = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
    assert_eq!(plain(ours), plain(theirs));
}
