//! Bodies in any pieces, in every coding, with every action: what goes on, and what does not.

use super::*;
use crate::content::coding::Undecodable;
use flate2::{Compression, write::GzEncoder};
use http::HeaderValue;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

const KEY: &str = "AKIAQ3EGRIZ5TL2WXPVY";

/// A body that comes in these pieces.
struct Pieces(VecDeque<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.0.pop_front() {
            Some(part) if part.is_empty() => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            part => Poll::Ready(part.map(|part| Ok(Frame::data(part)))),
        }
    }
}

/// What went on, and how it ended.
struct Went {
    bytes: Vec<u8>,
    whole: bool,
    verdict: Verdict,
    headers: http::HeaderMap,
}

fn pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut from = 0;
    for &cut in cuts.iter().chain([&bytes.len()]) {
        let to = cut.clamp(from, bytes.len());
        parts.extend([Bytes::copy_from_slice(&bytes[from..to]), Bytes::new()]);
        from = to;
    }
    parts
}

async fn through(action: Action, coding: &str, parts: Vec<Bytes>) -> Went {
    let mut request = Request::new(Pieces(parts.into()).boxed());
    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("1"));
    request.headers_mut().insert(CONTENT_ENCODING, coding.parse().unwrap());
    let Judged { request, verdict } =
        judged((&Knowledge::default(), &Home::default()), action, request).unwrap();
    let headers = request.headers().clone();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let mut body = request.into_body();
    let whole = loop {
        match body.frame().await {
            Some(Ok(frame)) => bytes.lock().unwrap().extend(frame.into_data().unwrap()),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    let bytes = bytes.lock().unwrap().clone();
    Went { bytes, whole, verdict, headers }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Numbers that look drawn and are the same every time.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

fn shows(bytes: &[u8], part: &str) -> bool {
    bytes.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn e10_no_byte_of_a_secret_goes_on_however_the_body_is_cut() {
    let mut drawn = Drawn(7);
    for round in 0..100 {
        let before = "some words, ".repeat(drawn.below(40));
        let after = " and more".repeat(drawn.below(1500));
        let text = format!("{before}\"{KEY}\"{after}");
        let mut cuts: Vec<_> = (0..drawn.below(12)).map(|_| drawn.below(text.len())).collect();
        cuts.push(before.len() + drawn.below(KEY.len()));
        cuts.sort_unstable();
        let went = through(Action::Block, "identity", pieces(text.as_bytes(), &cuts)).await;
        assert!(!went.whole, "round {round}");
        assert_eq!(went.verdict.stopped(), Some(Stopped::Secret("aws-access-key-id")));
        assert!(went.bytes.len() <= before.len() + 1, "round {round}: {} let go", went.bytes.len());

        let went = through(Action::Redact, "identity", pieces(text.as_bytes(), &cuts)).await;
        let expected = text.replace(KEY, &"*".repeat(KEY.len()));
        assert!(went.whole && went.bytes == expected.as_bytes(), "round {round}");
        assert_eq!(went.verdict.overwrites()["aws-access-key-id"], 1);
        assert!(went.verdict.noted().is_empty());

        let went = through(Action::Warn, "identity", pieces(text.as_bytes(), &cuts)).await;
        assert!(went.whole && went.bytes == text.as_bytes(), "round {round}");
        assert_eq!(went.verdict.noted()["aws-access-key-id"], 1);
    }
}

#[tokio::test]
async fn a_body_without_a_secret_goes_on_as_it_came() {
    let mut drawn = Drawn(99);
    for _ in 0..30 {
        let bytes: Vec<u8> =
            (0..drawn.below(60_000)).map(|_| u8::try_from(drawn.below(256)).unwrap()).collect();
        let mut cuts: Vec<_> = (0..20).map(|_| drawn.below(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        for (coding, sent) in [("identity", bytes.clone()), ("gzip", gzip(&bytes))] {
            let went = through(Action::Block, coding, pieces(&sent, &cuts)).await;
            assert!(went.whole && went.bytes == sent, "{coding}");
            assert!(went.headers.contains_key(CONTENT_ENCODING));
        }
    }
}

#[tokio::test]
async fn e10_a_compressed_secret_is_found_and_the_body_never_whole() {
    let text = format!("{} {KEY} {}", "before ".repeat(3000), "after ".repeat(9000));
    let sent = gzip(text.as_bytes());
    for cut in (1..sent.len()).step_by(11) {
        let went = through(Action::Block, "gzip", pieces(&sent, &[cut])).await;
        assert!(!went.whole && went.bytes.len() < sent.len(), "cut {cut}");
        assert_eq!(went.verdict.stopped(), Some(Stopped::Secret("aws-access-key-id")));
    }
}

#[tokio::test]
async fn a_compressed_body_in_which_something_was_overwritten_goes_on_as_it_is() {
    let text = format!("{{\"a\": \"{KEY}\"}}");
    let went = through(Action::Redact, "gzip", pieces(&gzip(text.as_bytes()), &[9, 21])).await;
    assert_eq!(String::from_utf8(went.bytes).unwrap(), text.replace(KEY, &"*".repeat(20)));
    assert!(!went.headers.contains_key(CONTENT_ENCODING));
    assert!(!went.headers.contains_key(CONTENT_LENGTH));
}

#[tokio::test]
async fn e10_a_bomb_and_what_is_no_gzip_are_stopped() {
    let bomb = gzip(&vec![0; 40_000_000]);
    let went = through(Action::Block, "gzip", pieces(&bomb, &[])).await;
    assert_eq!(went.verdict.stopped(), Some(Stopped::Unreadable(Undecodable::Bomb)));
    for broken in [&b"not gzip at all"[..], &gzip(b"cut off")[..12]] {
        let went = through(Action::Block, "gzip", pieces(broken, &[])).await;
        assert_eq!(went.verdict.stopped(), Some(Stopped::Unreadable(Undecodable::Broken)));
        assert!(!went.whole);
    }
}

#[tokio::test]
async fn the_scan_is_what_stops_it() {
    let text = format!("\"{}\"", KEY.to_lowercase());
    let went = through(Action::Block, "identity", pieces(text.as_bytes(), &[])).await;
    assert!(went.whole && shows(&went.bytes, &KEY.to_lowercase()));
}
