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
use super::payload::Given;
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
    /// `first` goes out before any frame.
    pub fn new(stream: Stream, first: Vec<u8>, masks: bool, deflater: Option<Deflater>) -> Self {
        Self {
            stream: Some(stream),
            flushed: first.is_empty(),
            out: first,
            written: 0,
            tail: Bytes::new(),
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

    /// Whether a frame for which that is wished would be compressed.
    pub fn compresses(&self, wished: bool) -> bool {
        self.deflater.is_some() && wished
    }

    /// Puts a frame in. Without randomness for its mask, unmasked, it must not go, and the connection ends.
    pub fn put(&mut self, frame: Outgoing) -> io::Result<()> {
        let Outgoing {
            opcode,
            last,
            payload,
            compress,
        } = frame;
        let smaller = self.compressed(opcode, last, compress, &payload);
        let key = self.begin(
            opcode,
            last,
            smaller.is_some(),
            smaller.as_ref().unwrap_or(&payload).len(),
        )?;
        let payload = smaller.unwrap_or(payload);
        if key.is_none() && payload.len() > OWN {
            self.tail = payload;
        } else {
            self.append(&payload, key);
        }
        Ok(())
    }

    /// Sends a frame whose payload is somebody else's: where nothing is on its way. What the system does not take is
    /// copied.
    pub fn send(&mut self, frame: &Given, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let payload = frame.payload.as_slice();
        let smaller = self.compressed(frame.opcode, frame.last, frame.compress, payload);
        let compressed = smaller.is_some();
        let payload = smaller.as_deref().unwrap_or(payload);
        let key = self.begin(frame.opcode, frame.last, compressed, payload.len())?;
        if key.is_some() || payload.len() <= OWN {
            self.append(payload, key);
            return self.poll_write(cx);
        }
        let slices = [IoSlice::new(&self.out), IoSlice::new(payload)];
        let sent = match &mut self.stream {
            Some(stream) => match Pin::new(stream).poll_write_vectored(cx, &slices) {
                Poll::Ready(sent) => sent?,
                Poll::Pending => 0,
            },
            None => 0,
        };
        let rest = payload
            .get(sent.saturating_sub(self.out.len())..)
            .unwrap_or_default();
        self.tail = Bytes::copy_from_slice(rest);
        self.written = sent.min(self.out.len());
        self.poll_write(cx)
    }

    /// The payload made smaller, where that is agreed on and wished. The frames of a fragmented message are not
    /// compressed: that would have to be one stream.
    fn compressed(&mut self, opcode: u8, last: bool, compress: bool, payload: &[u8]) -> Option<Bytes> {
        let whole = last && matches!(opcode, TEXT | BINARY) && !payload.is_empty();
        let deflater = self.deflater.as_mut().filter(|_| compress && whole)?;
        let mut smaller = Vec::new();
        deflater.compress(payload, &mut smaller).then(|| smaller.into())
    }

    /// Puts a frame's header in; gives the key for its mask.
    fn begin(
        &mut self,
        opcode: u8,
        last: bool,
        compressed: bool,
        length: usize,
    ) -> io::Result<Option<[u8; 4]>> {
        let mask = self.keys.as_mut().map(Keys::next);
        if mask == Some(None) {
            self.cut();
            return Err(io::Error::other("the system gives no random numbers"));
        }
        let mask = mask.flatten();
        let header = FrameHeader {
            is_final: last,
            rsv1: compressed,
            opcode: OpCode::from(opcode & 0xf),
            mask,
            ..FrameHeader::default()
        };
        header
            .format(length as u64, &mut self.out)
            .map_err(io::Error::other)?;
        self.flushed = false;
        Ok(mask)
    }

    fn append(&mut self, payload: &[u8], key: Option<[u8; 4]>) {
        match key {
            Some(key) => mask::append(&mut self.out, payload, key),
            None => self.out.extend_from_slice(payload),
        }
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
