//! The body of an answer that did not come with its head.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::http::blocking::On;
use crate::http::reading::{AsyncPieces, From as Source, Pieces};
use crate::http::shape::{Kind, Shape};
use crate::http::stream::Stream;
use crate::http::upload::feeding::Feeding;
use crate::http::upload::left::Upload;

/// Its pieces, as they come, in the coding in which they come.
#[pyclass(frozen, module = "aioxide._core")]
pub struct CarriedBody {
    stream: Arc<Stream>,
    headers: Arc<HeaderMap>,
    /// What still feeds the request.
    upload: PyOnceLock<Upload>,
}

impl fmt::Debug for CarriedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CarriedBody").field(&self.stream).finish()
    }
}

impl CarriedBody {
    pub fn new(stream: Arc<Stream>, headers: &Arc<HeaderMap>) -> Self {
        Self {
            stream,
            headers: Arc::clone(headers),
            upload: PyOnceLock::new(),
        }
    }

    /// The tasks go on while this is read.
    pub fn keep_feeding(&self, py: Python<'_>, feeding: Feeding) {
        let _first = self.upload.set(py, feeding.into());
    }

    fn upload(&self, py: Python<'_>) -> Upload {
        self.upload.get(py).cloned().unwrap_or_default()
    }

    fn shape(&self) -> Arc<Shape> {
        Arc::new(Shape::new(Kind::Bytes(None), &self.headers, "", None))
    }
}

#[pymethods]
impl CarriedBody {
    fn __aiter__(&self, py: Python<'_>) -> AsyncPieces {
        AsyncPieces {
            from: Source::Stream(Arc::clone(&self.stream)),
            shape: self.shape(),
            upload: self.upload(py),
        }
    }

    fn __iter__(&self) -> Pieces {
        Pieces {
            from: Source::Stream(Arc::clone(&self.stream)),
            shape: self.shape(),
            on: On::AnyThread,
        }
    }

    /// Gives the connection back if the body was read to its end, else closes it. Never waits.
    fn close(&self, py: Python<'_>) {
        self.upload(py).stop(py);
        self.stream.close();
    }
}
