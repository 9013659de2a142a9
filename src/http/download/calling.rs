//! A download as something to await, or waited for on a plain thread; and between, whoever is told how far it is.
//!
//! ```text
//! a cancel, or progress raises -> tokio is told to stop -> the part is closed -> the await raises
//! ```
//!
//! Cancel safety: the connection is closed at once; the await raises when the part is closed and written, so that
//! it can be gone on from at once. A second cancel does not wait.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pyo3::exceptions::{PyGeneratorExit, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use tokio::sync::Notify;

use super::asked::{Asked, Progress};
use super::ended::Ended;
use super::report::{Listener, Report};
use super::transfer::Transfer;
use crate::bridge::work::Remote;
use crate::bridge::{Deliver, Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::http::exchange::Exchange;
use crate::python::imports;
use crate::sync::waits::{Look, block_until, refuse_on_loop};

type Running = Pin<Box<dyn Future<Output = Result<Ended>> + Send>>;

/// What is called with how far it is.
struct Told {
    callable: Py<PyAny>,
    report: Arc<Report>,
    last: Option<(u64, Option<u64>)>,
}

impl Told {
    fn tell(&mut self, py: Python<'_>, done: u64, total: Option<u64>) -> PyResult<()> {
        self.last = Some((done, total));
        let outcome = self.callable.bind(py).call1((done, total))?;
        if !outcome.is_none() && imports::iscoroutine(py)?.call1((&outcome,))?.is_truthy()? {
            outcome.call_method0(intern!(py, "close"))?;
            return Err(PyTypeError::new_err("progress must not be asynchronous"));
        }
        Ok(())
    }

    fn tell_news(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.report.take() {
            Some((done, total)) => self.tell(py, done, total),
            None => Ok(()),
        }
    }

    /// Once, of a file that is whole.
    fn tell_end(&mut self, py: Python<'_>, size: u64) -> PyResult<()> {
        match self.last == Some((size, Some(size))) {
            true => Ok(()),
            false => self.tell(py, size, Some(size)),
        }
    }
}

/// A download, until its end is known.
struct Course {
    remote: Remote<Running>,
    begun: bool,
    stop: Arc<Notify>,
    told: Option<Told>,
    /// How it ends, when tokio has ended.
    outcome: Option<PyErr>,
}

impl Course {
    fn new(exchange: Exchange, asked: Asked) -> Self {
        let stop = Arc::new(Notify::new());
        let (listener, told) = match asked.progress {
            Progress::Off => (Listener::Nobody, None),
            Progress::Bar => (Listener::Bar, None),
            Progress::Callable(callable) => {
                let report = Arc::new(Report::default());
                let told = Told {
                    callable,
                    report: Arc::clone(&report),
                    last: None,
                };
                (Listener::Report(report), Some(told))
            }
        };
        let transfer = Transfer {
            exchange,
            paths: asked.paths,
            resume: asked.resume,
            listener,
            stop: Arc::clone(&stop),
        };
        let running: Running = Box::pin(transfer.run());
        Self {
            remote: Remote::new(running),
            begun: false,
            stop,
            told,
            outcome: None,
        }
    }

    fn poll(&mut self, py: Python<'_>, waker: &Waker) -> Poll<PyResult<Py<PyAny>>> {
        self.begun = true;
        if let Some(told) = &self.told {
            told.report.listen(waker);
        }
        if let Poll::Ready(ended) = self.remote.poll(&mut Context::from_waker(waker)) {
            self.begun = false;
            return Poll::Ready(self.ended(py, ended));
        }
        if let (None, Some(told)) = (&self.outcome, &mut self.told)
            && let Err(error) = told.tell_news(py)
        {
            self.end_with(error);
        }
        Poll::Pending
    }

    fn ended(&mut self, py: Python<'_>, ended: Result<Ended>) -> PyResult<Py<PyAny>> {
        if let Some(error) = self.outcome.take() {
            return Err(error);
        }
        let ended = ended?;
        if let (Some(told), Some(size)) = (&mut self.told, ended.size()) {
            told.tell_end(py, size)?;
        }
        ended.deliver(py)
    }

    fn end_with(&mut self, error: PyErr) {
        self.outcome = Some(error);
        self.stop.notify_one();
    }
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Course").field(&self.remote).finish()
    }
}

impl Work for Course {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        match self.poll(py, &waker) {
            Poll::Ready(outcome) => Step::Done(outcome),
            Poll::Pending => Step::Pending,
        }
    }

    fn survives_cancel(&self) -> bool {
        self.begun
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        let told_before = self.outcome.is_some();
        if told_before || error.is_instance_of::<PyGeneratorExit>(py) {
            return Step::Done(Err(error));
        }
        self.end_with(error);
        self.step(py, turn)
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.told
            .as_ref()
            .map_or(Ok(()), |told| visit.call(&told.callable))
    }
}

pub fn operation(function: &'static str, exchange: Exchange, asked: Asked) -> Operation {
    Operation::new(function, Course::new(exchange, asked))
}

/// The same on a plain thread.
pub fn wait(py: Python<'_>, exchange: Exchange, asked: Asked) -> PyResult<Py<PyAny>> {
    // Before it begins.
    refuse_on_loop(py)?;
    let mut course = Course::new(exchange, asked);
    let mut look = |waker: &Waker| {
        Ok(match course.poll(py, waker) {
            Poll::Ready(outcome) => Look::Done(outcome),
            Poll::Pending => Look::Wait,
        })
    };
    let waited = match block_until(py, None, &mut look) {
        Ok(waited) => waited,
        // A signal handler has raised: what it raised is the end, when the part is closed.
        Err(error) => {
            course.end_with(error);
            block_until(py, None, |waker| {
                Ok(match course.poll(py, waker) {
                    Poll::Ready(outcome) => Look::Done(outcome),
                    Poll::Pending => Look::Wait,
                })
            })?
        }
    };
    // Without a timeout there is an outcome.
    waited.ok_or_else(|| Error::runtime("this wait was given up"))?
}
