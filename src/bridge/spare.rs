//! One finished operation kept for the next call, so that taking a free lock allocates nothing.

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
    /// As `new`, with the operation kept in `spare`, if `again` can give its work something new to do.
    pub fn again(
        py: Python<'_>,
        spare: &Spare,
        qualname: &'static str,
        again: impl FnOnce(&mut dyn Work) -> bool,
    ) -> Option<Py<Self>> {
        let kept = spare.take(py)?;
        {
            let mut state = kept.get().state.open(py);
            if !again(&mut **state.work.as_mut()?) {
                return None;
            }
            state.qualname = qualname;
            state.phase = Phase::Idle;
        }
        Some(kept.unbind())
    }
}
