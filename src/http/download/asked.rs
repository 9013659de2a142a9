//! What a call of `download` says, beside what any request may say.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use super::paths::Paths;
use crate::http::agent::Prepared;
use crate::http::options::flag;
use crate::http::params::type_name;
use crate::http::timeout::{self, Limits};
use crate::python::paths::{file_path, os_error};

/// Where nobody has said how long it may take: a file may be long, but something has to come.
const LIMITS: Limits = Limits {
    total: None,
    read: Some(Duration::from_secs(60)),
    ..timeout::DEFAULT
};

/// Whom to tell how far it is.
#[derive(Debug)]
pub enum Progress {
    Off,
    Bar,
    Callable(Py<PyAny>),
}

impl Progress {
    fn from_python(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match given.cast::<PyBool>() {
            Ok(flag) if flag.is_true() => Ok(Self::Bar),
            Ok(_) => Ok(Self::Off),
            Err(_) if given.is_callable() => Ok(Self::Callable(given.clone().unbind())),
            Err(_) => Err(PyTypeError::new_err(format!(
                "progress must be callable, True, False or None, not {}",
                type_name(given)
            ))),
        }
    }
}

#[derive(Debug)]
pub struct Asked {
    pub paths: Paths,
    pub resume: bool,
    pub progress: Progress,
}

impl Asked {
    pub fn from_python(
        path: &Bound<'_, PyAny>,
        resume: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = path.py();
        let paths = Paths::of(file_path(path)?);
        Ok(Self {
            paths: paths.map_err(|failure| os_error(py, &failure.error, failure.path))?,
            resume: resume.map_or(Ok(true), |given| flag(given, "resume"))?,
            progress: progress.map_or(Ok(Progress::Off), Progress::from_python)?,
        })
    }

    /// Whether the keyword arguments of a request are such as a download can have.
    pub fn check(function: &str, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            let name = name.cast::<PyString>()?.to_str()?;
            if ["content", "data", "json", "files"].contains(&name) && !value.is_none() {
                return Err(PyTypeError::new_err(format!(
                    "{function}() got an unexpected keyword argument '{name}': it sends no body"
                )));
            }
        }
        Ok(())
    }

    /// Puts into the request what makes it that of a download. `timeout`: whether the call has one.
    pub fn add_to(self, prepared: &mut Prepared, timeout: bool) -> PyResult<()> {
        let headers = &mut prepared.exchange.outgoing.headers;
        if headers.contains_key(RANGE) || headers.contains_key(IF_RANGE) {
            return Err(PyValueError::new_err(
                "Range and If-Range are for download() to send, not for headers",
            ));
        }
        // A part of a coded body cannot be decoded.
        headers
            .entry(ACCEPT_ENCODING)
            .or_insert(HeaderValue::from_static("identity"));
        let plan = &mut prepared.exchange.plan;
        if !timeout && plan.limits == timeout::DEFAULT {
            Arc::make_mut(plan).limits = LIMITS;
        }
        prepared.download = Some(Box::new(self));
        Ok(())
    }
}
