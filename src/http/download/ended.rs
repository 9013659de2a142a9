//! How a download ends, and what Python gets of that.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;

use super::paths::OsFailure;
use crate::bridge::Deliver;
use crate::error::Error;
use crate::http::response::{Parts, Response};
use crate::python::paths::os_error;

/// Why there is no file.
#[derive(Debug)]
pub enum Failed {
    Request(Error),
    File(OsFailure),
    /// The server has an answer, and it is not the file. With the beginning of its body.
    Refused(Box<Parts>),
    /// Somebody has said that it is to stop.
    Stopped,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<OsFailure> for Failed {
    fn from(failure: OsFailure) -> Self {
        Self::File(failure)
    }
}

/// A file that is in its place.
#[derive(Debug)]
pub struct Whole {
    pub path: PathBuf,
    pub size: u64,
    pub resumed_from: u64,
    pub elapsed: Duration,
    pub parts: Box<Parts>,
}

#[derive(Debug)]
pub struct Ended(pub Result<Whole, Failed>);

impl Ended {
    /// How many bytes there are.
    pub fn size(&self) -> Option<u64> {
        self.0.as_ref().ok().map(|whole| whole.size)
    }
}

impl Deliver for Ended {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.0 {
            Ok(whole) => {
                let response = Py::new(py, Response::from(whole.parts))?;
                let download = Download {
                    path: whole.path,
                    size: whole.size,
                    resumed_from: whole.resumed_from,
                    elapsed: whole.elapsed,
                    response,
                };
                Ok(Py::new(py, download)?.into_any())
            }
            Err(Failed::Request(error)) => Err(error.into()),
            Err(Failed::File(failure)) => Err(os_error(py, &failure.error, failure.path)),
            Err(Failed::Refused(parts)) => {
                Err(Response::status_error(&Bound::new(py, Response::from(parts))?)?)
            }
            Err(Failed::Stopped) => Err(Error::runtime("this download was stopped").into()),
        }
    }
}

/// A file that was downloaded.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug)]
pub struct Download {
    path: PathBuf,
    size: u64,
    resumed_from: u64,
    elapsed: Duration,
    response: Py<Response>,
}

#[pymethods]
impl Download {
    /// Where it is, as it was given.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Of the file, in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// How many of its bytes an earlier call had brought; 0: none.
    #[getter]
    fn resumed_from(&self) -> u64 {
        self.resumed_from
    }

    /// From the first step until it was in its place.
    #[getter]
    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The last response, without its body.
    #[getter]
    fn response(&self, py: Python<'_>) -> Py<Response> {
        self.response.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        format!("<Download {:?}, {} bytes>", self.path, self.size)
    }
}
