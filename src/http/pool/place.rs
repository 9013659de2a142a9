//! A place in the pool: taken before dialling, given back when the socket is closed.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use super::Shared;
use super::driver::Driver;
use super::heard::Heard;
use super::lease::{Lease, Multiple, Served, Single};
use crate::net::dial::Dialed;
use crate::net::stream::{Stream, Waiting};

/// The right to one connection, while it is dialled and while it is open.
#[derive(Debug)]
pub struct Place {
    shared: Arc<Shared>,
    host: usize,
    id: u64,
}

impl Place {
    pub(super) fn new(shared: &Arc<Shared>, host: usize, id: u64) -> Self {
        Self {
            shared: Arc::clone(shared),
            host,
            id,
        }
    }

    /// Makes the connection one that HTTP is spoken on.
    pub async fn establish(self, dialed: Dialed) -> hyper::Result<Lease> {
        let shared = Arc::clone(&self.shared);
        let (host, id, ends) = (self.host, self.id, dialed.ends);
        let speak_h2 = dialed.speaks_h2 || shared.wire.only_http2;
        let asking = Arc::new(AtomicBool::new(false));
        let heard = (shared.wire.as_written && !speak_h2).then(Arc::<Heard>::default);
        let io = TokioIo::new(Held {
            stream: dialed.stream,
            asking: Arc::clone(&asking),
            heard: heard.clone(),
            _place: self,
        });
        if speak_h2 {
            let (send, connection) = shared.wire.http2().handshake(io).await?;
            // Its end is told to each request that it had.
            let task = shared.drive(connection);
            let multiple = Multiple {
                id,
                send,
                task: task.abort_handle(),
                ends,
                served: Served::default(),
            };
            shared.established(host, id, Some(multiple.clone()));
            return Ok(Lease::multiple(&shared, host, multiple, false));
        }
        let (send, connection) = shared.wire.http1().handshake(io).await?;
        let driver = Driver::new(connection);
        let weak = Arc::downgrade(&driver);
        let task = shared.drive(driver.run());
        let single = Single {
            id,
            send,
            task: task.abort_handle(),
            driver: weak,
            ends,
            used: false,
            asking,
            heard,
        };
        shared.established(host, id, None);
        Ok(Lease::single(&shared, host, single))
    }
}

impl Shared {
    /// Lets a connection work, until it ends or the client is closed.
    fn drive<T>(&self, connection: impl Future<Output = T> + Send + 'static) -> JoinHandle<()> {
        let ending = Arc::clone(&self.ending).notified_owned();
        tokio::spawn(async move {
            tokio::select! {
                _ended = connection => {}
                () = ending => {}
            }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.vacate(self.host, self.id);
    }
}

/// How HTTP is spoken on the connections of a client.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    pub only_http2: bool,
    /// How many headers an answer may have.
    pub most_headers: usize,
    /// How long the head of an answer may be, in bytes.
    pub longest_head: usize,
    /// Names of headers are told as the server wrote them, and sent as most programs write them.
    pub as_written: bool,
}

/// What may be on the way to us at a time, for a stream and for a connection: as much as a fast link
/// brings in the time that an answer to a window update takes.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;

impl Wire {
    fn http1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .max_headers(self.most_headers)
            .max_header_size(self.longest_head)
            .title_case_headers(self.as_written)
            // RFC 9112, section 5.2: who reads a response takes a folded line, with spaces for the fold.
            .allow_obsolete_multiline_headers_in_responses(true);
        builder
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(self.longest_head).unwrap_or(u32::MAX));
        builder
    }
}

/// The socket, and the place that is free once it is closed: the fields are dropped in this order.
///
/// HTTP/1 tells an answer only by its place: the first bytes after a request are the answer to it. So before
/// the first byte of a request is written there must be nothing: neither the second of two answers to the
/// request before, nor a body where there was to be none, nor the end.
pub(super) struct Held {
    stream: Stream,
    /// A request is about to be written.
    asking: Arc<AtomicBool>,
    /// Who wants to know what comes.
    heard: Option<Arc<Heard>>,
    _place: Place,
}

/// Something came before it was asked for, or the end; nothing of the request was written.
#[derive(Debug)]
pub struct Unasked;

impl fmt::Display for Unasked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server closed the connection, or answered, before it was asked")
    }
}

impl std::error::Error for Unasked {}

impl From<Unasked> for io::Error {
    fn from(unasked: Unasked) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, unasked)
    }
}

impl Held {
    /// Whether the first byte of a request may be written.
    fn may_ask(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.asking.load(Ordering::Acquire) {
            match self.stream.waiting() {
                Waiting::Nothing => self.asking.store(false, Ordering::Release),
                Waiting::Something => return Poll::Ready(Err(Unasked.into())),
                Waiting::Perhaps => {
                    // To be read first, as soon as tokio has seen it as well.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let asking = self.asking.load(Ordering::Acquire);
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if let Some(heard) = &self.heard {
            heard.hear(into.filled().get(before..).unwrap_or_default());
        }
        if asking && matches!(read, Poll::Ready(Ok(()))) {
            return Poll::Ready(Err(Unasked.into()));
        }
        read
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.may_ask(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.may_ask(cx))?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
