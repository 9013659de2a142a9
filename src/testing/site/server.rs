//! Listening, accepting and serving, on a runtime of its own.
//!
//! Invariant: every connection is a task of the accept loop's set, and the loop ends by stopping them
//! all, so when [`Server::stop`] returns the port is free and nothing is served any more.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use pyo3::PyResult;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::faults::is_clients;
use super::statistics::Statistics;
use super::{Settings, Site, routes, tls};
use crate::error::Result;
use crate::runtime::{Dedicated, Job};

/// How long accepting rests after it failed: out of file descriptors, it would fail at once again.
const REST: Duration = Duration::from_millis(10);

/// Streams of one HTTP/2 connection at a time: more than any test has in flight.
const STREAMS: u32 = 10_000;

/// A site that is being served. Dropped, it stops without waiting.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The authority to trust, in PEM, if it speaks TLS.
    pub(super) certificate: Option<String>,
    halt: oneshot::Sender<()>,
    accepting: Job<()>,
    runtime: Dedicated,
}

impl Server {
    /// Listens before it returns. OSError if it cannot; RuntimeError if it has no threads or certificate.
    pub(super) fn start(settings: &Settings, site: Arc<Site>) -> PyResult<Self> {
        let (certificate, acceptor) = match settings.tls {
            true => tls::prepare(settings.http2).map(|(pem, acceptor)| (Some(pem), Some(acceptor)))?,
            false => (None, None),
        };
        let listener = listen(&settings.host, settings.port)?;
        let address = listener.local_addr()?;
        let runtime = Dedicated::start("aioxide-site", settings.workers)?;
        let (halt, halted) = oneshot::channel();
        let doorman = Doorman {
            site,
            acceptor,
            protocols: Arc::new(protocols(settings.http2)),
        };
        let accepting = runtime.spawn(doorman.accept(listener, halted))?;
        Ok(Self {
            address,
            certificate,
            halt,
            accepting,
            runtime,
        })
    }

    /// Stops everything, and returns when it has: requests in flight are not waited for, but dropped.
    pub(super) fn stop(self) -> Result<()> {
        // A receiver that is gone has ended already, for a reason that the job knows.
        let _ = self.halt.send(());
        self.runtime.block_on(self.accepting)?
    }
}

fn listen(host: &str, port: u16) -> io::Result<StdListener> {
    let listener = StdListener::bind((host, port))
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {host}:{port}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn protocols(http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if !http2 {
        return builder.http1_only();
    }
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        // A test of cancellation looks to h2 like an attack by rapid resets.
        .max_pending_accept_reset_streams(STREAMS as usize);
    builder
}

/// What it takes to let a client in.
struct Doorman {
    site: Arc<Site>,
    acceptor: Option<TlsAcceptor>,
    protocols: Arc<Builder<TokioExecutor>>,
}

impl Doorman {
    /// Accepts until it is told to halt; then stops what it let in.
    async fn accept(self, listener: StdListener, mut halted: oneshot::Receiver<()>) {
        let mut connections = JoinSet::new();
        match TcpListener::from_std(listener) {
            Ok(listener) => loop {
                tokio::select! {
                    _ = &mut halted => break,
                    Some(ended) = connections.join_next() => self.note_panic(ended),
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => drop(connections.spawn(self.let_in(stream))),
                        // It hung up while it stood in the queue.
                        Err(error) if is_clients(&error) => {}
                        Err(error) => {
                            self.site.faults.record(format!("accepting failed: {error}"));
                            sleep(REST).await;
                        }
                    },
                }
            },
            Err(error) => self.site.faults.record(format!("listening failed: {error}")),
        }
        connections.shutdown().await;
        self.site.statistics.stop();
    }

    fn note_panic(&self, ended: std::result::Result<(), JoinError>) {
        if let Err(error) = ended {
            self.site
                .faults
                .record(format!("a connection's task failed: {error}"));
        }
    }

    /// One connection, from the handshake to its end.
    fn let_in(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        let (site, acceptor, protocols) = (self.site.clone(), self.acceptor.clone(), self.protocols.clone());
        async move {
            let _open = Open::begin(&site.statistics);
            // A socket that was reset already fails here, and will say so when it is read.
            let _ = stream.set_nodelay(true);
            match acceptor {
                None => serve(&site, &protocols, stream).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => serve(&site, &protocols, stream).await,
                    Err(error) if is_clients(&error) => {}
                    Err(error) => site.faults.record(format!("a TLS handshake failed: {error}")),
                },
            }
        }
    }
}

async fn serve(
    site: &Arc<Site>,
    protocols: &Builder<TokioExecutor>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let service = service_fn(|request| routes::respond(site.clone(), request));
    if let Err(error) = protocols.serve_connection(TokioIo::new(stream), service).await
        && !is_clients(&*error)
    {
        site.faults.record(format!("a connection failed: {error:?}"));
    }
}

/// Counts a connection while it lives.
struct Open<'a>(&'a Statistics);

impl<'a> Open<'a> {
    fn begin(statistics: &'a Statistics) -> Self {
        statistics.opened.grow(1);
        statistics.up(&statistics.open);
        Self(statistics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.down(&self.0.open);
    }
}
