//! A connection, for as long as one request has it.
//!
//! Invariant: a lease that is dropped before [`Lease::finish`] closes an HTTP/1 connection: nobody can know
//! what is still to come on it. Of an HTTP/2 connection only the stream ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::task::AbortHandle;

use super::Shared;
use super::book::Todo;
use super::driver::{Driver, Turn};
use super::heard::{Heard, Names};
use crate::http::upload::Frames;
use crate::net::stream::Ends;
use crate::runtime;

/// What an HTTP/1 connection is known by.
#[derive(Debug)]
pub struct Single {
    pub(super) id: u64,
    pub(super) send: http1::SendRequest<Frames>,
    pub(super) task: AbortHandle,
    pub(super) driver: Weak<Driver>,
    pub(super) ends: Ends,
    /// It has served a request.
    pub(super) used: bool,
    /// A request is about to be sent on it, and what has arrived before is no answer to it.
    pub(super) asking: Arc<AtomicBool>,
    /// The head of the answer, where it is wanted as it was written.
    pub(super) heard: Option<Arc<Heard>>,
}

impl Single {
    fn turn(&self) -> Option<Turn> {
        runtime::is_near().then(|| Driver::held(&self.driver)).flatten()
    }
}

/// Whether an HTTP/2 connection has answered anybody.
pub type Served = Arc<AtomicBool>;

/// What each stream of an HTTP/2 connection has.
#[derive(Debug, Clone)]
pub struct Multiple {
    pub(super) id: u64,
    pub(super) send: http2::SendRequest<Frames>,
    pub(super) task: AbortHandle,
    pub(super) ends: Ends,
    pub(super) served: Served,
}

#[derive(Debug)]
enum Held {
    Single(Single),
    Multiple(Multiple),
    Nothing,
}

/// A connection and the right to send one request on it.
pub struct Lease {
    shared: Arc<Shared>,
    host: usize,
    held: Held,
    sent: bool,
    pub reused: bool,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

pub type Sent = Result<http::Response<Incoming>, TrySendError<http::Request<Frames>>>;

impl Lease {
    pub(super) fn single(shared: &Arc<Shared>, host: usize, single: Single) -> Self {
        Self {
            shared: Arc::clone(shared),
            host,
            sent: false,
            reused: single.used,
            held: Held::Single(single),
        }
    }

    pub(super) fn multiple(shared: &Arc<Shared>, host: usize, multiple: Multiple, reused: bool) -> Self {
        Self {
            shared: Arc::clone(shared),
            host,
            held: Held::Multiple(multiple),
            sent: false,
            reused,
        }
    }

    pub fn is_http2(&self) -> bool {
        matches!(self.held, Held::Multiple(_))
    }

    pub fn ends(&self) -> Ends {
        match &self.held {
            Held::Single(single) => single.ends,
            Held::Multiple(multiple) => multiple.ends,
            Held::Nothing => Ends::default(),
        }
    }

    /// The right to do what there is to do on the connection, for who waits on this very thread.
    pub fn turn(&self) -> Option<Turn> {
        match &self.held {
            Held::Single(single) => single.turn(),
            Held::Multiple(_) | Held::Nothing => None,
        }
    }

    /// Sends `request`. What the server cannot have seen comes back with the error.
    pub async fn send(&mut self, request: http::Request<Frames>) -> Option<Sent> {
        self.sent = true;
        match &mut self.held {
            Held::Single(single) => {
                single.asking.store(true, Ordering::Release);
                if let Some(heard) = &single.heard {
                    heard.begin();
                }
                let turn = single.turn();
                let answering = single.send.try_send_request(request);
                if let Some(turn) = turn {
                    turn.take();
                }
                Some(answering.await)
            }
            Held::Multiple(multiple) => {
                let answer = multiple.send.try_send_request(request).await;
                if answer.is_ok() {
                    multiple.served.store(true, Ordering::Relaxed);
                }
                Some(answer)
            }
            Held::Nothing => None,
        }
    }

    /// The names in the head of the answer, as they were written; None where nobody wanted to know.
    pub fn names(&self) -> Option<Names> {
        match &self.held {
            Held::Single(single) => single.heard.as_ref()?.names(),
            Held::Multiple(_) | Held::Nothing => None,
        }
    }

    /// Whether a chunk ends behind so many bytes of the body, as far as that is known.
    pub fn chunk_ends_at(&self, read: u64) -> bool {
        match &self.held {
            Held::Single(single) => single
                .heard
                .as_ref()
                .is_some_and(|heard| heard.chunk_ends_at(read)),
            Held::Multiple(_) | Held::Nothing => false,
        }
    }

    /// Of an HTTP/2 connection.
    pub fn served(&self) -> Option<Served> {
        match &self.held {
            Held::Multiple(multiple) => Some(Arc::clone(&multiple.served)),
            Held::Single(_) | Held::Nothing => None,
        }
    }

    /// The connection is going away: nobody else is to get it.
    pub fn retire(&self) {
        if let Held::Multiple(multiple) = &self.held {
            self.shared.unshare(self.host, multiple.id);
        }
    }

    /// The answer has been read to its end, and the request was sent to its end.
    pub fn finish(mut self) {
        if !matches!(self.held, Held::Single(_)) {
            return;
        }
        if let Held::Single(mut single) = std::mem::replace(&mut self.held, Held::Nothing) {
            single.used = true;
            if !single.send.is_ready() {
                Driver::catch_up(&single.driver);
            }
            if single.send.is_ready() {
                self.shared.put_back(self.host, single);
            } else if single.send.is_closed() {
                single.task.abort();
            } else {
                // hyper's task has to say first that it is done.
                self.shared.returning(Returning {
                    host: self.host,
                    single: Some(single),
                });
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Single(single) if !self.sent && single.send.is_ready() => {
                self.shared.put_back(self.host, single);
            }
            Held::Single(single) => single.task.abort(),
            Held::Multiple(multiple) => self.shared.stream_ended(self.host, multiple.id),
            Held::Nothing => {}
        }
    }
}

/// A connection whose task is about to be ready for the next request, or to close.
#[derive(Debug)]
pub struct Returning {
    host: usize,
    single: Option<Single>,
}

impl Future for Returning {
    /// The connection, if it can be used again.
    type Output = Option<(usize, Single)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let host = self.host;
        let Some(single) = &mut self.single else {
            return Poll::Ready(None);
        };
        match single.send.poll_ready(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => Poll::Ready(self.single.take().map(|single| (host, single))),
            Poll::Ready(Err(_)) => Poll::Ready(None),
        }
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if let Some(single) = &self.single {
            single.task.abort();
        }
    }
}

/// What closing means for each kind.
pub(super) fn close<W>(todo: Todo<Single, Multiple, W>) {
    match todo {
        Todo::Close(single) => single.task.abort(),
        Todo::CloseShared(multiple) => multiple.task.abort(),
        Todo::Give { .. } => {}
    }
}
