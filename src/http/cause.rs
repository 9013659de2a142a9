//! What lies under a failure: the system's error, TLS, a name, an end.
//!
//! A [`Kind`](crate::error::Kind) says which class an exception has; this is what others need to make their own of it: whether
//! it was the name or the host, the system's errno, whose certificate, a proxy's status.

use std::io::ErrorKind;

use super::error::{Failure, is_closed_http2};
use crate::error::{Cause, What};
use crate::net::failure::{find, find_io, innermost, of_io, of_tls};

/// None where there is no more to say than the kind says.
pub fn of(failure: &Failure) -> Option<Cause> {
    match failure {
        Failure::Dial(failure) => failure.cause(),
        Failure::Handshake(error) | Failure::Http(error) => of_hyper(error),
        Failure::Decoding(error) => Some(Cause::new(What::Said, error.to_string())),
        Failure::Protocol(what) => Some(Cause::new(What::Said, what.as_ref())),
        _ => None,
    }
}

fn of_hyper(error: &hyper::Error) -> Option<Cause> {
    if let Some(cause) = of_tls(error) {
        return Some(cause);
    }
    let h2 = find::<h2::Error>(error);
    let left = h2.is_some_and(|error| error.is_remote() && (error.is_reset() || error.is_go_away()));
    if left
        || is_closed_http2(error)
        || error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
    {
        return Some(Cause::new(What::Ended, innermost(error)));
    }
    if h2.is_none()
        && let Some(error) = find_io(error)
    {
        // hyper has its own words for framing that is wrong, as the kinds of an io::Error.
        return Some(match error.kind() {
            _ if error.raw_os_error().is_some() => of_io(error),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => Cause::new(What::Said, innermost(error)),
            ErrorKind::UnexpectedEof => Cause::new(What::Ended, innermost(error)),
            _ => of_io(error),
        });
    }
    Some(Cause::new(What::Said, innermost(error)))
}
