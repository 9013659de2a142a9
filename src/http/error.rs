//! Foreign errors, told apart by their type.
//!
//! reqwest wraps hyper-util, which wraps hyper, which wraps h2, rustls and the system. What went wrong
//! is found by walking that chain; no text is ever read. The order of the checks matters, so each says
//! what it must not catch.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use crate::error::{Error, Kind};
use crate::net::connect::ConnectTimedOut;

use super::body::Failure;
use super::request::Outgoing;

/// The error of a request that reqwest could not do, or of a body that could not be read.
pub fn from_reqwest(error: &reqwest::Error, sent: &Outgoing, phase: &'static str) -> Error {
    let (kind, phase) = classify(error, phase);
    let reason = reason(error, kind);
    let message = match kind {
        Kind::Connect if error.is_dns() => format!("cannot resolve {}: {reason}", host(sent)),
        Kind::Connect | Kind::Tls if phase == "connect" => {
            format!("cannot connect to {}: {reason}", authority(sent))
        }
        Kind::ConnectTimeout => format!("cannot connect to {}: {reason}", authority(sent)),
        _ => format!("{} {}: {reason}", sent.method, sent.url),
    };
    Error::new(kind, message).about(sent.about(phase))
}

/// The error of a body.
pub fn from_body(failure: &Failure, sent: &Outgoing) -> Error {
    match failure {
        Failure::Receiving(error) => from_reqwest(error, sent, "body"),
        Failure::Decoding(error) => Error::new(
            Kind::Decoding,
            format!(
                "{} {}: the body is not valid for its Content-Encoding: {error}",
                sent.method, sent.url
            ),
        )
        .about(sent.about("body")),
    }
}

/// Whether an HTTP/2 server has said that it did nothing about the request, and may be asked again.
///
/// Not a stream that it reset for any other reason, nor a connection that broke: there it may have acted.
pub fn was_not_seen(error: &reqwest::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        let said = error.reason().filter(|_| error.is_remote());
        match said {
            Some(h2::Reason::NO_ERROR) => error.is_go_away(),
            Some(h2::Reason::REFUSED_STREAM) => error.is_reset(),
            _ => false,
        }
    })
}

/// Whether the pool gave up on a connection that another request was opening for both, and then did not
/// finish, so that nothing of this request was sent. `own_failed`: this request's own attempt failed.
///
/// Over HTTP/2 requests to one origin share what one of them opens, and that one may be cancelled.
pub fn was_left_alone(error: &reqwest::Error, own_failed: bool) -> bool {
    let Some(legacy) = find::<hyper_util::client::legacy::Error>(error) else {
        return false;
    };
    // A hyper::Error: the handshake failed, or the request was on its way. Otherwise what is not the
    // connector's is the pool's, whose own error type is private.
    !(own_failed && legacy.is_connect()) && find::<hyper::Error>(legacy).is_none()
}

fn classify(error: &reqwest::Error, phase: &'static str) -> (Kind, &'static str) {
    // Ours, so it is nothing else. Not the system's own ETIMEDOUT, which comes below.
    if find::<ConnectTimedOut>(error).is_some() {
        return (Kind::ConnectTimeout, "connect");
    }
    let legacy = find::<hyper_util::client::legacy::Error>(error);
    let connecting = legacy.is_some_and(hyper_util::client::legacy::Error::is_connect);
    let phase = if connecting { "connect" } else { phase };
    // Certificates, alerts and peers that speak no TLS. Not a connection that breaks below TLS: that is
    // an io::Error without a rustls::Error in it.
    if find::<rustls::Error>(error).is_some() {
        return (Kind::Tls, phase);
    }
    if connecting {
        // Refused, unreachable, not resolved, closed in the handshake.
        return match find_io(error).map(io::Error::kind) {
            Some(ErrorKind::TimedOut) => (Kind::ConnectTimeout, phase),
            _ => (Kind::Connect, phase),
        };
    }
    if let Some(kind) = find::<h2::Error>(error).and_then(of_h2) {
        return (kind, phase);
    }
    if let Some(kind) = find::<hyper::Error>(error).and_then(of_hyper) {
        return (kind, phase);
    }
    if let Some(io) = find_io(error) {
        return (of_io(io), phase);
    }
    let kind = if error.is_builder() {
        // A request that cannot be built: its URL passed our checks and not hyper's.
        Kind::LocalProtocol
    } else if phase == "body" {
        Kind::Read
    } else {
        // A connection that closed before the request was written, and could not be replaced.
        Kind::RemoteProtocol
    };
    (kind, phase)
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

/// The first error of type `T` in the chain, looking into io::Errors too, whose `source` skips what
/// they hold.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(<dyn StdError>::downcast_ref)
}

/// The innermost io::Error: those around it only pass it on.
fn find_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    chain(error).filter_map(<dyn StdError>::downcast_ref).last()
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match held {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}

/// The words of the innermost error, which says what happened; those around it say where.
fn reason(error: &reqwest::Error, kind: Kind) -> String {
    let innermost = chain(error).last().map(ToString::to_string).unwrap_or_default();
    match kind {
        Kind::RemoteProtocol
            if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) =>
        {
            "the server closed the connection before the response was complete".into()
        }
        _ => innermost,
    }
}

fn host(sent: &Outgoing) -> &str {
    sent.url.host_str().unwrap_or("")
}

fn authority(sent: &Outgoing) -> String {
    match sent.url.port_or_known_default() {
        Some(port) => format!("{}:{port}", host(sent)),
        None => host(sent).to_owned(),
    }
}
