//! Why there is no connection: the kind of it, and a sentence.
//!
//! rustls and the system are wrapped in io::Errors. What happened is found by walking that chain.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use rustls::{CertificateError, OtherError};

use super::dial::Failure;
use super::pinned::OtherFingerprint;
use super::proxy::Refused;
use crate::error::{Cause, Kind, What};

/// What the standard library puts before the words of the system's resolver.
const LOOKUP: &str = "failed to lookup address information: ";

impl Failure {
    pub fn in_words(&self) -> (Kind, String) {
        match self {
            Self::Resolve { host, error } => (Kind::Connect, format!("cannot resolve {host}: {error}")),
            Self::Connect { to, error } => {
                let kind = match error.kind() {
                    ErrorKind::TimedOut => Kind::ConnectTimeout,
                    _ => Kind::Connect,
                };
                (kind, format!("cannot connect to {to}: {}", innermost(error)))
            }
            Self::Tls { to, error } => {
                // Certificates, alerts and peers that speak no TLS. Not a connection that breaks below TLS: that
                // is an io::Error without a rustls::Error in it.
                let tls = find::<rustls::Error>(error).is_some() || error.kind() == ErrorKind::InvalidInput;
                let kind = if tls { Kind::Tls } else { Kind::Connect };
                let why = match other_fingerprint(error) {
                    Some(other) => other.to_string(),
                    None => innermost(error),
                };
                (kind, format!("cannot connect to {to}: {why}"))
            }
            Self::Proxy { proxy, refused } => {
                let said = match refused {
                    Refused::Status { code, .. } if *code == 407 => "it wants other credentials: ",
                    _ => "",
                };
                (
                    Kind::Proxy,
                    format!("the proxy {proxy} does not connect: {said}{refused}"),
                )
            }
            Self::ProxyConnect { proxy, error } => {
                let (_, why) = error.in_words();
                (Kind::Proxy, format!("the proxy {proxy} cannot be used: {why}"))
            }
        }
    }

    /// What lies under it: the name, the system's errno, whose certificate, a proxy's status.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Resolve { error, .. } => {
                let words = innermost(error.as_ref());
                let words = words.strip_prefix(LOOKUP).unwrap_or(&words);
                Some(Cause {
                    number: error.raw_os_error(),
                    ..Cause::new(What::Name, words)
                })
            }
            Self::Connect { error, .. } | Self::Tls { error, .. } => {
                Some(of_tls(error).unwrap_or_else(|| of_io(error)))
            }
            Self::Proxy { proxy, refused } => {
                let cause = match refused {
                    Refused::Status {
                        code,
                        reason,
                        headers,
                    } => Cause {
                        number: Some(i32::from(*code)),
                        headers: headers.clone(),
                        ..Cause::new(What::Proxy, reason.clone())
                    },
                    Refused::Said(what) => Cause::new(What::Said, what.clone()),
                    Refused::Broken(error) => of_io(error),
                };
                Some(by(proxy, cause))
            }
            Self::ProxyConnect { proxy, error } => error.cause().map(|cause| by(proxy, cause)),
        }
    }
}

fn by(proxy: &str, cause: Cause) -> Cause {
    Cause {
        proxy: Some(proxy.to_owned()),
        ..cause
    }
}

/// Not a name that no certificate can have: that is no error of rustls.
pub fn of_tls(error: &(dyn StdError + 'static)) -> Option<Cause> {
    let what = match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(_) => What::Certificate,
        _ => What::Tls,
    };
    if let Some(other) = other_fingerprint(error) {
        return Some(Cause::new(What::Fingerprint, other.in_hex()));
    }
    Some(Cause::new(what, innermost(error)))
}

/// rustls does not show it in the chain.
fn other_fingerprint<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a OtherFingerprint> {
    match find::<rustls::Error>(error)? {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => why.downcast_ref(),
        _ => None,
    }
}

pub fn of_io(error: &io::Error) -> Cause {
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

/// The first error of type `T` in the chain, looking into io::Errors too, whose `source` skips what
/// they hold.
pub fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(<dyn StdError>::downcast_ref)
}

/// The innermost io::Error: those around it only pass it on.
pub fn find_io<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
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
pub fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
