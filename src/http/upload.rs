//! The body of a request, given to hyper in pieces.
//!
//! Whatever hyper has been given it sends, even when nobody waits for the answer any more. A body in
//! one piece would be sent to its end after the request was cancelled, or would hold its connection for
//! as long as the server does not read. In pieces, the rest of it stays here and is dropped.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::Result;

/// The length of a piece, in bytes: some system calls' worth.
const PIECE: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub enum Payload {
    Nothing,
    Whole(Bytes),
}

impl Payload {
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Whole(whole) => Some(whole.len() as u64),
        }
    }

    pub fn is_replayable(&self) -> bool {
        true
    }

    pub fn open(&self) -> Result<Body> {
        Ok(match self {
            Self::Nothing => Body { rest: Bytes::new(), pace: None },
            Self::Whole(whole) => Body { rest: whole.clone(), pace: None },
        })
    }
}

#[derive(Debug)]
pub struct Body {
    rest: Bytes,
    pace: Option<Arc<Pace>>,
}

impl Body {
    #[must_use]
    pub fn watched(mut self, pace: Arc<Pace>) -> Self {
        if self.rest.is_empty() {
            pace.end();
        }
        self.pace = Some(pace);
        self
    }
}

/// How an upload gets on.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    last: AtomicU64,
    ended: AtomicBool,
}

impl Pace {
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        })
    }

    fn note(&self) {
        let nanoseconds = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(nanoseconds, Ordering::Relaxed);
    }

    fn end(&self) {
        self.note();
        self.ended.store(true, Ordering::Release);
    }

    pub fn last(&self) -> Instant {
        self.start + Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        if let Some(pace) = &self.pace {
            if self.rest.is_empty() {
                pace.end();
            } else {
                pace.note();
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    /// Exact, so that the request has a length and needs no chunks.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
