//! The body of an answer while it is read: from the connection, through the decoder, to whoever wants it.
//!
//! Runs on tokio and knows no Python. Dropping it before the end closes the connection, or resets the
//! stream. At the end the connection goes back to the pool.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;

use super::body::Body;
use super::decode::Decoder;
use super::error::Failure;
use super::live::Live;
use super::load::LITTLE;
use super::plan::Plan;
use super::pool::lease::Lease;
use super::request::Outgoing;
use super::sending::Answer;
use super::upload::Pace;
use crate::error::{Error, Result};
use crate::net::trace::{note, note_with};
use crate::runtime;

/// A body of at most so many bytes is copied into room of its own. Of a longer one the copy costs more than the room.
const COPIED: u64 = 32 * 1024;

/// Of this length, in bytes, a piece is copied rather than kept in the connection's buffer, of 8 KiB or more.
pub const SHORT: usize = 4096;

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
            outcome = next => return outcome.map_err(|error| self.instead(error)),
            () = self.live.closed() => Failure::Closed,
            () = until(due) => self.overdue().unwrap_or(Failure::ReadTimedOut { limit: read.unwrap_or_default() }),
        };
        Err(failure.about(&self.sent, "body"))
    }

    /// What there is to say once the request's time is over.
    fn overdue(&self) -> Option<Failure> {
        let limit = self.plan.limits.total?;
        let over = self.deadline? <= Instant::now();
        over.then_some(Failure::TimedOut {
            limit,
            doing: "reading the body",
        })
    }

    /// What has ended because the client was closed says so.
    fn instead(&self, error: Error) -> Error {
        match self.live.is_closed() {
            true => Failure::Closed.about(&self.sent, "body"),
            false => error,
        }
    }
}

/// What the head says of the body.
#[derive(Debug, Clone, Copy)]
struct Framing {
    http2: bool,
    /// In bytes.
    length: Option<u64>,
    /// The answer is to HEAD, or of a status that has no body.
    bodiless: bool,
    /// It says the length in two ways: whatever follows the body may have been meant as a part of it.
    twice: bool,
}

impl Framing {
    fn of(sent: &Outgoing, answer: &Answer) -> Self {
        let headers = &answer.head.headers;
        let (status, http2) = (answer.head.status, answer.lease.is_http2());
        Self {
            http2,
            length: answer.body.size_hint().exact(),
            bodiless: sent.method == Method::HEAD
                || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status),
            twice: headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING),
        }
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
    framing: Framing,
    /// As it came, in bytes.
    received: u64,
    /// As it is, in bytes.
    decoded: u64,
    /// What came and is not decoded yet.
    pending: Bytes,
    /// A chunk of the body ends with that.
    ends_chunk: bool,
    /// Nothing more comes.
    over: bool,
    /// Everything was given.
    ended: bool,
    /// Why it has no right end.
    broken: Option<Error>,
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
        let framing = Framing::of(sent, &answer);
        let reader = Self {
            patience,
            incoming: answer.body,
            framing,
            lease: Some(answer.lease),
            pace: answer.pace,
            decoder,
            received: 0,
            decoded: 0,
            pending: Bytes::new(),
            ends_chunk: false,
            over: false,
            ended: false,
            broken: None,
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

    /// How many bytes came of that, decoded.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Whether what it gives is not what came, since a coding is undone.
    pub fn decodes(&self) -> bool {
        self.decoder.is_some()
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Why nothing more is given, if the request's time is over before the body is.
    pub fn late(&self) -> Option<Error> {
        if self.ended {
            return None;
        }
        Some(self.patience.overdue()?.about(&self.patience.sent, "body"))
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
            let (incoming, lease, sent) = (&mut self.incoming, self.lease.as_ref(), &self.patience.sent);
            let next = std::future::poll_fn(|cx| poll_incoming(incoming, lease, sent, cx));
            let frame = self.patience.wait(next).await?;
            self.take(frame)?;
        }
    }

    /// Takes in what the connection brings next, for [`decode_next`](Self::decode_next).
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let (lease, sent) = (self.lease.as_ref(), &self.patience.sent);
        let frame = ready!(poll_incoming(&mut self.incoming, lease, sent, cx));
        Poll::Ready(
            frame
                .map_err(|error| self.patience.instead(error))
                .and_then(|frame| self.take(frame)),
        )
    }

    fn take(&mut self, frame: Option<Bytes>) -> Result<()> {
        match frame {
            Some(chunk) => {
                if self.framing.bodiless && !chunk.is_empty() {
                    let why = "the response has a body, and must not have one";
                    return Err(Failure::Protocol(why.into()).about(&self.patience.sent, "body"));
                }
                self.received += chunk.len() as u64;
                self.check_length(self.received)?;
                self.ends_chunk = self
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.chunk_ends_at(self.received));
                self.pending = chunk;
            }
            None if self.is_cut_short() => {
                let why = "the server ended the response before it was complete";
                return Err(Failure::Protocol(why.into()).about(&self.patience.sent, "body"));
            }
            None => self.over = true,
        }
        Ok(())
    }

    /// hyper ends a body quietly that an HTTP/2 server ends by RST_STREAM or GOAWAY without an error code. That
    /// is right for a whole answer to half a request (RFC 9113, section 8.1); any other was cut short.
    fn is_cut_short(&self) -> bool {
        let ended = !self.framing.http2 || self.framing.bodiless || self.incoming.is_end_stream();
        let half_a_request = self.pace.as_ref().is_some_and(|pace| !pace.has_ended());
        match self.framing.length {
            _ if ended => false,
            Some(length) => self.received < length,
            None => !half_a_request,
        }
    }

    fn check_length(&self, length: u64) -> Result<()> {
        match self.patience.plan.most_body {
            Some(most) if length > most => Err(self.too_large(most)),
            _ => Ok(()),
        }
    }

    /// What comes of what is here. None: nothing is, and then the body may be at its end.
    pub fn decode_next(&mut self) -> Result<Option<Bytes>> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let piece = match &mut self.decoder {
            None => std::mem::take(&mut self.pending),
            Some(decoder) => decoder
                .next(&mut self.pending)
                .map_err(|error| Failure::Decoding(error).about(&self.patience.sent, "body"))?,
        };
        if piece.is_empty() {
            self.finish_if_over()?;
            return Ok(None);
        }
        self.decoded += piece.len() as u64;
        self.check_length(self.decoded)?;
        // What is wrong with the end does not take back what came before it.
        self.broken = self.finish_if_over().err();
        Ok(Some(piece))
    }

    /// Whether a chunk ends with what was decoded last; once for each.
    pub fn takes_end_of_chunk(&mut self) -> bool {
        let drained = self.decoder.as_ref().is_none_or(Decoder::is_drained);
        self.pending.is_empty() && drained && std::mem::take(&mut self.ends_chunk)
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
        if let Some(decoder) = self.decoder.take() {
            decoder
                .finish()
                .map_err(|error| Failure::Decoding(error).about(&self.patience.sent, "body"))?;
        }
        self.ended = true;
        let upload_over = self.pace.as_ref().is_none_or(|pace| pace.has_ended());
        let reusable = upload_over && !self.framing.twice;
        if let Some(lease) = self.lease.take().filter(|_| reusable) {
            lease.finish();
        }
        note_with(&self.patience.plan.tracing, "response.end", || {
            self.received.to_string().into()
        });
        Ok(())
    }

    /// Goes on with what is to come on a thread that it keeps from nothing else, unless that is little.
    pub async fn settle(&self) {
        let is_little = match (self.incoming.size_hint().upper(), &self.decoder) {
            (Some(length), None) => length <= LITTLE as u64,
            (Some(length), Some(_)) => length <= SHORT as u64,
            // Decoded it may be a thousand times as long.
            (None, decoder) => decoder.is_none(),
        };
        if !is_little {
            runtime::away().await;
        }
    }

    /// All that is left of it.
    pub async fn collect(&mut self) -> Result<Body> {
        self.settle().await;
        if let Some(length) = self
            .incoming
            .size_hint()
            .exact()
            .filter(|length| *length <= COPIED)
            && self.decoder.is_none()
        {
            // As parts of the connection's buffers it would keep almost twice as much.
            let mut whole = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            while let Some(piece) = self.next().await? {
                whole.extend_from_slice(&piece);
            }
            return Ok(Body::of(vec![whole.into()]));
        }
        let mut pieces: Vec<Bytes> = Vec::new();
        while let Some(piece) = self.next().await? {
            // A part of the connection's buffer keeps all of it, and the connection has to get another.
            pieces.push(match piece.len() {
                ..=SHORT => Bytes::copy_from_slice(&piece),
                _ => piece,
            });
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
    lease: Option<&Lease>,
    sent: &Outgoing,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Bytes>>> {
    let turn = lease.and_then(Lease::turn);
    let frame = ready!(Pin::new(incoming).poll_frame(cx));
    if let Some(turn) = turn {
        // There is room for more now.
        turn.take_if_rung();
    }
    Poll::Ready(match frame {
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
