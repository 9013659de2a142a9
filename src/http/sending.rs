//! One request on one connection: get one, send, wait for the head of the answer.
//!
//! What is known not to have been seen by a server is sent again, on another connection. A server may say
//! so (RFC 9113, section 8.7); a connection may be found closed before anything was written to it; and a
//! connection from the pool may have been closed by the server at the very moment: that is tried
//! again, where the method allows it (RFC 9110, section 9.2.2), until a new connection has settled it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use hyper::body::Incoming;
use url::Position;

use super::cookies;
use super::error::Failure;
use super::live::Live;
use super::plan::Plan;
use super::pool::lease::{Lease, Served};
use super::pool::place::{Place, Unasked};
use super::pool::{Grant, Waiting};
use super::request::Outgoing;
use super::timeout::Limits;
use super::upload::{Frames, Pace, Payload};
use crate::net::failure::find;
use crate::net::route::Route;
use crate::net::stream::Ends;
use crate::net::trace::{note, note_with};
use crate::runtime;

/// How often a request is sent again of which nothing was written: each time a connection was found closed.
const UNWRITTEN: u32 = 16;

/// How often one is sent again that the server says it has not looked at. A connection that has served
/// somebody before it went away does not count.
const REFUSED: u32 = 2;

/// How often one is sent again that was lost with a connection from the pool. The next is a new one, as a
/// rule, and that is the end of it; but where there is a line, and the server closes without a word after
/// each answer, what is handed on may be lost again.
const LOST: u32 = 16;

/// Where a request is, for the message when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Pool,
    Connect,
    Head,
    Body,
}

/// The phase, as told by the one future and read by another.
#[derive(Debug, Default)]
pub struct Where(AtomicU8);

impl Where {
    pub fn is(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    pub fn get(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Pool,
            1 => Phase::Connect,
            2 => Phase::Head,
            _ => Phase::Body,
        }
    }
}

/// The head of an answer, and what its body comes from.
#[derive(Debug)]
pub struct Answer {
    pub head: http::response::Parts,
    pub body: Incoming,
    pub lease: Lease,
    /// How the upload gets on; None if there is none to speak of.
    pub pace: Option<Arc<Pace>>,
    pub ends: Ends,
}

/// Sends `sent`.
pub async fn send(live: &Live, sent: &Outgoing, plan: &Plan, phase: &Where) -> Result<Answer, Failure> {
    let engine = live.engine().ok_or(Failure::Forked)?;
    let route = engine.route(&sent.url, plan)?;
    let (mut unwritten, mut refused, mut lost) = (UNWRITTEN, REFUSED, LOST);
    let mut once_more = u32::from(plan.once_more);
    let mut before: Option<Served> = None;
    loop {
        let lease = {
            let connection = connection(live, &route, plan, phase);
            match plan.limits.acquire {
                None => connection.await,
                Some(limit) => tokio::time::timeout(limit, connection)
                    .await
                    .map_err(|_| Failure::ConnectTimedOut { limit })?,
            }?
        };
        phase.is(Phase::Head);
        let reused = lease.reused;
        let failure = match send_on(lease, live, &route, sent, plan).await? {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        // A connection that goes away after so many answers is no reason to give up: the next one gives as many.
        let goes_on = [&before, &failure.served]
            .into_iter()
            .flatten()
            .any(|served| served.load(Ordering::Relaxed));
        before = failure.served;
        let left = match failure.seen {
            Seen::Never | Seen::GoneAway if goes_on && sent.body.is_replayable() => {
                note(&plan.tracing, "connection.stale");
                continue;
            }
            Seen::Never if reused => &mut unwritten,
            // A new connection was no better.
            Seen::Never | Seen::GoneAway | Seen::Refused => &mut refused,
            Seen::Unknown if reused && sent.method.is_idempotent() => &mut lost,
            Seen::Unknown if sent.method.is_idempotent() => &mut once_more,
            Seen::Unknown => return Err(Failure::Http(failure.error)),
        };
        match left.checked_sub(1) {
            // What was written of a stream that cannot be opened again is lost with it.
            Some(rest) if sent.body.is_replayable() => *left = rest,
            _ => return Err(Failure::Http(failure.error)),
        }
        if reused {
            engine.pool.distrust(&route);
        }
        note(&plan.tracing, "connection.stale");
    }
}

/// Whether the server may have acted on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing of it was written.
    Never,
    /// The server ends the connection, and says that it did nothing about this one.
    GoneAway,
    /// The server says that it did nothing about it.
    Refused,
    /// The connection closed or broke without a byte of an answer.
    Unknown,
}

#[derive(Debug)]
struct Unanswered {
    error: hyper::Error,
    seen: Seen,
    served: Option<Served>,
}

async fn connection(live: &Live, route: &Arc<Route>, plan: &Plan, phase: &Where) -> Result<Lease, Failure> {
    let engine = live.engine().ok_or(Failure::Forked)?;
    let grant = match engine.pool.take(route, engine.speaks(route)) {
        Ok(grant) => Some(grant),
        Err(waiting) => {
            note(&plan.tracing, "pool.wait");
            runtime::away().await;
            turn(waiting, plan, phase).await?
        }
    };
    match grant.ok_or(Failure::Closed)? {
        Grant::Ready(lease) => {
            note_with(&plan.tracing, "connection.reused", || {
                address(lease.ends()).into()
            });
            Ok(lease)
        }
        Grant::Dial(place) => {
            phase.is(Phase::Connect);
            // To look up a name and to shake hands takes long, and some of it keeps a thread busy.
            runtime::away().await;
            let open = open(place, live, route, plan);
            let lease = match plan.limits.connect {
                None => open.await,
                Some(limit) => tokio::time::timeout(limit, open)
                    .await
                    .map_err(|_| Failure::ConnectTimedOut { limit })?,
            }?;
            note_with(&plan.tracing, "connection.created", || {
                address(lease.ends()).into()
            });
            Ok(lease)
        }
    }
}

/// Waits in the line. While somebody else dials for all, it is a connection that is waited for, and once
/// that turns out to be for one alone, a free one.
async fn turn(mut waiting: Waiting<'_>, plan: &Plan, phase: &Where) -> Result<Option<Grant>, Failure> {
    let begin = Instant::now();
    let mut in_line_since = None;
    loop {
        // Before the look, so that none is lost.
        let dialled = waiting.dialled_for_one();
        if in_line_since.is_none() && !waiting.is_for_a_dial() {
            in_line_since = Some(Instant::now());
        }
        let (limit, since, now) = match in_line_since {
            Some(since) => (plan.limits.pool, since, Phase::Pool),
            None => (plan.limits.connect, begin, Phase::Connect),
        };
        phase.is(now);
        let late = async {
            match limit {
                Some(limit) => {
                    tokio::time::sleep_until((since + limit).into()).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            grant = waiting.granted() => return Ok(grant),
            () = dialled, if in_line_since.is_none() => {}
            limit = late => return Err(match now {
                Phase::Connect => Failure::ConnectTimedOut { limit },
                _ => Failure::PoolTimedOut { limit },
            }),
        }
    }
}

fn address(ends: Ends) -> String {
    ends.remote.map_or_else(String::new, |remote| remote.to_string())
}

async fn open(place: Place, live: &Live, route: &Route, plan: &Plan) -> Result<Lease, Failure> {
    let engine = live.engine().ok_or(Failure::Forked)?;
    let dialed = engine
        .dialer
        .dial(route, &plan.tracing)
        .await
        .map_err(Failure::Dial)?;
    place.establish(dialed).await.map_err(Failure::Handshake)
}

async fn send_on(
    mut lease: Lease,
    live: &Live,
    route: &Route,
    sent: &Outgoing,
    plan: &Plan,
) -> Result<Result<Answer, Unanswered>, Failure> {
    let body = sent.body.open().map_err(Failure::Upload)?;
    let watched = match &sent.body {
        Payload::Nothing => None,
        // hyper takes it in one go.
        Payload::Whole(whole) if whole.len() <= SHORT && plan.limits.write.is_none() => None,
        _ => Some(Arc::new(Pace::default())),
    };
    let body = match &watched {
        Some(pace) => body.watched(Arc::clone(pace)),
        None => body,
    };
    let request = request(sent, route, lease.is_http2(), body.into(), plan)?;
    note_with(&plan.tracing, "request.begin", || {
        sent.method.as_str().to_owned().into()
    });
    let ends = lease.ends();
    let outcome = {
        let answered = std::pin::pin!(lease.send(request));
        paced(answered, watched.as_ref(), plan).await?
    };
    match outcome {
        None => Err(Failure::Closed),
        Some(Ok(response)) => {
            note_with(&plan.tracing, "response.head", || {
                response.status().as_str().to_owned().into()
            });
            let (head, body) = response.into_parts();
            check(&head, sent, live)?;
            Ok(Ok(Answer {
                head,
                body,
                lease,
                pace: watched,
                ends,
            }))
        }
        Some(Err(mut failure)) => {
            let never_written = failure.take_message().is_some();
            let error = failure.into_error();
            if !lease.reused && find::<rustls::Error>(&error).is_some() {
                // In TLS 1.3 a server that does not like who we are says so after the handshake. The next
                // connection would hear the same.
                return Err(Failure::Http(error));
            }
            let unasked = find::<Unasked>(&error).is_some();
            let seen = if never_written || error.is_canceled() || unasked {
                lease.retire();
                Seen::Never
            } else if let Some(refused) = refusal(&error) {
                lease.retire();
                refused
            } else if broke(&error) {
                Seen::Unknown
            } else {
                return Err(Failure::Http(error));
            };
            Ok(Err(Unanswered {
                error,
                seen,
                served: lease.served(),
            }))
        }
    }
}

/// Refuses what hyper lets pass.
fn check(head: &http::response::Parts, sent: &Outgoing, live: &Live) -> Result<(), Failure> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS && !sent.headers.contains_key(UPGRADE) {
        let why = "the server switched to another protocol, which nobody had asked for";
        return Err(Failure::Protocol(why.into()));
    }
    // hyper counts those of HTTP/1 only.
    let most = live.settings.most_headers;
    if head.headers.len() > most {
        let why = format!("the head of the response is too large: more than {most} headers");
        return Err(Failure::Protocol(why.into()));
    }
    Ok(())
}

/// Waits for the head within the limits on writing and reading.
async fn paced<F: Future + Unpin>(
    mut answered: F,
    pace: Option<&Arc<Pace>>,
    plan: &Plan,
) -> Result<F::Output, Failure> {
    let Limits { read, write, .. } = plan.limits;
    if read.is_none() && write.is_none() {
        return Ok(answered.await);
    }
    let mut silent_since = None;
    loop {
        let writing = pace.filter(|pace| !pace.has_ended());
        let left = match writing {
            Some(pace) => {
                let stalled = pace.stalled();
                if let Some(limit) = write.filter(|limit| stalled >= Some(*limit)) {
                    return Err(Failure::WriteTimedOut { limit });
                }
                let left = write.map(|limit| limit.saturating_sub(stalled.unwrap_or_default()));
                // When the upload ends, the other limit begins.
                Some(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN))
            }
            None => {
                let since = *silent_since.get_or_insert_with(Instant::now);
                if let Some(limit) = read.filter(|limit| since.elapsed() >= *limit) {
                    return Err(Failure::ReadTimedOut { limit });
                }
                read.map(|limit| limit.saturating_sub(since.elapsed()))
            }
        };
        let Some(left) = left else {
            return Ok(answered.await);
        };
        tokio::select! {
            biased;
            outcome = &mut answered => return Ok(outcome),
            () = tokio::time::sleep(left) => {}
        }
    }
}

/// How often it is looked whether an upload is over.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The length of a body that is sent in one piece, in bytes.
const SHORT: usize = 64 * 1024;

/// The request in the form that the connection wants.
fn request(
    sent: &Outgoing,
    route: &Route,
    http2: bool,
    body: Frames,
    plan: &Plan,
) -> Result<http::Request<Frames>, Failure> {
    let mut request = http::Request::new(body);
    *request.method_mut() = sent.method.clone();
    let headers = request.headers_mut();
    *headers = sent.headers.clone();
    if let Some(jar) = plan.jar.as_ref().filter(|jar| !jar.is_empty())
        && let Some(joined) = cookies::join(jar.header(&sent.url), headers.get(COOKIE))
    {
        cookies::put(headers, joined);
    }
    // RFC 9110, section 8.6: a method that expects a body says so where there is none. hyper does not, and
    // some servers answer 411.
    if sent.body.length() == Some(0)
        && [Method::POST, Method::PUT, Method::PATCH].contains(&sent.method)
        && !headers.contains_key(TRANSFER_ENCODING)
    {
        headers
            .entry(CONTENT_LENGTH)
            .or_insert(HeaderValue::from_static("0"));
    }
    let whole = http2 || route.forwards();
    if http2 {
        // RFC 9113, section 8.2.2: what is about a connection has no place in a stream.
        for name in [CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        headers.remove("keep-alive");
        headers.remove("proxy-connection");
        headers.remove("upgrade");
    } else {
        if !headers.contains_key(HOST) {
            let host = &sent.url[Position::BeforeHost..Position::AfterPort];
            let host = HeaderValue::from_str(host).map_err(|_| Failure::Unsendable)?;
            // RFC 9110, section 7.2: it should be the first.
            let mut first = HeaderMap::with_capacity(headers.len() + 1);
            first.insert(HOST, host);
            first.extend(std::mem::take(headers));
            *headers = first;
        }
        if let Some(proxy) = route.proxy.as_ref().filter(|_| route.forwards()) {
            let mut theirs = proxy.headers();
            theirs.retain(|(name, _)| !headers.contains_key(name));
            for (name, value) in theirs {
                headers.append(name, value);
            }
        }
    }
    let uri = if http2 && let Some(host) = headers.remove(HOST) {
        // The authority is what a Host header is in HTTP/1.1.
        let authority = host.to_str().map_err(|_| Failure::Unsendable)?;
        format!("{}://{authority}{}", sent.url.scheme(), target(sent)).parse()
    } else if whole {
        let origin = &sent.url[Position::BeforeScheme..Position::BeforePath];
        format!("{origin}{}", target(sent)).parse()
    } else {
        target(sent).parse()
    };
    *request.uri_mut() = uri.map_err(|_: http::uri::InvalidUri| Failure::Unsendable)?;
    *request.version_mut() = if http2 { Version::HTTP_2 } else { Version::HTTP_11 };
    Ok(request)
}

/// What is asked for: a path and a query.
fn target(sent: &Outgoing) -> &str {
    match &sent.target {
        Some(target) if !target.is_empty() => target,
        _ => &sent.url[Position::BeforePath..Position::AfterQuery],
    }
}

/// How an HTTP/2 server has said that it did nothing about the request, and may be asked again.
///
/// Not a stream that it reset for any other reason, nor a connection that broke: there it may have acted.
fn refusal(error: &hyper::Error) -> Option<Seen> {
    let error = find::<h2::Error>(error).filter(|error| error.is_remote())?;
    match error.reason()? {
        h2::Reason::NO_ERROR if error.is_go_away() => Some(Seen::GoneAway),
        h2::Reason::REFUSED_STREAM if error.is_reset() => Some(Seen::Refused),
        _ => None,
    }
}

/// Whether the connection ended before anything of the answer came.
fn broke(error: &hyper::Error) -> bool {
    if error.is_incomplete_message() || error.is_closed() {
        return true;
    }
    find::<std::io::Error>(error).is_some_and(|error| {
        use std::io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
        };
        matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
        )
    })
}
