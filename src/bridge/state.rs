//! What an operation is doing: the data behind [`Operation`](super::Operation).
//!
//! ```text
//! Idle --step--> Stepping --pending--> Suspended --woken, step--> Stepping --done--> Finished
//!   |                                      |
//!   |                                      +--cancel()--> Cancelled --throw()--> Finished
//!   +--close(), throw(), taken by gather--> Finished      (close(), throw() and drop: from anywhere)
//! ```
//!
//! Invariant: outside Idle, Stepping and Suspended there is no work left: it was dropped, which stopped
//! it, before anybody hears of the end. Two kinds of work are excepted: one that survives a cancel is still
//! there when the CancelledError is thrown in, and one that ended at once may stay, empty, to be used again.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::callback::Callback;
use super::hub::Hub;
use super::mailbox::WakeId;
use super::work::Work;
use crate::error::Error;

#[derive(Debug)]
pub(super) struct State {
    /// What a traceback or a warning calls it: `Client.get`.
    pub(super) qualname: &'static str,
    pub(super) phase: Phase,
    pub(super) work: Option<Box<dyn Work>>,
    /// The loop it sleeps on, from its first suspension.
    pub(super) hub: Option<Arc<Hub>>,
    /// Under which id it sleeps there.
    pub(super) id: Option<WakeId>,
    pub(super) callback: Option<Callback>,
    /// The id came before anybody asked to be called.
    pub(super) woken: bool,
    /// True after it yielded itself, false once the task has armed it, none when it is no Future.
    pub(super) blocking: Option<bool>,
    /// The message given to `cancel`.
    pub(super) message: Option<Py<PyAny>>,
    /// What `async with` has to close on its way out.
    pub(super) entered: Option<Py<PyAny>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Idle,
    Stepping,
    Suspended,
    Cancelled,
    Finished,
}

impl Phase {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Idle => "not started",
            Self::Stepping => "running",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }
}

/// What an operation had when it ended, to be dropped, or called, where its state is not open.
#[must_use]
pub(super) struct Ended {
    pub(super) callback: Option<Callback>,
    work: Option<Box<dyn Work>>,
    sleeps: Option<(Arc<Hub>, WakeId)>,
}

impl Ended {
    /// Stops the work and gives the id back.
    pub(super) fn stop(self) -> Option<Callback> {
        drop(self.work);
        if let Some((hub, id)) = self.sleeps {
            // Attached already: operations are ended by Python, or by the loop that closes.
            Python::attach(|py| hub.release(py, id));
        }
        self.callback
    }
}

impl State {
    pub(super) fn new(qualname: &'static str, work: Box<dyn Work>) -> Self {
        Self {
            qualname,
            phase: Phase::Idle,
            work: Some(work),
            hub: None,
            id: None,
            callback: None,
            woken: false,
            blocking: None,
            message: None,
            entered: None,
        }
    }

    /// Ends it, whatever it is doing.
    pub(super) fn end(&mut self, phase: Phase) -> Ended {
        self.phase = phase;
        self.blocking = None;
        Ended {
            callback: self.callback.take(),
            work: self.work.take(),
            sleeps: self.hub.take().zip(self.id.take()),
        }
    }

    pub(super) fn reused(&self) -> Error {
        Error::runtime(format!(
            "cannot reuse already awaited operation '{}'",
            self.qualname
        ))
    }

    pub(super) fn busy(&self) -> Error {
        Error::runtime(format!("operation '{}' is being awaited already", self.qualname))
    }

    pub(super) fn survives_cancel(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.survives_cancel())
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(callback) = &self.callback {
            callback.traverse(visit)?;
        }
        visit.call(&self.message)?;
        visit.call(&self.entered)?;
        self.work.as_ref().map_or(Ok(()), |work| work.traverse(visit))
    }
}
