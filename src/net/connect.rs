//! A limit on connecting, per request though the connector belongs to the whole client.
//!
//! A pool connects inside the task of the request that found no idle connection. So the request says
//! its limit in a task-local ([`scope`]), and [`ConnectTimeout`], which wraps the connector, reads it
//! when it is called. The limit covers names, TCP, a proxy's tunnel and TLS.
//!
//! Invariant: [`connecting`] is true only while this very request waits for its own connection. A pool
//! may hand it another one that came free first and let the new one finish in a task of its own; there
//! the scope is absent, which is how the connector notices that nobody waits for it any more.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

tokio::task_local! {
    static REQUEST: Request;
}

/// What the connector may know of the request it works for.
struct Request {
    limit: Option<Duration>,
    /// The last one that was begun for it.
    connection: RefCell<Option<Arc<Connection>>>,
}

#[derive(Debug)]
struct Connection {
    /// The request waits for it: until it is made, fails or is given up.
    awaited: AtomicBool,
    failed: AtomicBool,
}

/// Runs `future` with `limit` on each connection that it makes.
pub fn scope<F: Future>(limit: Option<Duration>, future: F) -> impl Future<Output = F::Output> {
    let request = Request {
        limit,
        connection: RefCell::new(None),
    };
    REQUEST.scope(request, future)
}

/// Whether the request in whose [`scope`] this is called waits for a connection to be made.
pub fn connecting() -> bool {
    of_connection(|connection| connection.awaited.load(Ordering::Acquire))
}

/// Whether the connection failed that the request in whose [`scope`] this is called began last.
pub fn failed() -> bool {
    of_connection(|connection| connection.failed.load(Ordering::Acquire))
}

fn of_connection(state: impl FnOnce(&Connection) -> bool) -> bool {
    REQUEST
        .try_with(|request| request.connection.borrow().as_deref().is_some_and(state))
        .unwrap_or(false)
}

/// The limit was reached; it is found by type in the chain of the error that the pool makes of it.
#[derive(Debug, Clone, Copy)]
pub struct ConnectTimedOut {
    pub limit: Duration,
}

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection within {} s", self.limit.as_secs_f64())
    }
}

impl StdError for ConnectTimedOut {}

/// Wraps a connector in a [`ConnectTimeout`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectTimeoutLayer;

impl<S> Layer<S> for ConnectTimeoutLayer {
    type Service = ConnectTimeout<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConnectTimeout { inner }
    }
}

/// A connector that keeps to the limit of the request it is called for.
#[derive(Debug, Clone)]
pub struct ConnectTimeout<S> {
    inner: S,
}

impl<S, R> Service<R> for ConnectTimeout<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let connection = Arc::new(Connection {
            awaited: AtomicBool::new(true),
            failed: AtomicBool::new(false),
        });
        let limit = REQUEST
            .try_with(|request| {
                request.connection.replace(Some(Arc::clone(&connection)));
                request.limit
            })
            .ok()
            .flatten();
        let connect = self.inner.call(destination);
        Box::pin(Awaited {
            connection,
            connect: Box::pin(async move {
                let Some(limit) = limit else {
                    return connect.await;
                };
                match tokio::time::timeout(limit, connect).await {
                    Ok(outcome) => outcome,
                    Err(_) => Err(ConnectTimedOut { limit }.into()),
                }
            }),
        })
    }
}

/// A connection in the making, whose state is kept up.
struct Awaited<F> {
    connection: Arc<Connection>,
    connect: Pin<Box<F>>,
}

impl<T, E, F: Future<Output = Result<T, E>>> Future for Awaited<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if REQUEST.try_with(|_| ()).is_err() {
            self.connection.awaited.store(false, Ordering::Release);
        }
        let outcome = self.connect.as_mut().poll(cx);
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.connection.failed.store(true, Ordering::Release);
        }
        outcome
    }
}

impl<F> Drop for Awaited<F> {
    fn drop(&mut self) {
        self.connection.awaited.store(false, Ordering::Release);
    }
}
