//! One finished operation kept for the next call, so that taking a free lock allocates nothing.

use std::any::Any;

use pyo3::prelude::*;

use super::operation::Operation;
use super::state::Phase;
use super::work::Work;
use crate::python::attached::{Attached, is_sole_reference};

/// A place for one operation whose work ended at once. Each kind of work that has one, has one for the process.
#[derive(Debug)]
pub struct Spare(Attached<Option<Py<Operation>>>);

impl Spare {
    pub const fn new() -> Self {
        Self(Attached::new(None))
    }

    /// Keeps `operation`, which is finished and whose caller still has it.
    pub(super) fn keep(&self, operation: &Bound<'_, Operation>) {
        let before = self.0.open(operation.py()).replace(operation.clone().unbind());
        drop(before);
    }

    /// The one kept, if its caller has let go of it: then nobody can tell it from a new one.
    pub(super) fn take<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Operation>> {
        let kept = self.0.open(py).take()?.into_bound(py);
        is_sole_reference(&kept).then_some(kept)
    }
}

impl Default for Spare {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation {
    /// As `new`, in the object of the operation that its work [keeps](Work::spare), if there is one.
    pub fn again<W: Work>(py: Python<'_>, qualname: &'static str, work: W) -> PyResult<Py<Self>> {
        let Some(kept) = work.spare().and_then(|spare| spare.take(py)) else {
            return Py::new(py, Self::new(qualname, work));
        };
        let mut state = kept.get().state.open(py);
        let place = state.work.as_deref_mut().and_then(|before| {
            let before: &mut dyn Any = before;
            before.downcast_mut::<W>()
        });
        let Some(place) = place else {
            drop(state);
            return Py::new(py, Self::new(qualname, work));
        };
        let before = std::mem::replace(place, work);
        state.qualname = qualname;
        state.phase = Phase::Idle;
        drop(state);
        // What is done has nothing left, but only its own destructor knows.
        drop(before);
        Ok(kept.unbind())
    }
}
