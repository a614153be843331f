//! The relay before a proxy that connects to some addresses, and with a listener that has no descriptor left.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::*;

/// A proxy that connects to one address and to no other, and then says what it heard.
async fn proxy(good: &'static str) -> (SocketAddr, JoinSet<Vec<String>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut told = JoinSet::new();
    told.spawn(async move {
        let mut told = Vec::new();
        loop {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let asked = head(&mut stream).await.unwrap();
            told.push(asked.lines().next().unwrap().to_owned());
            if !asked.contains(good) {
                stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await.unwrap();
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
            return told;
        }
    });
    (at, told)
}

fn targets() -> Vec<SocketAddr> {
    vec!["192.0.2.7:22".parse().unwrap(), "192.0.2.8:22".parse().unwrap()]
}

async fn greeting(mut stream: TcpStream) -> String {
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn c6_every_checked_address_is_tried() {
    let (at, mut told) = proxy("192.0.2.8:22").await;
    let relay = Relay::open(Transport::Ssh, at, None, targets()).await.unwrap();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).await.unwrap();
    assert_eq!(greeting(stream).await, "hello");
    let asked = ["CONNECT 192.0.2.7:22 HTTP/1.1", "CONNECT 192.0.2.8:22 HTTP/1.1"];
    assert_eq!(told.join_next().await.unwrap().unwrap(), asked);
    assert_eq!(relay.trouble(), None);
}

#[tokio::test]
async fn what_the_proxy_said_last_is_told_where_it_connects_to_none() {
    let (at, _told) = proxy("192.0.2.9:22").await;
    let relay = Relay::open(Transport::Ssh, at, None, targets()).await.unwrap();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port())).await.unwrap();
    assert_eq!(greeting(stream).await, "");
    assert_eq!(relay.trouble(), Some(Trouble::ProxyRefused(502)));
}

/// A listener that has no descriptor left for a while.
struct Short {
    listener: TcpListener,
    failures: AtomicUsize,
}

impl Accept for Short {
    async fn next(&self) -> std::io::Result<TcpStream> {
        let less = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
            return Err(nix::errno::Errno::EMFILE.into());
        }
        self.listener.next().await
    }
}

/// Serves one connection after so many failures; returns what it was told, and the trouble.
async fn after(failures: usize) -> (String, Option<Trouble>) {
    let (at, _told) = proxy("192.0.2.8:22").await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let lead = Lead { transport: Transport::Ssh, proxy: at, login: None, targets: targets() };
    let (over, trouble) = (CancellationToken::new(), Arc::<Mutex<Option<Trouble>>>::default());
    let short = Short { listener, failures: AtomicUsize::new(failures) };
    detach(serve(short, lead, over.clone(), Arc::clone(&trouble)));
    let mut said = String::new();
    // Where the relay gave up, the connection that nobody took is reset.
    stream.read_to_string(&mut said).await.ok();
    over.cancel();
    let trouble = trouble.lock().unwrap().clone();
    (said, trouble)
}

#[tokio::test]
async fn a_relay_that_is_short_of_descriptors_goes_on_when_it_has_some() {
    assert_eq!(after(3).await, ("hello".to_owned(), None));
}

#[tokio::test]
async fn a_relay_that_never_gets_one_gives_up_and_says_so() {
    let (said, trouble) = after(usize::MAX).await;
    assert_eq!(said, "");
    let told = trouble.expect("it says why").to_string();
    assert!(told.contains("open files"), "{told}");
}
