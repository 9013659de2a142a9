//! Listening: connections are let in on tokio, and taken one by one on the loop's thread.
//!
//! Once the listener is closed nobody else is let in; who was let in before can still be taken, so that it is told
//! goodbye. What nobody takes is closed when the listener is dropped.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::asking::HandshakeRequest;
use super::opening::Opened;
use super::options::ServerOptions;
use super::refusal::Refusal;
use super::socket::WebSocket;
use super::welcome::{Host, Knock};
use crate::bridge::Operation;
use crate::error::Error;
use crate::net::headers;
use crate::net::stream::{Ends, Stream};
use crate::runtime::{self, Job};
use crate::sync::line::Gate;
use crate::sync::waiters::{Arrival, Standing, Ticket, Waiters, Woken};
use crate::sync::waits::{self, Door, wake};

/// How many may knock before they are heard. The system may have a lower limit.
const BACKLOG: i32 = 1024;

/// Accepting rests so long after it failed: out of file descriptors, it would fail at once again.
const REST: Duration = Duration::from_millis(10);

/// Who has come: one who has been let in, or one about whom the program is asked.
#[derive(Debug)]
pub enum Guest {
    Opened(Box<Opened>),
    Asking(Box<Knock>),
}

/// Who has come and not been taken.
#[derive(Debug, Default)]
struct Arrivals {
    waiting: VecDeque<Guest>,
    /// How many handshakes are under way, the answer of which may have been sent, and the listening.
    coming: usize,
    line: Waiters,
    closed: bool,
}

impl Arrivals {
    /// Tells who waits that nobody comes any more, if that is so.
    fn send_away(&mut self) -> Woken {
        match self.closed && self.coming == 0 {
            true => self.line.dismiss_all(),
            false => Woken::default(),
        }
    }
}

/// A handshake under way, or the listening itself.
struct Coming(Arc<Lobby>);

impl Coming {
    fn begin(lobby: &Arc<Lobby>) -> Self {
        lobby.arrivals.lock().coming += 1;
        Self(Arc::clone(lobby))
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        let mut arrivals = self.0.arrivals.lock();
        arrivals.coming -= 1;
        let woken = arrivals.send_away();
        drop(arrivals);
        woken.wake();
    }
}

#[derive(Debug)]
pub struct Lobby {
    arrivals: Mutex<Arrivals>,
    epoch: u32,
}

impl Lobby {
    fn enter(&self, guest: Guest) {
        let mut arrivals = self.arrivals.lock();
        arrivals.waiting.push_back(guest);
        let first = arrivals.line.grant_first();
        drop(arrivals);
        if let Some(first) = first {
            first.wake();
        }
    }

    /// Nobody else comes.
    fn close(&self) -> Woken {
        if self.epoch != runtime::epoch() {
            return Woken::default();
        }
        let mut arrivals = self.arrivals.lock();
        arrivals.closed = true;
        arrivals.send_away()
    }
}

impl Gate for Lobby {
    type Want = ();
    /// None: the listener is closed.
    type Pass = Option<Guest>;

    fn poll(&self, (): &mut (), ticket: &mut Option<Ticket>, waker: &Waker) -> Poll<(Self::Pass, Woken)> {
        if self.epoch != runtime::epoch() {
            return Poll::Ready((None, Woken::default()));
        }
        let mut arrivals = self.arrivals.lock();
        let _arrival: Arrival = ready!(arrivals.line.turn_in(ticket, waker));
        if let Some(guest) = arrivals.waiting.pop_front() {
            return Poll::Ready((Some(guest), Woken::default()));
        }
        if arrivals.closed && arrivals.coming == 0 {
            return Poll::Ready((None, Woken::default()));
        }
        *ticket = Some(arrivals.line.join(0, waker));
        Poll::Pending
    }

    fn try_pass(&self, (): &mut ()) -> Option<(Self::Pass, Woken)> {
        if self.epoch != runtime::epoch() {
            return Some((None, Woken::default()));
        }
        let guest = self.arrivals.lock().waiting.pop_front()?;
        Some((Some(guest), Woken::default()))
    }

    fn leave(&self, (): &mut (), ticket: Ticket) -> Woken {
        let mut woken = Woken::default();
        if self.epoch == runtime::epoch() {
            let mut arrivals = self.arrivals.lock();
            if arrivals.line.leave(ticket) == Standing::Granted && !arrivals.waiting.is_empty() {
                woken.add(arrivals.line.grant_first());
            }
        }
        woken
    }
}

/// The native part of `serve_ws`: it listens from when it is made until it is closed or dropped.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct WebSocketListener {
    lobby: Arc<Lobby>,
    address: SocketAddr,
    accepting: Mutex<Option<Job<()>>>,
}

#[derive(Debug)]
struct ToLobby(Py<WebSocketListener>);

impl Deref for ToLobby {
    type Target = Lobby;

    fn deref(&self) -> &Lobby {
        &self.0.get().lobby
    }
}

impl Door for ToLobby {
    fn traverse(&self, (): &(), visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

fn let_in(py: Python<'_>, _door: &ToLobby, guest: Option<Guest>) -> PyResult<Py<PyAny>> {
    match guest {
        Some(Guest::Opened(opened)) => Ok(opened.into_socket(py)?.into_any()),
        Some(Guest::Asking(knock)) => Ok(Py::new(py, HandshakeRequest::new(*knock))?.into_any()),
        None => Err(PyStopAsyncIteration::new_err(())),
    }
}

#[pymethods]
impl WebSocketListener {
    /// Listens before it returns; OSError if it cannot.
    #[new]
    #[pyo3(signature = (host, port, *, asks=false, **kwargs))]
    fn new(host: &str, port: u16, asks: bool, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = ServerOptions::from_python(kwargs)?;
        let acceptor = match &options.identity {
            Some(identity) => Some(identity.acceptor()?),
            None => None,
        };
        let listener = listen(host, port)?;
        let address = listener.local_addr()?;
        let lobby = Arc::new(Lobby {
            arrivals: Mutex::new(Arrivals::default()),
            epoch: runtime::epoch(),
        });
        let doorman = Arc::new(Doorman {
            lobby: Arc::clone(&lobby),
            host: Arc::new(Host {
                common: options.common,
                origins: options.origins,
                secure: acceptor.is_some(),
            }),
            asks,
            acceptor,
            places: options
                .most_connections
                .map(|most| Arc::new(Semaphore::new(most))),
        });
        let job = runtime::spawn(doorman.accept(Coming::begin(&lobby), listener))?;
        Ok(Self {
            lobby,
            address,
            accepting: Mutex::new(Some(job)),
        })
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next connection, or the next request if the program is asked; the iteration ends when the listener is closed.
    fn __anext__(slf: &Bound<'_, Self>) -> PyResult<Py<Operation>> {
        let door = ToLobby(slf.clone().unbind());
        waits::operation(slf.py(), "WebSocketListener.__anext__", door, (), let_in)
    }

    /// Seconds that are left for a request's handshake; None: there is no limit.
    #[allow(clippy::unused_self, reason = "the listener answers for it")]
    fn time_left(&self, request: &HandshakeRequest) -> Option<f64> {
        request.time_left()
    }

    /// Makes a connection of a request; None if it does not ask for one, and was told so.
    #[allow(clippy::unused_self, reason = "the listener answers for it")]
    fn open(&self, py: Python<'_>, request: &HandshakeRequest) -> PyResult<Option<Py<WebSocket>>> {
        request.open(py)
    }

    /// Answers a request with something else. It returns before that has gone out.
    #[allow(clippy::unused_self, reason = "the listener answers for it")]
    fn refuse(
        &self,
        request: &HandshakeRequest,
        status_code: u16,
        headers: &Bound<'_, PyAny>,
        content: &[u8],
    ) -> PyResult<()> {
        let status = StatusCode::from_u16(status_code)
            .map_err(|_| Error::value(format!("{status_code} is no status")))?;
        Ok(request.refuse(Refusal {
            status,
            headers: headers::from_python(headers)?,
            body: Bytes::copy_from_slice(content),
        })?)
    }

    /// Listens no more; connections that were taken go on.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let job = self.accepting.lock().take();
        drop(job);
        wake(py, self.lobby.close())
    }

    #[getter]
    fn address(&self) -> (String, u16) {
        (self.address.ip().to_string(), self.address.port())
    }
}

impl Drop for WebSocketListener {
    fn drop(&mut self) {
        let job = self.accepting.lock().take();
        drop(job);
        self.lobby.close().wake();
    }
}

fn listen(host: &str, port: u16) -> io::Result<StdListener> {
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {host}:{port}: {error}"));
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs().map_err(failed)? {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failed(failure))
}

fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Elsewhere it would let a second server take the port of the first.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// What it takes to let a client in.
struct Doorman {
    lobby: Arc<Lobby>,
    host: Arc<Host>,
    /// Whether the program is asked about each.
    asks: bool,
    acceptor: Option<TlsAcceptor>,
    places: Option<Arc<Semaphore>>,
}

impl Doorman {
    /// `_coming` goes after the listener: when nobody is coming any more the port is free.
    async fn accept(self: Arc<Self>, _coming: Coming, listener: StdListener) {
        let mut handshakes = JoinSet::new();
        let Ok(listener) = TcpListener::from_std(listener) else {
            self.lobby.close().wake();
            return;
        };
        loop {
            // Whoever is one too many waits in the system's queue.
            let place = match &self.places {
                Some(places) => Arc::clone(places).acquire_owned().await.ok(),
                None => None,
            };
            let accepted = loop {
                tokio::select! {
                    Some(_) = handshakes.join_next() => {}
                    accepted = listener.accept() => break accepted,
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    let coming = Coming::begin(&self.lobby);
                    drop(handshakes.spawn(Arc::clone(&self).let_in(stream, place, coming)));
                }
                Err(error) if is_of_one(&error) => {}
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    }

    async fn let_in(
        self: Arc<Self>,
        stream: TcpStream,
        place: Option<OwnedSemaphorePermit>,
        _coming: Coming,
    ) {
        let ends = Ends::of(&stream);
        let limit = self.host.common.timeout;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let handshake = async {
            // A socket that was reset already fails here, and will say so when it is read.
            let _reset = stream.set_nodelay(true);
            let stream = match &self.acceptor {
                None => Stream::Tcp(stream),
                Some(acceptor) => Stream::Other(Box::new(acceptor.accept(stream).await.ok()?)),
            };
            let mut knock = self.host.hear(stream, ends).await?;
            knock.deadline = deadline;
            knock.place = place;
            match self.asks {
                true => Some(Guest::Asking(Box::new(knock))),
                false => answer(knock).await,
            }
        };
        let guest = match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), handshake)
                .await
                .ok()
                .flatten(),
            None => handshake.await,
        };
        if let Some(guest) = guest {
            self.lobby.enter(guest);
        }
    }
}

/// Lets one in about whom nobody is asked.
async fn answer(knock: Knock) -> Option<Guest> {
    let mut opened = match knock.open() {
        Ok(opened) => opened,
        Err(refused) => {
            let (knock, refusal) = *refused;
            knock.refuse(refusal).await;
            return None;
        }
    };
    opened.stream.write_all(&opened.answer).await.ok()?;
    opened.stream.flush().await.ok()?;
    opened.answer = Vec::new();
    Some(Guest::Opened(Box::new(opened)))
}

/// It hung up while it stood in the queue.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
