//! One request from the first step to the last byte: redirects, limits, and the client's end.
//!
//! Runs on tokio and knows no Python. Dropping it at any point closes the connection it was using, or
//! resets its HTTP/2 stream: the server sees that nobody waits any more.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, RANGE};
use hyper::ext::ReasonPhrase;

use super::body::{Body, Content};
use super::error::Failure;
use super::live::Live;
use super::plan::Plan;
use super::reader::Reader;
use super::redirect;
use super::request::Outgoing;
use super::response::{Origin, Parts};
use super::sending::{self, Phase, Where};
use super::settings::merge;
use crate::error::Result;

/// A request as the caller gave it, and how it is to be made.
#[derive(Debug)]
pub struct Exchange {
    pub live: Arc<Live>,
    /// Without the headers that every request of the client has.
    pub outgoing: Outgoing,
    pub plan: Arc<Plan>,
}

impl Exchange {
    /// Does it all, to the last byte of the body. Every error has the request in it.
    ///
    /// The future is small until it is polled, so that it costs little to make it on the loop thread.
    pub async fn run(self) -> Result<Box<Parts>> {
        Box::pin(self.run_here()).await
    }

    async fn run_here(self) -> Result<Box<Parts>> {
        let mut travel = Travel::begin(self);
        let (mut parts, mut reader) = travel.until_head().await?;
        travel.phase.is(Phase::Body);
        let body = reader.collect().await?;
        parts.received = reader.received();
        parts.content = Content::from(body);
        parts.elapsed = travel.start.elapsed();
        Ok(parts)
    }

    /// Does it up to the head of the answer.
    pub async fn open(self) -> Result<(Box<Parts>, Reader)> {
        Box::pin(async move {
            let mut travel = Travel::begin(self);
            let (mut parts, reader) = travel.until_head().await?;
            parts.elapsed = travel.start.elapsed();
            Ok((parts, reader))
        })
        .await
    }
}

/// Where an exchange is: the request that is being answered, and those before it.
struct Travel {
    live: Arc<Live>,
    plan: Arc<Plan>,
    sent: Arc<Outgoing>,
    history: Vec<Box<Parts>>,
    start: Instant,
    deadline: Option<Instant>,
    phase: Where,
}

impl Travel {
    fn begin(exchange: Exchange) -> Self {
        let Exchange {
            live,
            mut outgoing,
            plan,
        } = exchange;
        outgoing.headers = complete(&live.settings.headers, outgoing.headers);
        let start = Instant::now();
        Self {
            sent: Arc::new(outgoing),
            history: Vec::new(),
            start,
            deadline: plan.limits.total.map(|limit| start + limit),
            phase: Where::default(),
            live,
            plan,
        }
    }

    /// Follows redirects until there is an answer to hand out.
    async fn until_head(&mut self) -> Result<(Box<Parts>, Reader)> {
        let live = Arc::clone(&self.live);
        let deadline = self.deadline;
        let outcome = {
            let follow = pin!(self.follow());
            tokio::select! {
                biased;
                outcome = follow => return outcome,
                () = live.closed() => false,
                () = async {
                    match deadline {
                        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                        None => std::future::pending().await,
                    }
                } => true,
            }
        };
        let phase = self.phase.get();
        let (name, doing) = match phase {
            Phase::Pool => ("pool", "waiting for a connection"),
            Phase::Connect => ("connect", "connecting"),
            Phase::Head => ("headers", "waiting for the response"),
            Phase::Body => ("body", "reading the body"),
        };
        let failure = match (outcome, self.plan.limits.total) {
            (true, Some(limit)) => Failure::TimedOut { limit, doing },
            _ => Failure::Closed,
        };
        Err(failure.about(&self.sent, name))
    }

    async fn follow(&mut self) -> Result<(Box<Parts>, Reader)> {
        loop {
            let answer = sending::send(&self.live, &self.sent, &self.plan, &self.phase)
                .await
                .map_err(|failure| failure.about(&self.sent, "headers"))?;
            let ends = answer.ends;
            let next = match self.plan.redirects {
                Some(_) => redirect::next(&self.sent, answer.head.status, &answer.head.headers, &self.plan),
                None => None,
            };
            let next = next
                .transpose()
                .map_err(|error| error.about(self.sent.about("redirect")))?;
            let (head, reader) = Reader::new(&self.live, &self.sent, &self.plan, answer, self.deadline)?;
            let reason = head.extensions.get::<ReasonPhrase>();
            let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
            let mut parts = Box::new(Parts {
                status: head.status,
                version: head.version,
                headers: Arc::new(head.headers),
                reason,
                content: Content::from(Body::of(Vec::new())),
                received: 0,
                elapsed: self.start.elapsed(),
                origin: Origin::Sent(Arc::clone(&self.sent)),
                ends,
                history: Vec::new(),
            });
            let Some(next) = next else {
                parts.history = std::mem::take(&mut self.history);
                return Ok((parts, reader));
            };
            let most = self.plan.redirects.unwrap_or(0);
            if self.history.len() >= most {
                return Err(Failure::TooManyRedirects { most }.about(&self.sent, "redirect"));
            }
            parts.content = Content::from(Body::of(reader.discard().await));
            self.history.push(parts);
            self.sent = Arc::new(next);
        }
    }
}

/// A request's own headers, and those that every request of the client has.
fn complete(defaults: &HeaderMap, own: HeaderMap) -> HeaderMap {
    let mut headers = defaults.clone();
    if !own.is_empty() {
        // A part of a coded body cannot be decoded: who asks for a range gets it uncoded, unless they
        // say how they want it.
        if own.contains_key(RANGE) && !own.contains_key(ACCEPT_ENCODING) {
            headers.remove(ACCEPT_ENCODING);
        }
        merge(&mut headers, own);
    }
    headers
}
