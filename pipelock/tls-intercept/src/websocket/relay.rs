//! The two ends of a WebSocket: bytes on a connection to a body of frames, and the way back.

use super::frame::{Fault, Frame, Frames, From};
use crate::{Body, BodyError, body};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use rustls::crypto::{SecureRandom, ring};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Parts of either side that wait for the other; then nothing more is read.
const AHEAD: usize = 2;
/// How long a side may take to end what the other has ended.
const GOODBYE: Duration = Duration::from_secs(10);
/// What is read at once.
const READ: usize = 16 * 1024;
/// The code of a close frame (RFC 6455, 7.4.1) for what was stopped here.
const POLICY: u16 = 1008;

type Parts = mpsc::Sender<Result<Bytes, BodyError>>;

/// An agent's connection that is no HTTP any more.
#[derive(Debug)]
pub(crate) struct Switched {
    /// Where its frames go.
    agent: Parts,
    /// What it is to get.
    upstream: Option<Body>,
}

impl Switched {
    /// The end that a request's connection keeps, and the body of the request.
    pub(crate) fn asked() -> (Self, Body) {
        let (agent, body) = body::channel(AHEAD);
        (Self { agent, upstream: None }, body)
    }

    /// Takes what the upstream sends: the body of the response.
    pub(crate) fn answered(self, upstream: Body) -> Self {
        Self { upstream: Some(upstream), ..self }
    }
}

/// Passes frames between an agent and the bodies until either is over. `first` was read already.
pub(crate) async fn to_agent<S: AsyncRead + AsyncWrite>(
    stream: S,
    first: &[u8],
    switched: Switched,
    leaving: impl Future<Output = ()>,
) {
    let Some(mut upstream) = switched.upstream else { return };
    let (reader, mut writer) = tokio::io::split(stream);
    let mut frames = Frames::new(From::Agent);
    frames.push(first);
    let incoming = receive(reader, frames, switched.agent);
    let outgoing = async {
        let goodbye = loop {
            let bytes = match upstream.frame().await {
                Some(Ok(part)) => part.into_data().unwrap_or_default(),
                Some(Err(BodyError::Stopped(why))) => break Some((POLICY, why)),
                Some(Err(_)) | None => break None,
            };
            if write(&mut writer, &bytes).await.is_err() {
                break None;
            }
        };
        (goodbye, writer)
    };
    tokio::pin!(incoming, outgoing, leaving);
    tokio::select! {
        // Where the agent is done, the upstream's goodbye may be on its way; where it broke the
        // rules, whatever it reads next is not what it began.
        over = &mut incoming => if over.is_ok()
            && let Ok((goodbye, writer)) = timeout(GOODBYE, outgoing).await
        {
            end(writer, goodbye).await;
        },
        (goodbye, writer) = &mut outgoing => {
            end(writer, goodbye).await;
            drop(timeout(GOODBYE, incoming).await);
        }
        () = &mut leaving => {}
    }
}

/// Passes frames between an upstream and the bodies: that of the request, and the one returned. The
/// future does the work.
pub(crate) fn to_upstream<S: AsyncRead + AsyncWrite + Send>(
    stream: S,
    mut agent: Body,
    stall: Duration,
) -> (impl Future<Output = ()> + Send, Body) {
    let (parts, answer) = body::channel(AHEAD);
    let relay = async move {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut masks = Masks::new();
        let sending = async move {
            let mut frames = Frames::new(From::Elsewhere);
            while let Some(part) = agent.frame().await {
                frames.push(&part?.into_data().unwrap_or_default());
                let mut out = BytesMut::new();
                while let Some(frame) =
                    frames.next().map_err(|why| BodyError::Stopped(why.into()))?
                {
                    frame.write(Some(masks.next()), &mut out);
                }
                match timeout(stall, write(&mut writer, &out)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Ok(()),
                    Err(_) => return Err(BodyError::Stalled(stall)),
                }
            }
            end(writer, None).await;
            Ok(())
        };
        let receiving = receive(reader, Frames::new(From::Elsewhere), parts.clone());
        tokio::pin!(sending, receiving);
        tokio::select! {
            sent = &mut sending => match sent {
                Ok(()) => drop(timeout(GOODBYE, receiving).await),
                Err(BodyError::Stopped(why)) => drop(parts.send(Err(BodyError::Stopped(why))).await),
                Err(BodyError::Broken(_) | BodyError::Stalled(_)) => {}
            },
            received = &mut receiving => {
                if let Err(fault) = received {
                    drop(parts.send(Err(BodyError::Stopped(fault.to_owned()))).await);
                }
                drop(parts);
                drop(timeout(GOODBYE, sending).await);
            }
        }
    };
    (relay, answer)
}

/// Reads frames and sends them on in their one form, until the goodbye or the end.
async fn receive<R: AsyncRead + Unpin>(
    mut reader: R,
    mut frames: Frames,
    parts: Parts,
) -> Result<(), Fault> {
    let mut read = BytesMut::with_capacity(READ);
    loop {
        let mut out = BytesMut::new();
        while let Some(frame) = frames.next()? {
            frame.write(None, &mut out);
        }
        if !out.is_empty() && parts.send(Ok(out.freeze())).await.is_err() {
            return Ok(());
        }
        if frames.closed() {
            return Ok(());
        }
        read.clear();
        let more = tokio::select! {
            more = reader.read_buf(&mut read) => more,
            () = parts.closed() => return Ok(()),
        };
        match more {
            Ok(1..) => frames.push(&read),
            Ok(0) | Err(_) => return Ok(()),
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

/// Says goodbye where nobody else did, and closes.
async fn end<W: AsyncWrite + Unpin>(mut writer: W, goodbye: Option<(u16, String)>) {
    let ending = async {
        if let Some((code, why)) = goodbye {
            write(&mut writer, &Frame::close(code, &why).to_bytes(None)).await?;
        }
        writer.shutdown().await
    };
    // A peer that is gone does not want it.
    drop(timeout(GOODBYE, ending).await);
}

/// Masks as a client's frames have them: no upstream can foresee one.
struct Masks(&'static dyn SecureRandom);

impl Masks {
    fn new() -> Self {
        Self(ring::default_provider().secure_random)
    }

    fn next(&mut self) -> [u8; 4] {
        let mut key = [0; 4];
        // Without one the frame goes as it is, which is what the mask 0 says.
        drop(self.0.fill(&mut key));
        key
    }
}
