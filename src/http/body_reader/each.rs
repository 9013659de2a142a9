//! A body as something to iterate over: one operation after the other, until one finds the end.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::BodyReader;
use super::asked::Asked;
use super::taking::Taking;
use crate::bridge::Operation;

/// What `each_some`, `each_until` and `each_chunk` give: an asynchronous iterator.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct BodyPieces {
    pub(super) reader: Py<BodyReader>,
    pub(super) asked: Asked,
}

#[pymethods]
impl BodyPieces {
    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(&self, py: Python<'_>) -> Operation {
        let work = Taking::next(self.reader.clone_ref(py), self.asked.clone());
        Operation::new("BodyPieces.__anext__", work)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
