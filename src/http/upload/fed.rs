//! The work of an operation whose body has to be fed: the request, and beside it the tasks that feed it.
//!
//! ```text
//! first step: the tasks start        a source raises: the request is dropped ---+
//!   request and tasks run            the request ends, or a cancel comes -------+-> the tasks are cancelled
//!                                                                                -> all have ended: done
//! ```
//!
//! Invariant: whoever awaits it goes on only when no task of it runs any more, so that an iterator is closed
//! by then; only a close, or the end of the loop, does not wait. A response whose body is still to come is
//! the exception: a server may answer what it has not read to the end, so the tasks go on while it is read.
//!
//! Cancel safety: the request is stopped at once; the await raises when the iterators are closed.

use std::fmt;

use pyo3::exceptions::PyGeneratorExit;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::feeding::{Feeding, Feeds};
use crate::bridge::{Native, Step, Turn, Work};
use crate::error::Error;

/// `W`: the request, once it is fed.
pub struct Fed<W> {
    /// None once it has ended.
    request: Option<W>,
    /// None once they are running.
    feeds: Option<Feeds>,
    feeding: Option<Feeding>,
    /// How it ends, when the tasks have ended.
    outcome: Option<PyResult<Py<PyAny>>>,
    /// Who has the tasks that go on after it.
    keep: Option<Keep>,
}

/// Gives the value that has come what still feeds the request.
pub type Keep = fn(Python<'_>, &Py<PyAny>, Feeding);

impl<W: Work> Fed<W> {
    pub fn new(request: W, feeds: Feeds) -> Self {
        Self {
            keep: None,
            request: Some(request),
            feeds: Some(feeds),
            feeding: None,
            outcome: None,
        }
    }

    /// The same, for a value that `keep` gives the tasks which have not ended when it comes.
    pub fn kept(request: W, feeds: Feeds, keep: Keep) -> Self {
        Self {
            keep: Some(keep),
            ..Self::new(request, feeds)
        }
    }

    /// One step of the request, and what it came to if that is its end.
    fn go_on(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> PyResult<Option<Step>> {
        if let Some(feeds) = self.feeds.take() {
            self.feeding = Some(Feeding::start(py, turn.hub(), feeds)?);
        }
        let (Some(feeding), Some(request)) = (&mut self.feeding, &mut self.request) else {
            return Ok(None);
        };
        feeding.tell(&turn.waker(py));
        // Before the request is asked, which fails for want of a body.
        if let Some(error) = feeding.failure(py) {
            return Err(error);
        }
        match request.step(py, turn) {
            Step::Done(outcome) => outcome.map(|value| Some(Step::Done(Ok(value)))),
            running => {
                feeding.cancel_unwanted(py)?;
                Ok(Some(running))
            }
        }
    }

    /// The end, once the tasks have ended.
    fn finish(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        drop(self.request.take());
        if let (Some(keep), Some(Ok(value))) = (self.keep, &self.outcome)
            && let Some(feeding) = self.feeding.take()
        {
            keep(py, value, feeding);
        }
        if let Some(feeding) = &mut self.feeding {
            feeding.tell(&turn.waker(py));
            match feeding.stop(py).and_then(|()| feeding.has_ended(py)) {
                Ok(false) => return Step::Pending,
                Ok(true) => self.feeding = None,
                Err(error) => return Step::Done(Err(error)),
            }
        }
        let taken = || Err(Error::runtime("this work has already been done").into());
        Step::Done(self.outcome.take().unwrap_or_else(taken))
    }
}

impl<W> fmt::Debug for Fed<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fed").field(&self.feeding).finish()
    }
}

impl<W: Work> Work for Fed<W> {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        if self.outcome.is_none() {
            match self.go_on(py, turn) {
                Ok(Some(Step::Done(outcome))) => self.outcome = Some(outcome),
                Ok(Some(running)) => return running,
                Ok(None) => {}
                Err(error) => self.outcome = Some(Err(error)),
            }
        }
        self.finish(py, turn)
    }

    fn survives_cancel(&self) -> bool {
        self.feeding.is_some()
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        if error.is_instance_of::<PyGeneratorExit>(py) {
            return Step::Done(Err(error));
        }
        let again = self.outcome.replace(Err(error)).is_some();
        if again
            && let Some(feeding) = &self.feeding
            && let Err(error) = feeding.insist(py)
        {
            return Step::Done(Err(error));
        }
        self.finish(py, turn)
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(request) = &self.request {
            request.traverse(visit)?;
        }
        if let Some(feeds) = &self.feeds {
            feeds.traverse(visit)?;
        }
        self.feeding
            .as_ref()
            .map_or(Ok(()), |feeding| feeding.traverse(visit))?;
        match &self.outcome {
            Some(Ok(value)) => visit.call(value),
            _ => Ok(()),
        }
    }
}
