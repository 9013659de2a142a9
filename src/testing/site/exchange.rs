//! One request, from the first byte of its head to the last byte of its answer.
//!
//! Invariant: an [`Exchange`] counts itself exactly once, when it is dropped: finished if everything was
//! handed over, aborted otherwise. Until the answer it lives in the route's future, then in the body;
//! hyper drops both when the client goes away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::Site;
use super::content::{Content, Cut};
use super::log::Seen;
use super::reply::{Refusal, Reply};

/// The longest request body that is kept, in bytes. One that need not be kept may be longer.
const LONGEST_KEPT: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Exchange {
    site: Arc<Site>,
    /// Its entry in the log, if there is one.
    seen: Option<Arc<Seen>>,
    /// HTTP has no body in the answer to a HEAD, whatever the route gives.
    bodiless: bool,
    /// The last of the answer was handed over.
    complete: bool,
    /// The client broke off before it had said everything: hyper may still take an answer to nobody.
    forsaken: bool,
}

impl Exchange {
    pub(super) fn begin(site: &Arc<Site>, parts: &Parts) -> Self {
        let seen = site.log.as_ref().map(|log| log.record(parts));
        // After it was recorded, so that who waits for the count finds the record.
        site.statistics.up(&site.statistics.begun);
        Self {
            site: site.clone(),
            seen,
            bodiless: parts.method == Method::HEAD,
            complete: false,
            forsaken: false,
        }
    }

    /// Reads the request's body to its end; gives it if it is to be kept, and its length.
    pub(super) async fn read(&self, mut body: Incoming, keep: bool) -> Result<(Bytes, u64), Refusal> {
        let mut kept = BytesMut::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            // The client went away, or broke the protocol: there is nobody to answer.
            let frame = frame.map_err(|_| Refusal::Gone)?;
            let Some(data) = frame.data_ref() else { continue };
            length += data.len() as u64;
            self.site.statistics.received.grow(data.len() as u64);
            if keep {
                if kept.len() + data.len() > LONGEST_KEPT {
                    return Err(Refusal::TooLarge(LONGEST_KEPT));
                }
                kept.extend_from_slice(data);
            }
        }
        if let Some(seen) = &self.seen {
            seen.read(length);
        }
        Ok((kept.freeze(), length))
    }

    /// Whatever is answered now, the request ends aborted.
    pub(super) fn forsake(&mut self) {
        self.forsaken = true;
    }

    /// The response, with itself inside.
    pub(super) fn answer(mut self, mut reply: Reply) -> Response<Body> {
        if self.bodiless {
            // hyper keeps the body back with HTTP/1.1, and not with HTTP/2.
            let promised = reply.body().size_hint().exact();
            *reply.body_mut() = Content::EMPTY;
            if let Some(length) = promised {
                reply.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
            }
        }
        reply.map(|content| {
            self.complete = self.bodiless || content.is_ended();
            Body {
                content,
                exchange: self,
            }
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if thread::panicking() {
            let target = self.seen.as_ref().map_or("a request", |seen| &seen.target);
            self.site
                .faults
                .record(format!("the handler of {target} panicked"));
        }
        let statistics = &self.site.statistics;
        statistics.up(if self.complete && !self.forsaken {
            &statistics.finished
        } else {
            &statistics.aborted
        });
    }
}

/// A response's body, which knows whether it got to its end.
#[derive(Debug)]
pub(super) struct Body {
    content: Content,
    exchange: Exchange,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let piece = ready!(self.content.poll(cx));
        if let Some(Ok(data)) = &piece {
            self.exchange.site.statistics.sent.grow(data.len() as u64);
        }
        self.exchange.complete |= self.content.is_ended();
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_ended()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
