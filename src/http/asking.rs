//! How a prepared call becomes something to await, or is waited for on a plain thread.
//!
//! Most calls are an operation whose work is tokio's alone. A body that has to be fed from Python has tasks
//! beside it. What calls Python in between, hooks and the like, is a coroutine in `aioxide.hooks`, around the
//! same operation.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::prelude::*;

use super::agent::{Agent, Prepared};
use super::blocking::On;
use super::exchange::{Exchange, Running};
use super::preparation::Preparation;
use super::response::{Parts, Response};
use super::upload::Payload;
use super::upload::fed::Fed;
use super::upload::feeding::{Feeding, Feeds};
use super::{blocking, download};
use crate::bridge::work::Remote;
use crate::bridge::{Deliver, Delivery, Native, Operation, Step, Turn, Work};
use crate::python::imports;

/// The awaitable for a call: an operation, or a coroutine around one.
pub fn awaitable(
    py: Python<'_>,
    function: &'static str,
    agent: &Arc<Agent>,
    prepared: Prepared,
) -> PyResult<Py<PyAny>> {
    if agent.hooks.is_empty() && prepared.auth.is_none() && prepared.trace.is_none() {
        let operation = match prepared.download {
            Some(asked) => download::operation(function, prepared.exchange, *asked),
            None => operation(function, prepared.exchange, prepared.feeds),
        };
        return Ok(Py::new(py, operation)?.into_any());
    }
    let hooks = (list(py, &agent.hooks.request), list(py, &agent.hooks.response));
    let (auth, trace) = (option(py, &prepared.auth), option(py, &prepared.trace));
    let preparation = Preparation::new(function, prepared);
    let asking = imports::asking(py)?.call1((preparation, hooks.0, hooks.1, auth, trace))?;
    Ok(asking.unbind())
}

/// The response to a call, waited for on this thread. `streamed`: its body is read as it comes.
pub fn wait(
    py: Python<'_>,
    function: &'static str,
    agent: &Arc<Agent>,
    prepared: Prepared,
    streamed: bool,
) -> PyResult<Py<PyAny>> {
    if agent.hooks.is_empty() && prepared.auth.is_none() && prepared.trace.is_none() {
        return match prepared.download {
            Some(asked) => download::wait(py, prepared.exchange, *asked),
            None => exchange_blocking(py, prepared.exchange, prepared.feeds, streamed),
        };
    }
    let hooks = (list(py, &agent.hooks.request), list(py, &agent.hooks.response));
    let (auth, trace) = (option(py, &prepared.auth), option(py, &prepared.trace));
    let preparation = Preparation::new(function, prepared);
    let response =
        imports::asking_blocking(py)?.call1((preparation, hooks.0, hooks.1, auth, trace, streamed))?;
    Ok(response.unbind())
}

fn list(py: Python<'_>, hooks: &[Py<PyAny>]) -> Vec<Py<PyAny>> {
    hooks.iter().map(|hook| hook.clone_ref(py)).collect()
}

fn option(py: Python<'_>, object: &Option<Py<PyAny>>) -> Option<Py<PyAny>> {
    object.as_ref().map(|object| object.clone_ref(py))
}

pub fn operation(function: &'static str, exchange: Exchange, feeds: Feeds) -> Operation {
    if feeds.is_empty() {
        Operation::new(function, Asking(Stage::of(exchange)))
    } else {
        Operation::new(function, FedAsking(Some((exchange, feeds)), None))
    }
}

/// The operation for a response whose body is read as it comes.
pub fn opening(function: &'static str, exchange: Exchange, feeds: Feeds) -> Operation {
    opened(function, exchange.opening(), feeds)
}

/// The same; a body that came with the head is given as one that was read.
pub fn opening_or_reading(function: &'static str, exchange: Exchange, feeds: Feeds) -> Operation {
    opened(function, exchange.opening_or_reading(), feeds)
}

fn opened(function: &'static str, opening: Remote<Running<Box<Parts>>>, feeds: Feeds) -> Operation {
    if feeds.is_empty() {
        Operation::new(function, opening)
    } else {
        Operation::new(function, Fed::kept(opening, feeds, keep))
    }
}

/// The response has what still feeds its request.
fn keep(py: Python<'_>, response: &Py<PyAny>, feeding: Feeding) {
    if let Ok(response) = response.cast_bound::<Response>(py) {
        response.get().keep_feeding(py, feeding);
    }
}

/// The same on a plain thread, which feeds the body itself.
pub fn exchange_blocking(
    py: Python<'_>,
    exchange: Exchange,
    feeds: Feeds,
    streamed: bool,
) -> PyResult<Py<PyAny>> {
    let body = exchange.outgoing.body.clone();
    let running = if streamed { exchange.open() } else { exchange.run() };
    wait_fed(py, On::PlainThreads, body, running, &feeds)
}

/// Waits for `running`, whose request has this body, and feeds that.
pub fn wait_fed<T: Deliver>(
    py: Python<'_>,
    on: On,
    body: Payload,
    running: Running<T>,
    feeds: &Feeds,
) -> PyResult<Py<PyAny>> {
    if feeds.is_empty() {
        return blocking::wait_on(py, on, running)??.deliver(py);
    }
    let mut job = blocking::Waiting::start(py, on, async move {
        let outcome = running.await;
        // That wakes who feeds it.
        body.close();
        outcome
    })?;
    feeds.feed_blocking(py)?;
    job.wait(py)??.deliver(py)
}

impl Deliver for Box<Parts> {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Py::new(py, Response::from(self)).map(Py::into_any)
    }
}

/// A call that tokio does alone: before it begins, while it runs, and when it is somebody else's.
pub enum Stage {
    Waiting(Box<Exchange>),
    Running(Remote<Running<Box<Parts>>>),
    Taken,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting(_) => "Waiting",
            Self::Running(_) => "Running",
            Self::Taken => "Taken",
        })
    }
}

impl Stage {
    pub fn of(exchange: Exchange) -> Self {
        Self::Waiting(Box::new(exchange))
    }

    /// The call, if it has not begun.
    pub fn take(&mut self) -> Option<Exchange> {
        match std::mem::replace(self, Self::Taken) {
            Self::Waiting(exchange) => Some(*exchange),
            other => {
                *self = other;
                None
            }
        }
    }

    /// It runs from now on.
    pub fn run(&mut self, running: Remote<Running<Box<Parts>>>) {
        *self = Self::Running(running);
    }

    /// The end of what runs.
    pub fn poll(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Poll<crate::error::Result<Box<Parts>>> {
        let Self::Running(remote) = self else {
            let taken = crate::error::Error::runtime("this work has already been taken");
            return Poll::Ready(Err(taken));
        };
        let waker = turn.waker(py);
        remote.poll(&mut Context::from_waker(&waker))
    }
}

/// The work of a call that tokio does alone.
#[derive(Debug)]
struct Asking(Stage);

impl Work for Asking {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if let Some(exchange) = self.0.take() {
            self.0.run(exchange.running());
        }
        match self.0.poll(py, turn) {
            Poll::Ready(Ok(parts)) => Step::Done(parts.deliver(py)),
            Poll::Ready(Err(error)) => Step::Done(Err(error.into())),
            Poll::Pending => Step::Pending,
        }
    }

    fn enter(&mut self) -> Option<Box<dyn Work>> {
        let exchange = self.0.take()?;
        Some(Box::new(exchange.opening()))
    }

    fn is_detachable(&self) -> bool {
        matches!(self.0, Stage::Waiting(_))
    }

    fn detach(mut self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        match self.0.take() {
            Some(exchange) => Ok(Box::pin(async move {
                match exchange.run().await {
                    Ok(parts) => parts.boxed(),
                    Err(error) => Delivery::Failed(error),
                }
            })),
            None => Err(self),
        }
    }
}

/// The work of a call whose body is fed, and once it runs, what runs.
struct FedAsking(
    Option<(Exchange, Feeds)>,
    Option<Fed<Remote<Running<Box<Parts>>>>>,
);

impl fmt::Debug for FedAsking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FedAsking").field(&self.1).finish()
    }
}

impl Work for FedAsking {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if let Some((exchange, feeds)) = self.0.take() {
            self.1 = Some(Fed::new(exchange.running(), feeds));
        }
        match &mut self.1 {
            Some(fed) => fed.step(py, turn),
            None => Step::Done(Err(crate::error::Error::runtime(
                "this work has already been taken",
            )
            .into())),
        }
    }

    fn survives_cancel(&self) -> bool {
        self.1.as_ref().is_some_and(Work::survives_cancel)
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        match &mut self.1 {
            Some(fed) => fed.thrown(py, error, turn),
            None => Step::Done(Err(error)),
        }
    }

    fn enter(&mut self) -> Option<Box<dyn Work>> {
        let (exchange, feeds) = self.0.take()?;
        Some(Box::new(Fed::kept(exchange.opening(), feeds, keep)))
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: pyo3::PyVisit<'_>) -> Result<(), pyo3::PyTraverseError> {
        self.1.as_ref().map_or(Ok(()), |fed| fed.traverse(visit))
    }
}
