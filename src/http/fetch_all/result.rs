//! What came of one URL.

use http::StatusCode;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::desk::InWork;
use crate::http::request::Request;
use crate::http::response::Response;

/// One of the results of `fetch_all`: a response, or the error that is in its place.
#[pyclass(frozen, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Result {
    /// The place of the URL among those that were given, from 0.
    #[pyo3(get)]
    pub index: u64,
    /// What was given: a URL, a pair of method and URL, a Request.
    #[pyo3(get)]
    pub item: Py<PyAny>,
    /// None if there was no answer.
    #[pyo3(get)]
    pub response: Option<Py<Response>>,
    /// What went wrong; None if nothing did, whatever status the answer has.
    #[pyo3(get)]
    pub error: Option<Py<PyAny>>,
    /// What `parse` made of the response; None without it, and where it failed.
    #[pyo3(get)]
    pub value: Option<Py<PyAny>>,
    /// How often the request was made; 0 if it could not be.
    #[pyo3(get)]
    pub attempts: u32,
    /// Seconds from the beginning of the first attempt to the end of the last.
    #[pyo3(get)]
    pub elapsed: f64,
}

impl Result {
    /// What a journal is told of it. It has failed if there is an error, or the server says that it is its own
    /// fault or too much: a status of 5xx or 429. `aioxide.outputs.describe` has the same rule for rows.
    pub fn in_work(&self, py: Python<'_>) -> InWork {
        let failed = |response: &Py<Response>| {
            let status = response.get().parts.status;
            status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
        };
        InWork {
            item: self.item.clone_ref(py),
            failed: self.error.is_some() || self.response.as_ref().is_some_and(failed),
        }
    }
}

/// What `Result` takes without a name.
type Positional = (u64, Py<PyAny>);

#[pymethods]
impl Result {
    #[new]
    #[pyo3(signature = (index, item, *, response=None, error=None, value=None, attempts=1, elapsed=0.0))]
    fn new(
        index: u64,
        item: Py<PyAny>,
        response: Option<Py<Response>>,
        error: Option<Bound<'_, PyAny>>,
        value: Option<Py<PyAny>>,
        attempts: u32,
        elapsed: f64,
    ) -> PyResult<Self> {
        if error
            .as_ref()
            .is_some_and(|error| !error.is_instance_of::<PyException>())
        {
            return Err(PyValueError::new_err("error must be an exception"));
        }
        Ok(Self {
            index,
            item,
            response,
            error: error.map(Bound::unbind),
            value,
            attempts,
            elapsed,
        })
    }

    /// Whether there is no error.
    #[getter]
    fn ok(&self) -> bool {
        self.error.is_none()
    }

    /// The URL as it was given.
    #[getter]
    fn url<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let item = self.item.bind(py);
        if item.is_instance_of::<PyString>() {
            Ok(item.clone())
        } else if let Ok(request) = item.cast::<Request>() {
            Ok(PyString::new(py, request.get().url()).into_any())
        } else {
            let second = item.get_item(1).ok();
            let url =
                second.filter(|url| !item.is_instance_of::<PyDict>() && url.is_instance_of::<PyString>());
            Ok(url.unwrap_or_else(|| PyString::new(py, "").into_any()))
        }
    }

    /// The request as it was sent first; None if none could be made.
    #[getter]
    fn request(&self, py: Python<'_>) -> PyResult<Option<Py<Request>>> {
        if let Some(response) = &self.response {
            let history = response.bind(py).getattr("history")?;
            let first = match history.len()? {
                0 => response.bind(py).clone().into_any(),
                _ => history.get_item(0)?,
            };
            return Ok(first.getattr("request")?.extract()?);
        }
        match &self.error {
            Some(error) => match error.bind(py).getattr_opt("request")? {
                Some(request) => Ok(request.extract()?),
                None => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// The response, if there is one; raises the error if not.
    fn unwrap(slf: &Bound<'_, Self>) -> PyResult<Option<Py<Response>>> {
        let py = slf.py();
        match &slf.get().error {
            Some(error) => Err(PyErr::from_value(error.bind(py).clone())),
            None => Ok(slf.get().response.as_ref().map(|response| response.clone_ref(py))),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let url = self.url(py)?.repr()?;
        let what = match (&self.error, &self.response) {
            (Some(error), _) => error.bind(py).get_type().name()?.to_string(),
            (None, Some(response)) => format!("{}", response.bind(py).getattr("status_code")?),
            (None, None) => "nothing".to_owned(),
        };
        Ok(format!("<Result {} {url} [{what}]>", self.index))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Positional, Bound<'py, PyDict>)> {
        let parts = PyDict::new(py);
        parts.set_item("response", &self.response)?;
        parts.set_item("error", &self.error)?;
        parts.set_item("value", &self.value)?;
        parts.set_item("attempts", self.attempts)?;
        parts.set_item("elapsed", self.elapsed)?;
        Ok(((self.index, self.item.clone_ref(py)), parts))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.item)?;
        visit.call(&self.response)?;
        visit.call(&self.error)?;
        visit.call(&self.value)
    }
}
