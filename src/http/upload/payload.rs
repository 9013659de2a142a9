//! What a request sends, as plain data: it may be cloned, sent and dropped by any thread.

use std::sync::Arc;

use bytes::Bytes;

use super::body::Body;
use super::streamed::Streamed;
use crate::error::{Error, Result};

/// The body of a request. A clone is the same body, not another one: what can be sent once is sent once.
#[derive(Debug, Clone, Default)]
pub enum Payload {
    #[default]
    Nothing,
    Whole(Bytes),
    Streamed(Arc<Streamed>),
}

impl Payload {
    /// In bytes; None where only its end will tell.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Streamed(streamed) => streamed.length(),
        }
    }

    /// Whether it can be opened from its start: bytes and files always, an iterator only as long as
    /// nothing of it was sent.
    pub fn is_replayable(&self) -> bool {
        match self {
            Self::Nothing | Self::Whole(_) => true,
            Self::Streamed(streamed) => streamed.is_replayable(),
        }
    }

    /// The frames of one attempt. LocalProtocol if it cannot be sent again, or is being sent.
    pub fn open(&self) -> Result<Body> {
        match self {
            Self::Nothing => Ok(Body::whole(Bytes::new())),
            Self::Whole(bytes) => Ok(Body::whole(bytes.clone())),
            Self::Streamed(streamed) => Body::streamed(Arc::clone(streamed)),
        }
    }

    /// Why the last body of it had no end, if that was its own fault: a file that cannot be read, an
    /// iterator that does not keep its promise. Over HTTP/2 hyper does not say so in the error of the
    /// request.
    pub fn failure(&self) -> Option<Error> {
        match self {
            Self::Streamed(streamed) => streamed.failure(),
            Self::Nothing | Self::Whole(_) => None,
        }
    }

    /// Lets go of what it holds: files are closed, who feeds an iterator hears that nobody reads it. For
    /// the end of a request whose description lives on; it cannot be opened after that.
    pub fn close(&self) {
        if let Self::Streamed(streamed) = self {
            streamed.close();
        }
    }

    /// The same body with the length that the caller has promised, where none was known.
    #[must_use]
    pub fn declared(self, length: u64) -> Self {
        match self {
            Self::Streamed(streamed) if streamed.length().is_none() => {
                Self::Streamed(Arc::new(streamed.declared(length)))
            }
            other => other,
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use http_body::Body as _;

    use super::super::body::{Error, PIECE};
    use super::super::pace::Pace;
    use super::super::pipe::Pipe;
    use super::super::streamed::Source;
    use super::*;

    fn frame(body: &mut Body) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()));
        polled.map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
    }

    fn piece(body: &mut Body) -> Bytes {
        match frame(body) {
            Poll::Ready(Some(Ok(piece))) => piece,
            other => panic!("{other:?}"),
        }
    }

    fn piped() -> (Arc<Pipe>, Payload) {
        let pipe = Arc::new(Pipe::new());
        let sources = vec![
            Source::Bytes(Bytes::from_static(b"head")),
            Source::Pipe(pipe.clone()),
        ];
        (pipe, Payload::Streamed(Streamed::new(sources).into()))
    }

    #[test]
    fn bytes_go_in_pieces_and_tell_how_they_get_on() {
        let payload = Payload::Whole(vec![0; PIECE + 1].into());
        let pace = Arc::new(Pace::default());
        let mut body = payload.open().unwrap().watched(Arc::clone(&pace));
        assert_eq!(body.size_hint().exact(), Some(PIECE as u64 + 1));
        assert_eq!(piece(&mut body).len(), PIECE);
        assert!(pace.stalled().is_some());
        assert_eq!(piece(&mut body).len(), 1);
        assert!(body.is_end_stream() && pace.has_ended());
        assert!(pace.stalled().is_none());
        assert!(payload.is_replayable());
    }

    #[test]
    fn a_pipe_is_read_once_and_waited_for_without_blame() {
        let (pipe, payload) = piped();
        assert_eq!((payload.length(), payload.is_replayable()), (None, true));
        drop(payload.open().unwrap());
        let pace = Arc::new(Pace::default());
        let mut body = payload.open().unwrap().watched(Arc::clone(&pace));
        assert!(payload.open().is_err(), "it is being sent");
        assert_eq!(piece(&mut body), "head");
        assert!(frame(&mut body).is_pending());
        assert!(pace.stalled().is_none(), "the source is slow, not the server");
        pipe.put(Bytes::from_static(b"tail"));
        assert_eq!(piece(&mut body), "tail");
        pipe.end();
        assert!(matches!(frame(&mut body), Poll::Ready(None)));
        drop(body);
        assert!(!payload.is_replayable() && payload.open().is_err());
    }

    #[test]
    fn a_promise_is_kept_or_the_body_fails() {
        for (length, ends_well) in [(7, false), (8, true), (9, false)] {
            let (pipe, payload) = piped();
            let payload = payload.declared(length);
            let mut body = payload.open().unwrap();
            assert_eq!(piece(&mut body), "head");
            pipe.put(Bytes::from_static(b"tail"));
            pipe.end();
            let mut sent = 4;
            let error = loop {
                match frame(&mut body) {
                    Poll::Ready(Some(Ok(piece))) => sent += piece.len(),
                    Poll::Ready(Some(Err(error))) => break Some(error),
                    Poll::Ready(None) => break None,
                    Poll::Pending => panic!("there is nothing to wait for"),
                }
            };
            assert_eq!(error.is_none(), ends_well, "{length}");
            assert!(ends_well == (sent == 8 && length == 8));
            assert_eq!(payload.failure().is_none(), ends_well);
        }
    }

    #[test]
    fn who_feeds_hears_that_nobody_can_open_it() {
        let (pipe, payload) = piped();
        let body = payload.open().unwrap();
        drop(payload);
        assert!(!pipe.is_stopped(), "the body is still sent");
        drop(body);
        assert!(pipe.is_stopped());
        let (pipe, payload) = piped();
        payload.close();
        assert!(pipe.is_stopped() && payload.open().is_err());
    }
}
