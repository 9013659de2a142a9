//! A body as hyper gets it, in as little room as can be.
//!
//! hyper has a channel for each connection, with room for 32 requests from the start: what a request takes in place it
//! takes 32 times. So all but a word of a body is elsewhere, and most requests have none.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::body::{Body, Error};

/// None: it has ended before it began.
#[derive(Debug)]
pub struct Frames(Option<Box<Body>>);

impl From<Body> for Frames {
    fn from(body: Body) -> Self {
        Self((!body.is_end_stream()).then(|| Box::new(body)))
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(&mut **body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |body| body.size_hint())
    }
}
