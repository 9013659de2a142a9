//! One request from the first step to the last byte: redirects, retries, credentials, limits, and the
//! client's end.
//!
//! Runs on tokio and knows no Python. Dropping it at any point closes the connection it was using, or
//! resets its HTTP/2 stream: the server sees that nobody waits any more.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, RANGE};
use http::{HeaderMap, HeaderValue};
use hyper::ext::ReasonPhrase;

use super::auth::asked::Asked;
use super::body::{Body, Content};
use super::error::Failure;
use super::live::Live;
use super::load::{Busy, LITTLE};
use super::plan::Plan;
use super::pool::heard::Names;
use super::reader::Reader;
use super::redirect::{self, origin_changes};
use super::request::Outgoing;
use super::response::{Origin, Parts};
use super::retry::Attempts;
use super::sending::{self, Answer, Phase, Where};
use super::settings::merge;
use super::stream::Stream;
use super::upload::Payload;
use crate::bridge::work::Remote;
use crate::error::{Error, Kind, Result};
use crate::net::trace::note_with;

/// An exchange on its way.
pub type Running<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A request as the caller gave it, and how it is to be made.
#[derive(Debug)]
pub struct Exchange {
    pub live: Arc<Live>,
    /// Without the headers that every request of the client has.
    pub outgoing: Outgoing,
    pub plan: Arc<Plan>,
}

impl Exchange {
    /// The work of `run`, where it is done soonest.
    fn work<T: Send + 'static>(self, run: impl FnOnce(Self) -> Running<T>) -> Remote<Running<T>> {
        let light = self.live.load().is_light()
            && match &self.outgoing.body {
                Payload::Nothing => true,
                Payload::Whole(whole) => whole.len() <= LITTLE,
                // It may have a file to read.
                Payload::Streamed(_) => false,
            };
        let running = run(self);
        if light {
            Remote::near(running)
        } else {
            Remote::new(running)
        }
    }

    /// The work that is done with the last byte of the body.
    pub fn running(self) -> Remote<Running<Box<Parts>>> {
        self.work(Self::run)
    }

    /// The work that is done with the head of the answer.
    pub fn opening(self) -> Remote<Running<Box<Parts>>> {
        self.work(Self::open)
    }

    /// The same; a body that came with the head is given as one that was read.
    pub fn opening_or_reading(self) -> Remote<Running<Box<Parts>>> {
        self.work(Self::open_or_read)
    }

    /// Does it all, to the last byte of the body. Every error has the request in it.
    pub fn run(self) -> Running<Box<Parts>> {
        Box::pin(self.complete())
    }

    /// The same, for who has a place for the future.
    pub async fn complete(self) -> Result<Box<Parts>> {
        let mut travel = Travel::begin(self);
        let outcome = travel.until_the_end().await;
        travel.sent.body.close();
        outcome
    }

    /// Does it up to the head of the answer, and takes in what is here of the body.
    pub fn open(self) -> Running<Box<Parts>> {
        Box::pin(async move {
            let (mut parts, reader) = Travel::begin(self).until_the_head().await?;
            reader.settle().await;
            let stream = Stream::new(reader, parts.attempts);
            stream.look_ahead().await;
            parts.content = Content::from(Body::Stream(stream));
            Ok(parts)
        })
    }

    /// The same; a body that came with the head is given as one that was read.
    pub fn open_or_read(self) -> Running<Box<Parts>> {
        Box::pin(async move {
            let (mut parts, reader) = Travel::begin(self).until_the_head().await?;
            reader.settle().await;
            let (body, received) = ahead(Stream::new(reader, parts.attempts)).await;
            if let Body::Stream(stream) = &body {
                stream.read_on();
            }
            parts.content = Content::from(body);
            parts.received = received.into();
            Ok(parts)
        })
    }
}

/// What came with the head: the whole body, or the way to the rest of it.
async fn ahead(stream: Arc<Stream>) -> (Body, u64) {
    stream.look_ahead().await;
    let whole = stream.whole();
    (
        whole.unwrap_or_else(|| Body::Stream(Arc::clone(&stream))),
        stream.received(),
    )
}

/// Where an exchange is: the request that is being answered, and those before it.
#[derive(Debug)]
pub struct Travel {
    live: Arc<Live>,
    plan: Arc<Plan>,
    sent: Arc<Outgoing>,
    history: Vec<Parts>,
    attempts: Option<Attempts>,
    /// The URL that the caller gave: its credentials are for no other server.
    first: url::Url,
    start: Instant,
    deadline: Option<Instant>,
    phase: Where,
    _busy: Busy,
}

impl Travel {
    pub fn begin(exchange: Exchange) -> Self {
        let Exchange {
            live,
            mut outgoing,
            plan,
        } = exchange;
        outgoing.headers = complete(&live.settings.headers, outgoing.headers);
        let start = Instant::now();
        Self {
            first: outgoing.url.clone(),
            sent: Arc::new(outgoing),
            history: Vec::new(),
            attempts: plan.retries.as_ref().map(Attempts::new),
            start,
            deadline: plan.limits.total.map(|limit| start + limit),
            phase: Where::default(),
            _busy: Busy::with(&live),
            live,
            plan,
        }
    }

    async fn until_the_end(&mut self) -> Result<Box<Parts>> {
        loop {
            let (mut parts, mut reader) = self.until_the_head().await?;
            self.phase.is(Phase::Body);
            match reader.collect().await {
                Ok(body) => {
                    parts.received = reader.received().into();
                    parts.content = Content::from(body);
                    parts.elapsed = self.start.elapsed();
                    return Ok(parts);
                }
                Err(error) => {
                    drop(reader);
                    self.go_back(&mut parts);
                    self.again(error).await?;
                }
            }
        }
    }

    /// Goes on until there is an answer to hand out, or the time is over.
    pub async fn until_the_head(&mut self) -> Result<(Box<Parts>, Reader)> {
        let live = Arc::clone(&self.live);
        let deadline = self.deadline;
        let outcome = {
            let follow = pin!(self.follow());
            tokio::select! {
                biased;
                outcome = follow => Ok(outcome),
                () = live.closed() => Err(false),
                () = until(deadline) => Err(true),
            }
        };
        let late = match outcome {
            // What has ended because the client was closed says so.
            Ok(Err(_)) if live.is_closed() => false,
            Ok(outcome) => return outcome.map_err(|error| error.attempt(self.attempt())),
            Err(late) => late,
        };
        let (name, doing) = match self.phase.get() {
            Phase::Pool => ("pool", "waiting for a connection"),
            Phase::Connect => ("connect", "connecting"),
            Phase::Head if self.sent.body.length() == Some(0) => ("headers", "waiting for the response"),
            Phase::Head => ("headers", "sending the request, or waiting for the response"),
            Phase::Body => ("body", "reading the body"),
        };
        let failure = match self.plan.limits.total {
            Some(limit) if late => Failure::TimedOut { limit, doing },
            _ => Failure::Closed,
        };
        Err(failure.about(&self.sent, name).attempt(self.attempt()))
    }

    /// The request as it was sent last, or will be next.
    pub fn sent(&self) -> &Outgoing {
        &self.sent
    }

    /// Changes the headers with which it is sent next.
    pub fn change(&mut self, change: impl FnOnce(&mut HeaderMap)) {
        let mut next = Outgoing::clone(&self.sent);
        change(&mut next.headers);
        self.sent = Arc::new(next);
    }

    /// Goes back to before the answer `parts`, whose body did not come to its end.
    pub fn go_back(&mut self, parts: &mut Parts) {
        self.history = std::mem::take(&mut parts.history);
    }

    fn attempt(&self) -> u32 {
        self.attempts.as_ref().map_or(1, Attempts::made)
    }

    async fn follow(&mut self) -> Result<(Box<Parts>, Reader)> {
        loop {
            let answer = match self.with_credentials().await {
                Ok(answer) => answer,
                Err(error) => {
                    self.again(error).await?;
                    continue;
                }
            };
            if let Some(jar) = &self.plan.jar {
                jar.store(&self.sent.url, &answer.head.headers);
            }
            let next = match self.plan.redirects {
                Some(_) => redirect::next(
                    &self.sent,
                    answer.head.status,
                    &answer.head.headers,
                    self.plan.downgrade,
                ),
                None => None,
            };
            let wait = match (&next, &mut self.attempts) {
                (None, Some(attempts)) => {
                    let (status, headers) = (answer.head.status, &answer.head.headers);
                    attempts.after_status(&self.sent.method, status, headers, self.sent.body.is_replayable())
                }
                _ => None,
            };
            let (ends, names) = (answer.ends, answer.lease.names());
            let (head, reader) = Reader::new(&self.live, &self.sent, &self.plan, answer, self.deadline)?;
            if let Some(wait) = wait.filter(|wait| self.has_time_for(*wait)) {
                reader.discard().await;
                self.pause(wait).await?;
                continue;
            }
            let reason = head.extensions.get::<ReasonPhrase>().map(ReasonPhrase::as_bytes);
            let reason = match reason {
                Some([]) => names.as_ref().and_then(Names::reason).or(reason),
                known => known,
            };
            let reason = reason.map(|reason| String::from_utf8_lossy(reason).into_owned());
            let mut parts = Parts {
                status: head.status,
                version: head.version,
                headers: Arc::new(of_its_own(head.headers)),
                names,
                reason,
                content: Content::from(Body::of(Vec::new())),
                received: AtomicU64::new(0),
                elapsed: self.start.elapsed(),
                origin: Origin::Sent(Arc::clone(&self.sent)),
                ends,
                attempts: self.attempt(),
                history: Vec::new(),
                tracing: self.plan.tracing.clone(),
            };
            let Some(next) = next else {
                parts.history = std::mem::take(&mut self.history);
                return Ok((Box::new(parts), reader));
            };
            let next = next.map_err(|error| {
                let error = error.about(self.sent.about("redirect"));
                error.because(redirect::location(&parts.headers))
            })?;
            let most = self.plan.redirects.unwrap_or(0);
            if self.history.len() >= most && self.plan.hands_over {
                parts.history = std::mem::take(&mut self.history);
                return Ok((Box::new(parts), reader));
            }
            if self.history.len() >= most {
                return Err(Failure::TooManyRedirects { most }.about(&self.sent, "redirect"));
            }
            parts.content = Content::from(Body::of(reader.discard().await));
            note_with(&self.plan.tracing, "redirect", || next.url.to_string().into());
            self.history.push(parts);
            self.sent = Arc::new(next);
        }
    }

    /// Sends it, and once more with what a server wants that asks who we are.
    async fn with_credentials(&mut self) -> Result<Answer> {
        let theirs = |auth: &Arc<dyn super::auth::Auth>| {
            auth.chooses_by_host() || !origin_changes(&self.first, &self.sent.url)
        };
        let Some(auth) = self.plan.auth.clone().filter(theirs) else {
            return self.send(&self.sent).await;
        };
        let plain = Arc::clone(&self.sent);
        let body = match &plain.body {
            Payload::Nothing => Some(&b""[..]),
            Payload::Whole(whole) => Some(&**whole),
            Payload::Streamed(_) => None,
        };
        let asked = Asked::of(&plain.method, &plain.url, body);
        let mut shown = auth.authorize(&asked);
        loop {
            let answer = match &shown {
                None => self.send(&plain).await?,
                Some(shown) => {
                    let mut next = Outgoing::clone(&plain);
                    next.headers.insert(AUTHORIZATION, shown.value().clone());
                    self.sent = Arc::new(next);
                    self.send(&self.sent).await?
                }
            };
            let (status, headers) = (answer.head.status, &answer.head.headers);
            match auth.answer(&asked, status, headers, shown.as_ref()) {
                Some(next) if plain.body.is_replayable() => {
                    shown = Some(next);
                    let (_, reader) = Reader::new(&self.live, &plain, &self.plan, answer, self.deadline)?;
                    reader.discard().await;
                }
                _ => {
                    if let Some(shown) = &shown {
                        auth.learn(&asked, status, headers, shown);
                    }
                    return Ok(answer);
                }
            }
        }
    }

    async fn send(&self, sent: &Outgoing) -> Result<Answer> {
        let outcome = sending::send(&self.live, sent, &self.plan, &self.phase).await;
        outcome.map_err(|failure| match sent.body.failure() {
            // What hyper makes of it hides why.
            Some(error) => error.about(sent.about("headers")),
            None => failure.about(sent, "headers"),
        })
    }

    /// Waits for the next attempt, if there is to be one after `error`.
    pub async fn again(&mut self, error: Error) -> Result<()> {
        let error = error.attempt(self.attempt());
        let unsent = is_unsent(error.kind());
        let replayable = self.sent.body.is_replayable();
        let wait = self
            .attempts
            .as_mut()
            .and_then(|attempts| attempts.after_error(&self.sent.method, error.kind(), unsent, replayable));
        match wait.filter(|wait| self.has_time_for(*wait)) {
            None => Err(error),
            Some(wait) => self.pause(wait).await,
        }
    }

    /// Whether there is time left for that wait; if not, the attempt after it is not made.
    fn has_time_for(&mut self, wait: Duration) -> bool {
        let in_time = self
            .deadline
            .is_none_or(|deadline| Instant::now() + wait < deadline);
        if let Some(attempts) = self.attempts.as_mut().filter(|_| !in_time) {
            attempts.forgo();
        }
        in_time
    }

    async fn pause(&self, wait: Duration) -> Result<()> {
        note_with(&self.plan.tracing, "retry", || {
            format!("in {} s", wait.as_secs_f64()).into()
        });
        tokio::select! {
            biased;
            () = self.live.closed() => Err(Failure::Closed.about(&self.sent, "headers")),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

/// Whether the server has seen nothing of a request that failed so.
pub fn is_unsent(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Connect | Kind::ConnectTimeout | Kind::PoolTimeout | Kind::Proxy
    )
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// The same headers in memory of their own. As hyper makes them they are parts of the connection's buffer, of 8
/// KiB or more, which is kept with them.
fn of_its_own(mut headers: HeaderMap) -> HeaderMap {
    let length = headers.values().map(HeaderValue::len).sum();
    let mut all = BytesMut::with_capacity(length);
    for value in headers.values() {
        all.extend_from_slice(value.as_bytes());
    }
    let mut all = all.freeze();
    for value in headers.values_mut() {
        // Not in the way: what was a value is one.
        if let Ok(mut own) = HeaderValue::from_maybe_shared(all.split_to(value.len())) {
            own.set_sensitive(value.is_sensitive());
            *value = own;
        }
    }
    headers
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
