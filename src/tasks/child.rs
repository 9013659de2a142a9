//! One of many awaitables, from its start to its end.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::bridge::mailbox::WakeId;
use crate::bridge::{Operation, Work};
use crate::python::imports;

/// What an awaitable is, which decides how it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    Coroutine,
    Future,
    Awaitable,
}

/// TypeError for what cannot be awaited, in asyncio's words.
pub(super) fn classify(aw: &Bound<'_, PyAny>) -> PyResult<Kind> {
    let py = aw.py();
    if aw.is_exact_instance_of::<Operation>() {
        Ok(Kind::Native)
    } else if aw.get_type().is(imports::coroutine_type(py)?) {
        Ok(Kind::Coroutine)
    } else if imports::isfuture(py)?.call1((aw,))?.is_truthy()? {
        Ok(Kind::Future)
    } else if imports::iscoroutine(py)?.call1((aw,))?.is_truthy()? {
        Ok(Kind::Coroutine)
    } else if imports::isawaitable(py)?.call1((aw,))?.is_truthy()? {
        Ok(Kind::Awaitable)
    } else {
        Err(PyTypeError::new_err(
            "An asyncio.Future, a coroutine or an awaitable is required",
        ))
    }
}

pub(super) type Outcome = PyResult<Py<PyAny>>;

#[derive(Debug)]
pub(super) enum Child {
    Waiting(Waiting),
    Started(Started),
    Ended(Ended),
    /// For the length of a call: somebody has taken it out and will say what becomes of it.
    Moving,
    /// Its end was taken, or nobody wants to hear of it.
    Gone,
}

/// What a child came to, as objects that the garbage collector can be shown: an exception's traceback
/// leads to whoever awaited the gather.
#[derive(Debug)]
pub(super) enum Ended {
    Returned(Py<PyAny>),
    Failed(Py<PyAny>),
}

impl Ended {
    pub(super) fn of(py: Python<'_>, outcome: Outcome) -> Self {
        match outcome {
            Ok(value) => Self::Returned(value),
            Err(error) => Self::Failed(error.into_value(py).into_any()),
        }
    }
}

#[derive(Debug)]
pub(super) enum Waiting {
    Native(Box<dyn Work>),
    Coroutine(Py<PyAny>),
    Awaitable(Py<PyAny>),
    /// Runs by itself; what waits is the done-callback.
    Future(Py<PyAny>),
}

#[derive(Debug)]
pub(super) enum Started {
    /// Stepped on the loop; the work is out while it is stepped.
    Native {
        work: Option<Box<dyn Work>>,
        id: Option<WakeId>,
    },
    /// In the fan-out.
    Afar,
    /// Made here, around a coroutine.
    Task(Py<PyAny>),
    /// The caller's.
    Future(Py<PyAny>),
}

impl Child {
    pub(super) fn adopt(aw: &Bound<'_, PyAny>, kind: Kind) -> Self {
        let (py, aw) = (aw.py(), aw.clone());
        match kind {
            Kind::Native => match aw.cast::<Operation>().map(|operation| operation.get().take(py)) {
                Ok(Ok(work)) => Self::Waiting(Waiting::Native(work)),
                Ok(Err(error)) => Self::Ended(Ended::of(py, Err(error.into()))),
                Err(error) => Self::Ended(Ended::of(py, Err(error.into()))),
            },
            Kind::Coroutine => Self::Waiting(Waiting::Coroutine(aw.unbind())),
            Kind::Awaitable => Self::Waiting(Waiting::Awaitable(aw.unbind())),
            Kind::Future => Self::Waiting(Waiting::Future(aw.unbind())),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting(_))
    }

    /// Whether it can be one of a fan-out.
    pub(super) fn is_detachable(&self) -> bool {
        matches!(self, Self::Waiting(Waiting::Native(work)) if work.is_detachable())
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Waiting(
                Waiting::Coroutine(object) | Waiting::Awaitable(object) | Waiting::Future(object),
            )
            | Self::Started(Started::Future(object) | Started::Task(object))
            | Self::Ended(Ended::Returned(object) | Ended::Failed(object)) => visit.call(object),
            Self::Waiting(Waiting::Native(work)) => work.traverse(visit),
            Self::Started(Started::Native { work: Some(work), .. }) => work.traverse(visit),
            Self::Started(Started::Native { work: None, .. } | Started::Afar) | Self::Moving | Self::Gone => {
                Ok(())
            }
        }
    }
}
