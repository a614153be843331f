//! What comes from upstream, in pieces that go on while the next is read.

use crate::write_through::write_through;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// So much is read at once: as much as is written at once, and one less than what makes hyper double
/// its buffer, which it would up to the longest head.
const PIECE: usize = 64 * 1024 - 1;

/// A stream that is read in pieces. Else as much is read as there is and fits, a quarter of a megabyte
/// of a body that comes quickly: it is looked through before any of it goes on, and whoever waits for
/// it has nothing to do meanwhile.
#[derive(Debug)]
pub(super) struct Pieces<S> {
    stream: S,
    /// Came behind bytes that went on before it.
    fault: Option<io::Error>,
}

impl<S> Pieces<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, fault: None }
    }
}

impl<S: AsyncBufRead + Unpin> AsyncRead for Pieces<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(fault) = self.fault.take() {
            return Poll::Ready(Err(fault));
        }
        let begin = buf.filled().len();
        loop {
            let read = buf.filled().len() - begin;
            let room = buf.remaining().min(PIECE - read);
            if room == 0 {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.stream).poll_fill_buf(cx) {
                Poll::Ready(Ok([])) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(bytes)) => {
                    let here = bytes.get(..room).unwrap_or(bytes);
                    let taken = here.len();
                    buf.put_slice(here);
                    Pin::new(&mut self.stream).consume(taken);
                }
                Poll::Ready(Err(fault)) if read > 0 => {
                    self.fault = Some(fault);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending if read > 0 => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

write_through!(Pieces);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, BufReader};

    #[tokio::test]
    async fn no_piece_is_longer_than_its_bound_and_nothing_is_lost() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * PIECE + 7).collect();
        let mut stream = Pieces::new(BufReader::with_capacity(16 * 1024, &bytes[..]));
        let (mut read, mut lengths) = (Vec::with_capacity(4 * bytes.len()), Vec::new());
        loop {
            match stream.read_buf(&mut read).await.unwrap() {
                0 => break,
                length => lengths.push(length),
            }
        }
        assert_eq!((lengths, read), (vec![PIECE, PIECE, PIECE, 7], bytes));
    }

    /// Some bytes, then a fault, once.
    struct Broken(Option<&'static [u8]>);

    impl AsyncRead for Broken {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let bytes = self.0.take().ok_or(io::ErrorKind::ConnectionReset)?;
            buf.put_slice(bytes);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_came_before_a_fault_is_read_before_it() {
        let mut stream = Pieces::new(BufReader::new(Broken(Some(b"before"))));
        let mut piece = [0; 64];
        assert_eq!(stream.read(&mut piece).await.unwrap(), 6);
        let fault = stream.read(&mut piece).await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::ConnectionReset);
    }
}
