//! The test kit's own claims: a sink tells what arrives, and a test is told when nothing does.

use compose_render::Network;
use compose_run::networks::Uplink;
use compose_testkit::{Stack, eventually};

#[test]
fn a_sink_tells_what_arrives_and_only_that() {
    let stack = Stack::new("kit");
    stack.networks(Uplink::Sealed);
    let outside = stack.outside();
    let sink = outside.sink(4, &[80, 443], &["example.test"]);
    let inside = stack.client("inside", Network::Internal);
    let control = stack.client_on("control", outside.network(), &[]);
    assert!(!inside.reaches(sink.address, 443));
    assert_eq!(sink.arrivals(), Vec::<String>::new());

    assert!(control.reaches(sink.address, 443));
    let sent = control.probe(&["udp", &format!("{}:80", sink.address), "hello", "5000"]);
    assert!(sent.ok && sent.text.ends_with("sink"), "{sent:?}");
    let from = control.address_on(outside.network());
    eventually("both arrivals", || {
        let arrivals = sink.arrivals();
        let expected = [format!("tcp 443 {from}"), format!("udp 80 {from}")];
        if expected.iter().all(|one| arrivals.contains(one)) {
            Ok(())
        } else {
            Err(format!("{arrivals:?}"))
        }
    });
    let found = control.probe(&["dns", "127.0.0.11:53", "example.test", "A"]);
    assert_eq!(found.text, format!("NOERROR\n{}", sink.address));
}

#[test]
fn a_pipe_is_a_connection_from_where_the_container_stands() {
    let stack = Stack::new("kit-pipe");
    stack.networks(Uplink::Sealed);
    let outside = stack.outside();
    let sink = outside.sink(4, &[80], &[]);
    let client = stack.client_on("client", outside.network(), &[]);
    let call = client.pipe(&format!("{}:80", sink.address)).input("GET / HTTP/1.1\r\n\r\n");
    let heard = call.text().expect("a text");
    assert!(heard.starts_with("HTTP/1.1 200 OK") && heard.ends_with("sink"), "{heard}");
}

#[test]
fn a_test_may_answer_a_connection_that_arrives_in_a_container() {
    let stack = Stack::new("kit-accept");
    stack.networks(Uplink::Sealed);
    let server = stack.client("server", Network::Internal);
    let client = stack.client("client", Network::Internal);
    let address = server.address_on(&Network::Internal.name(stack.slug()));
    std::thread::scope(|scope| {
        let accepted =
            scope.spawn(|| server.accept("0.0.0.0:7000").input("from the server").text());
        // The connection comes about once the other side listens.
        let heard = eventually("an answer", || {
            let said = client.probe(&["say", &format!("{address}:7000"), "a question", "20000"]);
            if said.ok { Ok(said.text) } else { Err(said.text) }
        });
        assert_eq!(heard, "from the server");
        assert_eq!(accepted.join().expect("a thread").expect("a text"), "a question");
    });
}
