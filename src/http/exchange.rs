//! One request from the first step to the last byte: redirects, limits, and the client's end.
//!
//! Runs on tokio and knows no Python. Dropping it at any point closes the connection it was using, or
//! resets its HTTP/2 stream: the server sees that nobody waits any more.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method};
use hyper::ext::ReasonPhrase;

use super::body::{self, Content};
use super::decode::Decoder;
use super::live::Live;
use super::request::Outgoing;
use super::response::{Origin, Parts};
use super::settings::merge;
use super::timeout::Limits;
use super::{error, redirect, upload};
use crate::error::{Error, Kind, Result};
use crate::net::connect;

/// How often a request is sent again that the server has not looked at.
const UNSEEN: u32 = 2;

/// How often a request is tried again that was left alone by the one which opened its connection. Each
/// time somebody else has to be cancelled, or to fail, at the worst moment.
const LEFT_ALONE: u32 = 8;

/// A request as the caller gave it, and what bounds it.
#[derive(Debug)]
pub struct Exchange {
    pub live: Arc<Live>,
    /// Without the headers that every request of the client has.
    pub outgoing: Outgoing,
    pub limits: Limits,
    /// How many redirects to follow; None: hand a redirect to the caller as it is.
    pub redirects: Option<usize>,
}

impl Exchange {
    /// Does it all. Every error has the request in it.
    ///
    /// The future is small until it is polled, so that it costs little to make it on the loop thread.
    pub async fn run(self) -> Result<Box<Parts>> {
        Box::pin(self.run_here()).await
    }

    async fn run_here(self) -> Result<Box<Parts>> {
        let live = self.live;
        let mut outgoing = self.outgoing;
        outgoing.headers = complete(&live.settings.headers, outgoing.headers);
        say_empty(&mut outgoing);
        let mut travel = Travel {
            live: &live,
            sent: Arc::new(outgoing),
            redirects: self.redirects,
            phase: Phase::Head,
        };
        tokio::select! {
            biased;
            outcome = connect::scope(self.limits.connect, travel.within(self.limits.total)) => {
                outcome.map_err(|error| match travel.sent.body.failure() {
                    Some(failure) => failure.about(travel.sent.about("headers")),
                    None => error,
                })
            }
            () = live.closed() => Err(travel.failed(Kind::Close, "the client was closed", "headers")),
        }
    }
}

/// Where an exchange is: the request that is being answered, and what of the answer is missing.
struct Travel<'a> {
    live: &'a Live,
    sent: Arc<Outgoing>,
    redirects: Option<usize>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Body,
}

impl Travel<'_> {
    async fn within(&mut self, total: Option<Duration>) -> Result<Box<Parts>> {
        let Some(limit) = total else {
            return self.follow().await;
        };
        let outcome = {
            let follow = pin!(self.follow());
            tokio::select! {
                biased;
                outcome = follow => Ok(outcome),
                // Asked while the work is still there: a connection that is dropped is no longer made.
                () = tokio::time::sleep(limit) => Err(connect::connecting()),
            }
        };
        outcome.unwrap_or_else(|connecting| Err(self.too_slow(limit, connecting)))
    }

    async fn follow(&mut self) -> Result<Box<Parts>> {
        let start = Instant::now();
        let mut left = self.redirects;
        loop {
            let response = self.send().await?;
            let next = match left {
                Some(_) => redirect::next(&self.sent, response.status(), response.headers()),
                None => None,
            };
            let Some(next) = next else {
                self.phase = Phase::Body;
                let received = self.receive(response, start).await;
                self.sent.body.close();
                return received;
            };
            let next = next.map_err(|error| error.about(self.sent.about("redirect")))?;
            left = match left.map(|left| left.checked_sub(1)) {
                Some(Some(rest)) => Some(rest),
                _ => return Err(self.too_many_redirects()),
            };
            body::discard(http::Response::from(response).into_body()).await;
            self.sent = Arc::new(next);
        }
    }

    /// Sends the request, and once more where it is known that the server did nothing about it.
    ///
    /// An HTTP/2 server may say so: RFC 9113, section 8.7, allows it for any method, and a server that is
    /// restarted does it to every client. And a request may not have got as far as a connection.
    async fn send(&self) -> Result<reqwest::Response> {
        let (mut unseen, mut left_alone) = (UNSEEN, LEFT_ALONE);
        loop {
            let failure = match self.send_once().await? {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let left = if error::was_not_seen(&failure) {
                &mut unseen
            } else if error::was_left_alone(&failure, connect::failed()) {
                &mut left_alone
            } else {
                return Err(error::from_reqwest(&failure, &self.sent, "headers"));
            };
            match left.checked_sub(1) {
                Some(rest) => *left = rest,
                None => return Err(error::from_reqwest(&failure, &self.sent, "headers")),
            }
        }
    }

    async fn send_once(&self) -> Result<Result<reqwest::Response, reqwest::Error>> {
        let Some(client) = self.live.client() else {
            return Err(Error::runtime(
                "this request was made before a fork, and its connections are the parent's",
            ));
        };
        let mut request = reqwest::Request::new(self.sent.method.clone(), self.sent.url.clone());
        *request.headers_mut() = self.sent.headers.clone();
        *request.body_mut() = upload::body_of(&self.sent.body)?;
        Ok(client.execute(request).await)
    }

    async fn receive(&self, response: reqwest::Response, start: Instant) -> Result<Box<Parts>> {
        let (head, stream) = http::Response::from(response).into_parts();
        let failed = |failure| error::from_body(&failure, &self.sent);
        let decoder = Decoder::for_headers(&head.headers)
            .map_err(body::Failure::Decoding)
            .map_err(failed)?;
        let collected = body::collect(stream, decoder).await.map_err(failed)?;
        let reason = head.extensions.get::<ReasonPhrase>();
        let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        Ok(Box::new(Parts {
            status: head.status,
            version: head.version,
            headers: Arc::new(head.headers),
            reason,
            content: Content::from(collected),
            elapsed: start.elapsed(),
            origin: Origin::Sent(Arc::clone(&self.sent)),
        }))
    }

    fn too_slow(&self, limit: Duration, connecting: bool) -> Error {
        let (phase, doing) = match self.phase {
            _ if connecting => ("connect", "connecting"),
            Phase::Head => ("headers", "waiting for the response"),
            Phase::Body => ("body", "reading the body"),
        };
        let seconds = limit.as_secs_f64();
        self.failed(
            Kind::Timeout,
            &format!("not finished within {seconds} s, it was still {doing}"),
            phase,
        )
    }

    fn too_many_redirects(&self) -> Error {
        let most = self.redirects.unwrap_or(0);
        self.failed(
            Kind::TooManyRedirects,
            &format!("more than {most} redirects"),
            "redirect",
        )
    }

    fn failed(&self, kind: Kind, what: &str, phase: &'static str) -> Error {
        let Outgoing { method, url, .. } = &*self.sent;
        Error::new(kind, format!("{method} {url}: {what}")).about(self.sent.about(phase))
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

/// RFC 9110, section 8.6: a method that expects a body says so where there is none. hyper does not, and
/// some servers answer 411.
fn say_empty(outgoing: &mut Outgoing) {
    let empty = outgoing.body.length() == Some(0);
    let framed = outgoing.headers.contains_key(TRANSFER_ENCODING);
    if empty && !framed && [Method::POST, Method::PUT, Method::PATCH].contains(&outgoing.method) {
        let length = outgoing.headers.entry(CONTENT_LENGTH);
        length.or_insert(HeaderValue::from_static("0"));
    }
}
