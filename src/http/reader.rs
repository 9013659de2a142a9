//! The body of an answer while it is read: from the connection, through the decoder, to whoever wants it.
//!
//! Runs on tokio and knows no Python. Dropping it before the end closes the connection, or resets the
//! stream. At the end the connection goes back to the pool.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use hyper::body::Incoming;

use super::body::Body;
use super::decode::Decoder;
use super::error::Failure;
use super::live::Live;
use super::plan::Plan;
use super::pool::lease::Lease;
use super::request::Outgoing;
use super::sending::Answer;
use super::upload::Pace;
use crate::error::Result;
use crate::net::trace::{note, note_with};

/// A `Content-Length` is believed up to here, for the room made in advance; in bytes.
const MOST_ROOM: u64 = 1024 * 1024;

/// How long a body is waited for: as the limits on time say, and while the client is open.
#[derive(Debug, Clone)]
pub struct Patience {
    live: Arc<Live>,
    sent: Arc<Outgoing>,
    plan: Arc<Plan>,
    /// When the request's time is over.
    deadline: Option<Instant>,
}

impl Patience {
    /// What `next` gives, which is something of the body, unless it is too late.
    pub async fn wait<T>(&self, next: impl Future<Output = Result<T>>) -> Result<T> {
        let read = self.plan.limits.read;
        let due = match read.map(|limit| Instant::now() + limit) {
            Some(due) => Some(self.deadline.map_or(due, |deadline| deadline.min(due))),
            None => self.deadline,
        };
        let failure = tokio::select! {
            biased;
            outcome = next => return outcome,
            () = self.live.closed() => Failure::Closed,
            () = until(due) => {
                let total = self.deadline.filter(|deadline| *deadline <= Instant::now());
                match (total, self.plan.limits.total) {
                    (Some(_), Some(limit)) => Failure::TimedOut { limit, doing: "reading the body" },
                    _ => Failure::ReadTimedOut { limit: read.unwrap_or_default() },
                }
            }
        };
        Err(failure.about(&self.sent, "body"))
    }
}

#[derive(Debug)]
pub struct Reader {
    patience: Patience,
    incoming: Incoming,
    /// None once it is back in the pool.
    lease: Option<Lease>,
    pace: Option<Arc<Pace>>,
    decoder: Option<Decoder>,
    /// As it came, in bytes.
    received: u64,
    /// As it is, in bytes.
    decoded: u64,
    /// What came and is not decoded yet.
    pending: Bytes,
    /// Nothing more comes.
    over: bool,
    /// Everything was given.
    ended: bool,
}

impl Reader {
    pub fn new(
        live: &Arc<Live>,
        sent: &Arc<Outgoing>,
        plan: &Arc<Plan>,
        answer: Answer,
        deadline: Option<Instant>,
    ) -> Result<(http::response::Parts, Self)> {
        let decoder = match plan.decompress {
            true => Decoder::for_headers(&answer.head.headers)
                .map_err(|error| Failure::Decoding(error).about(sent, "body"))?,
            false => None,
        };
        let patience = Patience {
            live: Arc::clone(live),
            sent: Arc::clone(sent),
            plan: Arc::clone(plan),
            deadline,
        };
        let reader = Self {
            patience,
            incoming: answer.body,
            lease: Some(answer.lease),
            pace: answer.pace,
            decoder,
            received: 0,
            decoded: 0,
            pending: Bytes::new(),
            over: false,
            ended: false,
        };
        reader.check_promised()?;
        Ok((answer.head, reader))
    }

    /// A body that says that it is too long need not be read to know it.
    fn check_promised(&self) -> Result<()> {
        match (self.patience.plan.most_body, self.incoming.size_hint().exact()) {
            (Some(most), Some(length)) if length > most => Err(self.too_large(most)),
            _ => Ok(()),
        }
    }

    fn too_large(&self, most: u64) -> crate::error::Error {
        Failure::BodyTooLarge { most }.about(&self.patience.sent, "body")
    }

    /// How many bytes have come, before they were decoded.
    pub fn received(&self) -> u64 {
        self.received
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    pub fn patience(&self) -> Patience {
        self.patience.clone()
    }

    /// The next piece; None at the end. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if let Some(piece) = self.decode_next()? {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            let (incoming, sent) = (&mut self.incoming, &self.patience.sent);
            let next = std::future::poll_fn(|cx| poll_incoming(incoming, sent, cx));
            let frame = self.patience.wait(next).await?;
            self.take(frame)?;
        }
    }

    /// Takes in what the connection brings next, for [`decode_next`](Self::decode_next).
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let frame = ready!(poll_incoming(&mut self.incoming, &self.patience.sent, cx))?;
        Poll::Ready(self.take(frame))
    }

    fn take(&mut self, frame: Option<Bytes>) -> Result<()> {
        match frame {
            Some(chunk) => {
                self.received += chunk.len() as u64;
                self.check_length(self.received)?;
                self.pending = chunk;
            }
            None => self.over = true,
        }
        Ok(())
    }

    fn check_length(&self, length: u64) -> Result<()> {
        match self.patience.plan.most_body {
            Some(most) if length > most => Err(self.too_large(most)),
            _ => Ok(()),
        }
    }

    /// What comes of what is here. None: nothing is, and then the body may be at its end.
    pub fn decode_next(&mut self) -> Result<Option<Bytes>> {
        let piece = match &mut self.decoder {
            None => std::mem::take(&mut self.pending),
            Some(decoder) => decoder
                .next(&mut self.pending)
                .map_err(|error| Failure::Decoding(error).about(&self.patience.sent, "body"))?,
        };
        self.decoded += piece.len() as u64;
        self.check_length(self.decoded)?;
        self.finish_if_over()?;
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn finish_if_over(&mut self) -> Result<()> {
        let over = self.over || self.incoming.is_end_stream();
        let drained = self.decoder.as_ref().is_none_or(Decoder::is_drained);
        if over && self.pending.is_empty() && drained && !self.ended {
            return self.finish();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.ended = true;
        if let Some(decoder) = self.decoder.take() {
            decoder
                .finish()
                .map_err(|error| Failure::Decoding(error).about(&self.patience.sent, "body"))?;
        }
        let upload_over = self.pace.as_ref().is_none_or(|pace| pace.has_ended());
        if let Some(lease) = self.lease.take().filter(|_| upload_over) {
            lease.finish();
        }
        note_with(&self.patience.plan.tracing, "response.end", || {
            self.received.to_string().into()
        });
        Ok(())
    }

    /// All that is left of it.
    pub async fn collect(&mut self) -> Result<Body> {
        let mut pieces: Vec<Bytes> = Vec::new();
        if let Some(length) = self.incoming.size_hint().exact() {
            // hyper gives pieces of at most some hundred kilobytes.
            pieces.reserve(usize::try_from(length.min(MOST_ROOM) / (64 * 1024)).unwrap_or(0));
        }
        while let Some(piece) = self.next().await? {
            pieces.push(piece);
        }
        Ok(Body::of(pieces))
    }

    /// Reads a body that nobody wants, if that is cheaper than a new connection. Errors do not matter.
    pub async fn discard(mut self) -> Vec<Bytes> {
        const CHEAP: u64 = 64 * 1024;
        let mut pieces = Vec::new();
        if self.incoming.size_hint().lower() > CHEAP {
            return pieces;
        }
        while let Ok(Some(piece)) = self.next().await {
            pieces.push(piece);
            if self.decoded.max(self.received) > CHEAP {
                break;
            }
        }
        note(&self.patience.plan.tracing, "response.discarded");
        pieces
    }

    /// The head's own words on what is coming, for who wants to show how far it is.
    pub fn promised(headers: &HeaderMap) -> Option<u64> {
        headers
            .get(http::header::CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }
}

/// What the connection brings next; None at the end.
fn poll_incoming(
    incoming: &mut Incoming,
    sent: &Outgoing,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>>> {
    Poll::Ready(match ready!(Pin::new(incoming).poll_frame(cx)) {
        None => Ok(None),
        // Trailers are nothing to anybody here, and an empty piece.
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(error)) => Err(Failure::Http(error).about(sent, "body")),
    })
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
