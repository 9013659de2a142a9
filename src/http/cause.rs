//! What lies under a failure: the system's error, TLS, a name, an end.
//!
//! A [`Kind`](crate::error::Kind) says which class an exception has; this is what others need to make their own of it: whether
//! it was the name or the host, the system's errno, whose certificate, a proxy's status.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use super::error::{Failure, find, find_io, innermost, is_closed_http2};
use crate::error::{Cause, What};
use crate::net::dial;
use crate::net::proxy::Refused;

/// What the standard library puts before the words of the system's resolver.
const LOOKUP: &str = "failed to lookup address information: ";

/// None where there is no more to say than the kind says.
pub fn of(failure: &Failure) -> Option<Cause> {
    match failure {
        Failure::Dial(failure) => of_dial(failure),
        Failure::Handshake(error) | Failure::Http(error) => of_hyper(error),
        Failure::Decoding(error) => Some(Cause::new(What::Said, error.to_string())),
        Failure::Protocol(what) => Some(Cause::new(What::Said, what.as_ref())),
        _ => None,
    }
}

fn of_dial(failure: &dial::Failure) -> Option<Cause> {
    match failure {
        dial::Failure::Resolve { error, .. } => {
            let words = innermost(error.as_ref());
            let words = words.strip_prefix(LOOKUP).unwrap_or(&words);
            Some(Cause {
                number: error.raw_os_error(),
                ..Cause::new(What::Name, words)
            })
        }
        dial::Failure::Connect { error, .. } | dial::Failure::Tls { error, .. } => {
            Some(of_tls(error).unwrap_or_else(|| of_io(error)))
        }
        dial::Failure::Proxy { proxy, refused } => {
            let cause = match refused {
                Refused::Status { code, reason } => Cause {
                    number: Some(i32::from(*code)),
                    ..Cause::new(What::Proxy, reason.clone())
                },
                Refused::Said(what) => Cause::new(What::Said, what.clone()),
                Refused::Broken(error) => of_io(error),
            };
            Some(by(proxy, cause))
        }
        dial::Failure::ProxyConnect { proxy, error } => of_dial(error).map(|cause| by(proxy, cause)),
    }
}

fn by(proxy: &str, cause: Cause) -> Cause {
    Cause {
        proxy: Some(proxy.to_owned()),
        ..cause
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

/// Not a name that no certificate can have: that is no error of rustls.
fn of_tls(error: &(dyn StdError + 'static)) -> Option<Cause> {
    let what = match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(_) => What::Certificate,
        _ => What::Tls,
    };
    Some(Cause::new(what, innermost(error)))
}

fn of_io(error: &io::Error) -> Cause {
    let inner = find_io(error).unwrap_or(error);
    let number = inner.raw_os_error();
    let words = innermost(error);
    // The standard library puts the number behind the system's words.
    let said = number.and_then(|number| words.strip_suffix(&format!(" (os error {number})")));
    Cause {
        number,
        ..Cause::new(What::System, said.unwrap_or(&words))
    }
}
