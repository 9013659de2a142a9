//! Failures that are the server's own, kept until `stop` raises them; and telling them from the client's.
//!
//! A client that resets, hangs up or talks nonsense is a test at work. Errors are told apart by their
//! types along the source chain, never by their text.

use std::error::Error;
use std::io;

use parking_lot::Mutex;

use super::content::Cut;

/// How many are kept: what fails once in an accept loop fails a thousand times.
const KEPT: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<String>>);

impl Faults {
    pub(super) fn record(&self, fault: String) {
        let mut faults = self.0.lock();
        if faults.len() < KEPT {
            faults.push(fault);
        }
    }

    /// What failed since the last call, as one sentence.
    pub(super) fn take(&self) -> Option<String> {
        let faults = std::mem::take(&mut *self.0.lock());
        (!faults.is_empty()).then(|| format!("the local site failed: {}", faults.join("; ")))
    }
}

/// Whether the client brought about that its connection ended with `error`.
pub(super) fn is_clients(error: &(dyn Error + 'static)) -> bool {
    // An error with no type that is known here is the server's: better to hear of one too many.
    chain(error).find_map(verdict).unwrap_or(false)
}

/// What one error of the chain says, if it says anything.
fn verdict(error: &(dyn Error + 'static)) -> Option<bool> {
    if error.is::<Cut>() {
        // The route's purpose. Above it in the chain stands hyper's "user error", which says nothing yet.
        Some(true)
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        by_io(error)
    } else if let Some(error) = error.downcast_ref::<rustls::Error>() {
        Some(by_tls(error))
    } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
        let clients = error.is_parse()
            || error.is_incomplete_message()
            || error.is_closed()
            || error.is_canceled()
            || error.is_body_write_aborted()
            || error.is_timeout();
        clients.then_some(true)
    } else {
        error
            .downcast_ref::<h2::Error>()
            .map(|error| error.is_remote() || error.is_go_away() || error.is_reset())
    }
}

/// Of an error with another inside, the inner one decides.
fn by_io(error: &io::Error) -> Option<bool> {
    match error.kind() {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::NotConnected
        | io::ErrorKind::TimedOut
        | io::ErrorKind::UnexpectedEof => Some(true),
        _ => None,
    }
}

/// What the client can cause by what it sends, or does not send, in a handshake.
fn by_tls(error: &rustls::Error) -> bool {
    use rustls::Error::{
        AlertReceived, DecryptError, InappropriateHandshakeMessage, InappropriateMessage, InvalidMessage,
        NoApplicationProtocol, PeerIncompatible, PeerMisbehaved, PeerSentOversizedRecord,
    };
    matches!(
        error,
        AlertReceived(_)
            | DecryptError
            | InappropriateHandshakeMessage { .. }
            | InappropriateMessage { .. }
            | InvalidMessage(_)
            | NoApplicationProtocol
            | PeerIncompatible(_)
            | PeerMisbehaved(_)
            | PeerSentOversizedRecord
    )
}

/// The error and its causes, the outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), cause)
}

fn cause<'a>(&error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        // `source()` of an io::Error skips the error that it wraps.
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_hangs_up_is_no_fault() {
        assert!(is_clients(&io::Error::from(io::ErrorKind::ConnectionReset)));
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        assert!(is_clients(&io::Error::new(io::ErrorKind::InvalidData, alert)));
    }

    #[test]
    fn what_nobody_knows_is_the_servers() {
        assert!(!is_clients(&io::Error::other("disk on fire")));
        let lost = rustls::Error::FailedToGetRandomBytes;
        assert!(!is_clients(&io::Error::new(io::ErrorKind::InvalidData, lost)));
    }
}
