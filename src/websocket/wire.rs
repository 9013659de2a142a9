//! The stream under a connection, and the frames that are on their way into it.
//!
//! Whoever has the wire may write: the driver, on tokio, or a sender on the loop's thread who finds it idle, which
//! saves both the way to the other thread. Invariant: frames go out in the order in which they were put in.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use super::deflate::Deflater;
use super::mask::{self, Keys};
use super::message::{BINARY, Outgoing, TEXT};
use crate::net::stream::Stream;

/// So many bytes are put together before they are written.
const FILL: usize = 64 * 1024;

/// A payload longer than this is written from where it is, if it needs no mask.
const OWN: usize = 16 * 1024;

/// A buffer that has grown beyond this is given back.
const KEPT: usize = 4 * FILL;

#[derive(Debug)]
pub struct Wire {
    /// None once the connection is over.
    stream: Option<Stream>,
    /// Bytes to be written, of which the first `written` are gone.
    out: Vec<u8>,
    written: usize,
    /// A payload to be written after them.
    tail: Bytes,
    /// Whether all that was written has left this process.
    flushed: bool,
    /// A client's keys; None: nothing is masked.
    keys: Option<Keys>,
    deflater: Option<Deflater>,
}

impl Wire {
    pub fn new(stream: Stream, masks: bool, deflater: Option<Deflater>) -> Self {
        Self {
            stream: Some(stream),
            out: Vec::new(),
            written: 0,
            tail: Bytes::new(),
            flushed: true,
            keys: masks.then(Keys::new),
            deflater,
        }
    }

    /// Whether nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.out.is_empty() && self.tail.is_empty() && self.flushed && self.stream.is_some()
    }

    /// Whether another frame may be put in.
    pub fn has_room(&self) -> bool {
        self.out.len() < FILL && self.tail.is_empty()
    }

    /// Whether a frame would have to be compressed.
    pub fn compresses(&self, frame: &Outgoing) -> bool {
        self.deflater.is_some() && frame.compress
    }

    /// Puts a frame in. An error if there is no randomness for its mask: unmasked it must not go.
    pub fn put(&mut self, frame: Outgoing) -> io::Result<()> {
        let mut header = FrameHeader {
            is_final: frame.last,
            opcode: OpCode::from(frame.opcode & 0xf),
            ..FrameHeader::default()
        };
        // The frames of a fragmented message are not compressed: that would have to be one stream.
        let whole = frame.last && matches!(frame.opcode, TEXT | BINARY) && !frame.payload.is_empty();
        let mut payload = frame.payload;
        if let Some(deflater) = self.deflater.as_mut().filter(|_| frame.compress && whole) {
            let mut smaller = Vec::new();
            if deflater.compress(&payload, &mut smaller) {
                header.rsv1 = true;
                payload = smaller.into();
            }
        }
        if let Some(keys) = &mut self.keys {
            header.mask = Some(
                keys.next()
                    .ok_or_else(|| io::Error::other("the system gives no random numbers"))?,
            );
        }
        header
            .format(payload.len() as u64, &mut self.out)
            .map_err(io::Error::other)?;
        self.flushed = false;
        if header.mask.is_none() && payload.len() > OWN {
            self.tail = payload;
            return Ok(());
        }
        let start = self.out.len();
        self.out.extend_from_slice(&payload);
        if let (Some(key), Some(added)) = (header.mask, self.out.get_mut(start..)) {
            mask::apply(added, key);
        }
        Ok(())
    }

    /// Writes until everything has left this process.
    pub fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let mut stream = Pin::new(stream);
        loop {
            let head = self.out.get(self.written..).unwrap_or_default();
            if head.is_empty() && self.tail.is_empty() {
                break;
            }
            let left = head.len();
            let slices = [IoSlice::new(head), IoSlice::new(&self.tail)];
            let sent = match (left, self.tail.is_empty()) {
                (_, true) => ready!(stream.as_mut().poll_write(cx, head))?,
                (0, false) => ready!(stream.as_mut().poll_write(cx, &self.tail))?,
                _ => ready!(stream.as_mut().poll_write_vectored(cx, &slices))?,
            };
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += sent.min(left);
            self.tail.advance(sent.saturating_sub(left).min(self.tail.len()));
        }
        self.written = 0;
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        } else {
            self.out.clear();
        }
        ready!(stream.poll_flush(cx))?;
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    /// Reads what is there into the buffer's room; zero is the end.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Some(stream) => pin!(stream.read_buf(into)).poll(cx),
            None => Poll::Ready(Ok(0)),
        }
    }

    /// Says that nothing more will be written.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Closes the connection, whatever was on its way.
    pub fn cut(&mut self) {
        self.stream = None;
        self.out = Vec::new();
        self.tail = Bytes::new();
        self.deflater = None;
    }
}
