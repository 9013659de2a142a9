//! The body of a request, given to hyper in pieces.
//!
//! Whatever hyper has been given it sends, even when nobody waits for the answer any more. A body in
//! one piece would be sent to its end after the request was cancelled, or would hold its connection for
//! as long as the server does not read. In pieces, the rest of it stays here and is dropped.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The length of a piece, in bytes: some system calls' worth.
const PIECE: usize = 64 * 1024;

/// The body to send for these bytes.
pub fn body(whole: &Bytes) -> reqwest::Body {
    if whole.len() <= PIECE {
        whole.clone().into()
    } else {
        reqwest::Body::wrap(Upload { rest: whole.clone() })
    }
}

#[derive(Debug)]
struct Upload {
    rest: Bytes,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    /// Exact, so that the request has a length and needs no chunks.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
