//! The body of one attempt, given to hyper in pieces.
//!
//! Whatever hyper has been given it sends, even when nobody waits for the answer any more. A body in
//! one piece would be sent to its end after the request was cancelled, or would hold its connection for
//! as long as the server does not read. In pieces, the rest of it stays here and is dropped.
//!
//! Invariant: a body whose length is known gives exactly so many bytes, or fails before its last piece.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::file::Reader;
use super::pace::Pace;
use super::pipe::Pipe;
use super::streamed::{Source, Streamed, release};
use crate::error::{self, Kind, Result};

/// The length of a piece, in bytes: some system calls' worth.
pub const PIECE: usize = 64 * 1024;

/// Why a body has no end.
#[derive(Debug)]
pub enum Error {
    /// The iterator has raised. What, is with whoever feeds it.
    Source,
    /// Nobody wants the rest: the request has ended.
    Stopped,
    Reading(io::Error),
    /// The file has become shorter.
    Shrunk,
    /// The iterator gave more than this, the length that was promised.
    TooLong(u64),
    /// The iterator gave less than this, the length that was promised.
    TooShort(u64),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str("the iterator that gives the body has failed"),
            Self::Stopped => f.write_str("the request ended before its body"),
            Self::Reading(error) => write!(f, "the file that is the body cannot be read: {error}"),
            Self::Shrunk => f.write_str("the file that is the body became shorter while it was sent"),
            Self::TooLong(length) => write!(f, "the body is longer than the Content-Length given, {length}"),
            Self::TooShort(length) => {
                write!(f, "the body is shorter than the Content-Length given, {length}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Reading(error) => Some(error),
            _ => None,
        }
    }
}

impl Error {
    /// What an error of this library is called that comes of this one.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Source | Self::Stopped | Self::Reading(_) | Self::Shrunk => Kind::Write,
            Self::TooLong(_) | Self::TooShort(_) => Kind::LocalProtocol,
        }
    }
}

impl From<&Error> for error::Error {
    fn from(error: &Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Body {
    /// Whose end would be the end of the pipes.
    streamed: Option<Arc<Streamed>>,
    sources: Arc<[Source]>,
    /// The source that is next, after the one that is being read.
    next: usize,
    current: Current,
    length: Option<u64>,
    /// What of `length` is still to come.
    left: u64,
    /// The last piece, until it is known that nothing follows.
    held: Option<Bytes>,
    ended: bool,
    pace: Option<Arc<Pace>>,
}

#[derive(Debug)]
enum Current {
    Bytes(Bytes),
    File(Reader),
    Pipe(Arc<Pipe>),
}

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Self {
        let length = bytes.len() as u64;
        Self::of(None, Arc::new([]), Current::Bytes(bytes), Some(length))
    }

    pub(super) fn streamed(streamed: Arc<Streamed>) -> Result<Self> {
        let (sources, length) = (streamed.open()?, streamed.length());
        Ok(Self::of(
            Some(streamed),
            sources,
            Current::Bytes(Bytes::new()),
            length,
        ))
    }

    fn of(
        streamed: Option<Arc<Streamed>>,
        sources: Arc<[Source]>,
        current: Current,
        length: Option<u64>,
    ) -> Self {
        Self {
            streamed,
            sources,
            next: 0,
            current,
            length,
            left: length.unwrap_or(0),
            held: None,
            ended: length == Some(0),
            pace: None,
        }
    }

    /// The same body, which tells `pace` how it gets on.
    #[must_use]
    pub fn watched(mut self, pace: Arc<Pace>) -> Self {
        if self.ended {
            pace.ends();
        }
        self.pace = Some(pace);
        self
    }

    /// The next piece of the sources, one after the other.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            let piece = match &mut self.current {
                Current::Bytes(bytes) if bytes.is_empty() => None,
                Current::Bytes(bytes) => Some(Ok(bytes.split_to(bytes.len().min(PIECE)))),
                Current::File(reader) => ready!(reader.poll_take(PIECE, cx)),
                Current::Pipe(pipe) => ready!(pipe.poll_take(PIECE, cx)),
            };
            if piece.is_some() {
                return Poll::Ready(piece);
            }
            self.current = match self.sources.get(self.next) {
                Some(Source::Bytes(bytes)) => Current::Bytes(bytes.clone()),
                Some(Source::File(stretch)) => Current::File(stretch.reader()),
                Some(Source::Pipe(pipe)) => Current::Pipe(Arc::clone(pipe)),
                None => return Poll::Ready(None),
            };
            self.next += 1;
        }
    }

    /// Whether nothing can come after what the length says.
    fn is_sure(&self) -> bool {
        matches!(self.current, Current::Bytes(_) | Current::File(_)) && self.next >= self.sources.len()
    }

    /// The next piece, with the length looked after.
    fn poll_exact(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let Some(length) = self.length else {
            return self.poll_piece(cx);
        };
        loop {
            match ready!(self.poll_piece(cx)) {
                Some(Ok(piece)) => {
                    let Some(left) = self.left.checked_sub(piece.len() as u64) else {
                        return Poll::Ready(Some(Err(Error::TooLong(length))));
                    };
                    self.left = left;
                    if left > 0 || self.is_sure() {
                        self.ended = left == 0;
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    // hyper stops reading when it has the length, and an iterator is to come to its end.
                    self.held = Some(piece);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.left > 0 => return Poll::Ready(Some(Err(Error::TooShort(length)))),
                None => {
                    self.ended = true;
                    return Poll::Ready(self.held.take().map(Ok));
                }
            }
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let polled = self.poll_exact(cx);
        match &polled {
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
            Poll::Ready(None) => self.ended = true,
            Poll::Ready(Some(Err(error))) => {
                self.ended = true;
                if let Some(streamed) = &self.streamed
                    && !matches!(error, Error::Stopped)
                {
                    streamed.failed(error);
                }
            }
        }
        if let Some(pace) = &self.pace {
            match &polled {
                Poll::Ready(_) => pace.took(),
                Poll::Pending => pace.starves(),
            }
            if self.ended {
                pace.ends();
            }
        }
        polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    /// Exact where the length is known, so that the request has it and needs no chunks.
    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |held| held.len() as u64);
        match self.length {
            Some(_) => SizeHint::with_exact(self.left + held),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        release(self.sources.iter());
        if let Some(pace) = &self.pace {
            pace.ends();
        }
    }
}
