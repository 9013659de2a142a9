//! What went wrong with a request, as an [`Error`]: told apart by type, never by text.
//!
//! hyper wraps h2, rustls and the system. What happened is found by walking that chain. The order of the
//! checks matters, so each says what it must not catch.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::time::Duration;

use super::cause;
use super::pool::place::Unasked;
use super::request::Outgoing;
use crate::error::{Error, Kind};
use crate::net::dial;
use crate::net::failure::{find, find_io, innermost};

/// Why a request has no answer, or an answer no body.
#[derive(Debug)]
pub enum Failure {
    /// The client was closed.
    Closed,
    /// The connections are those of another process.
    Forked,
    /// The request cannot be put into HTTP.
    Unsendable,
    PoolTimedOut {
        limit: Duration,
    },
    ConnectTimedOut {
        limit: Duration,
    },
    ReadTimedOut {
        limit: Duration,
    },
    WriteTimedOut {
        limit: Duration,
    },
    /// In total.
    TimedOut {
        limit: Duration,
        doing: &'static str,
    },
    Dial(dial::Failure),
    /// There is a connection, and HTTP cannot be begun on it.
    Handshake(hyper::Error),
    Http(hyper::Error),
    Decoding(io::Error),
    BodyTooLarge {
        most: u64,
    },
    TooManyRedirects {
        most: usize,
    },
    /// The server did what HTTP has no place for, and hyper let pass.
    Protocol(Cow<'static, str>),
    /// The body of the request is not to be had.
    Upload(Error),
}

impl Failure {
    /// The error that the caller gets for the request `sent`. `phase`: where it was, if the failure does not
    /// say that itself.
    pub fn about(self, sent: &Outgoing, phase: &'static str) -> Error {
        let to = || match sent.url.port_or_known_default() {
            Some(port) => format!("{}:{port}", sent.url.host_str().unwrap_or("")),
            None => sent.url.host_str().unwrap_or("").to_owned(),
        };
        let request = |what: &str| format!("{} {}: {what}", sent.method, sent.url);
        let seconds = |limit: Duration| limit.as_secs_f64();
        let cause = cause::of(&self);
        let (kind, phase, message) = match self {
            Self::Upload(error) => return error,
            Self::Forked => {
                return Error::runtime(
                    "this request was made before a fork, and its connections are the parent's",
                );
            }
            Self::Closed => (Kind::Close, phase, request("the client was closed")),
            Self::Unsendable => (
                Kind::LocalProtocol,
                phase,
                request("its URL or its Host header cannot be sent"),
            ),
            Self::PoolTimedOut { limit } => (
                Kind::PoolTimeout,
                "pool",
                request(&format!("no connection was free within {} s", seconds(limit))),
            ),
            Self::ConnectTimedOut { limit } => (
                Kind::ConnectTimeout,
                "connect",
                format!(
                    "cannot connect to {}: no connection within {} s",
                    to(),
                    seconds(limit)
                ),
            ),
            Self::ReadTimedOut { limit } => (
                Kind::ReadTimeout,
                phase,
                request(&format!("nothing came for {} s", seconds(limit))),
            ),
            Self::WriteTimedOut { limit } => (
                Kind::WriteTimeout,
                phase,
                request(&format!("nothing could be sent for {} s", seconds(limit))),
            ),
            Self::TimedOut { limit, doing } => (
                Kind::Timeout,
                phase,
                request(&format!(
                    "not finished within {} s, it was still {doing}",
                    seconds(limit)
                )),
            ),
            Self::Dial(failure) => {
                let (kind, message) = failure.in_words();
                (kind, "connect", message)
            }
            Self::Handshake(error) => {
                let kind = classify(&error).unwrap_or(Kind::Connect);
                let kind = if kind == Kind::Read { Kind::Connect } else { kind };
                let message = format!("cannot connect to {}: {}", to(), reason(&error));
                (kind, "connect", message)
            }
            Self::Http(error) => {
                let kind = classify(&error).unwrap_or(if phase == "body" {
                    Kind::Read
                } else {
                    // A connection that closed before the request was written, and could not be replaced.
                    Kind::RemoteProtocol
                });
                (kind, phase, request(&reason(&error)))
            }
            Self::Decoding(error) => (
                Kind::Decoding,
                "body",
                request(&format!(
                    "the body is not valid for its Content-Encoding: {error}"
                )),
            ),
            Self::BodyTooLarge { most } => (
                Kind::BodyTooLarge,
                "body",
                request(&format!("the body is longer than {most} bytes")),
            ),
            Self::TooManyRedirects { most } => (
                Kind::TooManyRedirects,
                "redirect",
                request(&format!("more than {most} redirects")),
            ),
            Self::Protocol(what) => (Kind::RemoteProtocol, phase, request(&what)),
        };
        Error::new(kind, message).about(sent.about(phase)).because(cause)
    }
}

fn classify(error: &hyper::Error) -> Option<Kind> {
    if find::<rustls::Error>(error).is_some() {
        return Some(Kind::Tls);
    }
    // What came out of an upload is its own error.
    if let Some(kind) = find::<h2::Error>(error).and_then(of_h2) {
        return Some(kind);
    }
    if let Some(kind) = of_hyper(error) {
        return Some(kind);
    }
    if is_closed_http2(error) || find::<Unasked>(error).is_some() {
        return Some(Kind::RemoteProtocol);
    }
    find_io(error).map(of_io)
}

/// Not what wraps an io::Error: there the connection broke, and the protocol was kept.
fn of_h2(error: &h2::Error) -> Option<Kind> {
    if error.is_io() {
        return None;
    }
    if error.is_remote() || error.is_library() || error.is_go_away() || error.is_reset() {
        return Some(Kind::RemoteProtocol);
    }
    Some(Kind::LocalProtocol)
}

/// Not what wraps an io::Error, except where hyper uses one to say that the peer's framing is wrong.
fn of_hyper(error: &hyper::Error) -> Option<Kind> {
    if error.is_user() {
        // The request contradicts itself. Not a body that the peer stopped reading.
        return Some(if error.is_body_write_aborted() {
            Kind::Write
        } else {
            Kind::LocalProtocol
        });
    }
    if error.is_timeout() {
        return Some(Kind::ReadTimeout);
    }
    if error.is_parse() || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Some(Kind::RemoteProtocol);
    }
    None
}

/// What is left: a connection that was there and broke, or hyper's word for framing that is wrong.
fn of_io(error: &io::Error) -> Kind {
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => Kind::RemoteProtocol,
        ErrorKind::TimedOut => Kind::ReadTimeout,
        ErrorKind::BrokenPipe | ErrorKind::WriteZero => Kind::Write,
        _ => Kind::Read,
    }
}

/// What is said of an answer that ends too early.
const INCOMPLETE: &str = "the server closed the connection before the response was complete";

/// The connection under a stream has ended. h2 says so with an io::Error of its own making, not the system's.
pub(super) fn is_closed_http2(error: &hyper::Error) -> bool {
    let ours = |kind, raw: Option<i32>| kind == ErrorKind::BrokenPipe && raw.is_none();
    let in_h2 = find::<h2::Error>(error).and_then(h2::Error::get_io);
    in_h2
        .or_else(|| find_io(error))
        .is_some_and(|error| ours(error.kind(), error.raw_os_error()))
}

fn reason(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || is_closed_http2(error) {
        INCOMPLETE.into()
    } else {
        innermost(error)
    }
}
