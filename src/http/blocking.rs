//! Waiting for tokio on a plain thread, with the interpreter let go.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pyo3::prelude::*;

use crate::error::Error;
use crate::runtime::{self, Job};
use crate::sync::waits::{Look, block_until, refuse_on_loop};

/// Runs `future` on tokio and waits for it; stops it if a signal handler raises. RuntimeError on a thread
/// whose loop is running, which it would stop.
pub fn wait<F>(py: Python<'_>, future: F) -> PyResult<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Waiting::start(py, future)?.wait(py)
}

/// What was started, to be waited for later. Dropping it stops it.
#[derive(Debug)]
pub struct Waiting<T>(Job<T>);

impl<T: Send + 'static> Waiting<T> {
    pub fn start<F>(py: Python<'_>, future: F) -> PyResult<Self>
    where
        F: Future<Output = T> + Send + 'static,
    {
        // Before anything is sent.
        refuse_on_loop(py)?;
        Ok(Self(runtime::spawn(future)?))
    }

    pub fn wait(&mut self, py: Python<'_>) -> PyResult<T> {
        let outcome = block_until(py, None, |waker| {
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
