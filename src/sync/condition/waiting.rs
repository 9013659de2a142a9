//! The work of `wait` and `wait_for`: without the lock until it is notified, and never on without it again.

use std::sync::Arc;
use std::task::{Poll, Waker};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::{Condition, Holder, Signals};
use crate::bridge::{Native, Step, Turn, Work};
use crate::sync::line::Passage;
use crate::sync::permits::Permits;
use crate::sync::waits::{give_up, wake};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Waiting {
    condition: Py<Condition>,
    /// What has to be true; None for `wait`, where being notified is enough.
    predicate: Option<Py<PyAny>>,
    stage: Stage,
    holder: Holder,
    /// Whether it was notified; if it is cancelled after that, the notification is for the next.
    notified: bool,
    /// What is raised once the lock is held again.
    error: Option<Py<PyAny>>,
}

#[derive(Debug)]
enum Stage {
    Begun,
    /// Without the lock.
    Unnotified(Passage<Arc<Signals>>),
    /// On the way back into the lock, which no cancel stops.
    Returning(Passage<Arc<Permits>>),
    Over,
}

impl Waiting {
    pub(super) fn new(condition: &Bound<'_, Condition>, predicate: Option<Py<PyAny>>) -> Self {
        Self {
            condition: condition.clone().unbind(),
            predicate,
            stage: Stage::Begun,
            holder: None,
            notified: false,
            error: None,
        }
    }

    /// Lets go of the lock and waits.
    fn let_go(&mut self, py: Python<'_>, waker: &Waker) -> PyResult<()> {
        let condition = self.condition.get();
        let under = condition.held(py)?;
        let mut passage = Passage::new(Arc::clone(&condition.signals), ());
        // It takes its place in line; nobody has notified it yet.
        let _pending = passage.poll_with(waker).is_pending();
        self.stage = Stage::Unnotified(passage);
        let woken;
        (self.holder, woken) = under.let_go(py);
        wake(py, woken)
    }

    fn on(&mut self, py: Python<'_>, waker: &Waker) -> PyResult<Option<Py<PyAny>>> {
        loop {
            match &mut self.stage {
                Stage::Begun => {
                    if let Some(predicate) = &self.predicate {
                        let value = predicate.call0(py)?;
                        if value.is_truthy(py)? {
                            return Ok(Some(value));
                        }
                    }
                    self.let_go(py, waker)?;
                    return Ok(None);
                }
                Stage::Unnotified(passage) => {
                    if passage.poll_with(waker).is_pending() {
                        return Ok(None);
                    }
                    self.notified = true;
                    self.stage = Stage::Returning(self.condition.get().under(py)?.permits().take(1));
                }
                Stage::Returning(passage) => {
                    let Poll::Ready(((), woken)) = passage.poll_with(waker) else {
                        return Ok(None);
                    };
                    self.stage = Stage::Over;
                    self.take_up(py);
                    wake(py, woken)?;
                    let notified = std::mem::take(&mut self.notified);
                    if let Some(error) = self.error.take() {
                        wake(py, self.condition.get().signals.notify(usize::from(notified)))?;
                        return Err(PyErr::from_value(error.into_bound(py)));
                    }
                    if self.predicate.is_none() {
                        return Ok(Some(true.into_pyobject(py)?.to_owned().into_any().unbind()));
                    }
                    self.stage = Stage::Begun;
                }
                Stage::Over => return Err(PyRuntimeError::new_err("this wait is over")),
            }
        }
    }

    fn take_up(&mut self, py: Python<'_>) {
        if let Some(under) = self.condition.get().lock.get() {
            under.take_up(py, self.holder.take());
        }
    }

    fn advance(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        let waker = turn.waker(py);
        match self.on(py, &waker) {
            Ok(None) => Step::Pending,
            Ok(Some(value)) => Step::Done(Ok(value)),
            Err(error) => Step::Done(Err(error)),
        }
    }
}

impl Work for Waiting {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        self.advance(py, turn)
    }

    /// Whoever awaits it is inside the lock, and has to be so again before it goes on.
    fn survives_cancel(&self) -> bool {
        matches!(self.stage, Stage::Unnotified(_) | Stage::Returning(_))
    }

    fn thrown(&mut self, py: Python<'_>, error: PyErr, turn: &mut Turn<'_>) -> Step {
        let error = error.into_value(py).into_any();
        let before = self.error.replace(error);
        drop(before);
        if matches!(self.stage, Stage::Unnotified(_)) {
            match self.condition.get().under(py) {
                Ok(under) => {
                    let back = Stage::Returning(under.permits().take(1));
                    give_up(std::mem::replace(&mut self.stage, back));
                }
                Err(error) => return Step::Done(Err(error)),
            }
        }
        self.advance(py, turn)
    }

    fn detach(self: Box<Self>) -> Result<Native, Box<dyn Work>> {
        Err(self)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.condition)?;
        visit.call(&self.predicate)?;
        visit.call(&self.error)?;
        self.holder
            .as_ref()
            .map_or(Ok(()), |(owner, _)| visit.call(owner.object()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if !matches!(stage, Stage::Unnotified(_) | Stage::Returning(_)) {
            return;
        }
        // Closed while it waited. The block around it is left next, and releases the lock.
        give_up(stage);
        if self.notified {
            give_up(Notify(Arc::clone(&self.condition.get().signals)));
        }
        let lock = self.condition.get().lock.get();
        if lock.is_some_and(|under| under.permits().try_take(1)) {
            Python::attach(|py| self.take_up(py));
        }
    }
}

/// Passes a notification on when it is dropped.
struct Notify(Arc<Signals>);

impl Drop for Notify {
    fn drop(&mut self) {
        self.0.notify(1).wake();
    }
}
