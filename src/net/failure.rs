//! Why there is no connection: the kind of it, and a sentence.
//!
//! rustls and the system are wrapped in io::Errors. What happened is found by walking that chain.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use super::dial::Failure;
use super::proxy::Refused;
use crate::error::Kind;

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
                (kind, format!("cannot connect to {to}: {}", innermost(error)))
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
}

/// The first error of type `T` in the chain, looking into io::Errors too, whose `source` skips what
/// they hold.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    chain(error).find_map(<dyn StdError>::downcast_ref)
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
