//! Waiting for tokio on a plain thread, with the interpreter let go.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pyo3::prelude::*;

use crate::error::Error;
use crate::runtime::{self, Job};
use crate::sync::waits::{Look, block_anywhere, refuse_on_loop};

/// Where one may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Not on a thread whose loop is running, which would stand still: RuntimeError there.
    PlainThreads,
    /// On any: for a program that was written for a library which lets it.
    AnyThread,
}

/// Runs `future` on tokio and waits for it; stops it if a signal handler raises. RuntimeError on a thread
/// whose loop is running, which it would stop.
pub fn wait<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    wait_on(py, On::PlainThreads, future)
}

/// The same, where one may wait.
pub fn wait_on<F>(py: Python<'_>, on: On, future: F) -> PyResult<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Waiting::start(py, on, future)?.wait(py)
}

/// What was started, to be waited for later. Dropping it stops it.
#[derive(Debug)]
pub struct Waiting<T>(Job<T>);

impl<T: Send + 'static> Waiting<T> {
    pub fn start<F>(py: Python<'_>, on: On, future: F) -> PyResult<Self>
    where
        F: Future<Output = T> + Send + 'static,
    {
        // Before anything is sent.
        if on == On::PlainThreads {
            refuse_on_loop(py)?;
        }
        let job = runtime::spawn(future)?;
        // A loop's thread starts what it spawns when its turn is over, which it is not while it waits.
        runtime::hand_over();
        Ok(Self(job))
    }

    pub fn wait(&mut self, py: Python<'_>) -> PyResult<T> {
        let outcome = block_anywhere(py, None, |waker| {
            Ok(
                match Pin::new(&mut self.0).poll(&mut Context::from_waker(waker)) {
                    Poll::Ready(outcome) => Look::Done(outcome),
                    Poll::Pending => Look::Wait,
                },
            )
        })?;
        match outcome {
            Some(outcome) => Ok(outcome?),
            // Without a timeout there is an outcome.
            None => Err(Error::runtime("this wait was given up").into()),
        }
    }
}
