//! What `Retry` is told, read and checked.

use std::time::Duration;

use http::Method;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyIterator, PyString, PyType};

use super::policy::{PASSING, Settings, Share};
use crate::error::Kind;
use crate::http::options::flag;
use crate::http::params::type_name;
use crate::http::request;
use crate::python::{exceptions, imports};

/// An argument that was given, be it None.
pub fn given<'py>(argument: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(Some(argument.clone()))
}

/// One keyword argument of `Retry`; TypeError for one that does not exist.
pub fn set(settings: &mut Settings, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match name {
        "backoff" => settings.backoff = seconds(value, name)?,
        "max_backoff" => settings.max_backoff = seconds(value, name)?,
        "jitter" => settings.jitter = flag(value, name)?,
        "statuses" => settings.statuses = statuses(value)?,
        "methods" => settings.methods = methods(value)?,
        "errors" => settings.errors = errors(value)?,
        "respect_retry_after" => settings.respect_retry_after = flag(value, name)?,
        "max_retry_after" => settings.max_retry_after = seconds(value, name)?,
        "budget" => settings.budget = budget(value)?,
        _ => {
            return Err(PyTypeError::new_err(format!(
                "Retry() got an unexpected keyword argument '{name}'"
            )));
        }
    }
    Ok(())
}

/// How many retries.
pub fn total(given: &Bound<'_, PyAny>, what: &str) -> PyResult<u32> {
    if !given.is_instance_of::<PyInt>() || given.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{what} must be int, not {}",
            type_name(given)
        )));
    }
    given
        .extract()
        .map_err(|_| PyValueError::new_err(format!("{what} must be zero or more, and below 2**32")))
}

/// A finite time, zero or more.
fn seconds(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Duration> {
    let seconds = number(given, what)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        PyValueError::new_err(format!(
            "{what} must be zero or more seconds, and finite, not {seconds:?}"
        ))
    })
}

fn number(given: &Bound<'_, PyAny>, what: &str) -> PyResult<f64> {
    let number = given.is_instance_of::<PyFloat>() || given.is_instance_of::<PyInt>();
    if !number || given.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{what} must be a number, not {}",
            type_name(given)
        )));
    }
    given
        .extract()
        .map_err(|_| PyValueError::new_err(format!("{what} is out of range")))
}

/// Some of the numbers that may be a status, sorted.
fn statuses(given: &Bound<'_, PyAny>) -> PyResult<Box<[u16]>> {
    let mut statuses = Vec::new();
    for item in items(given, "statuses", "int")? {
        let item = item?;
        if !item.is_instance_of::<PyInt>() || item.is_instance_of::<PyBool>() {
            return Err(PyTypeError::new_err(format!(
                "statuses must have int in it, not {}",
                type_name(&item)
            )));
        }
        let status = item.extract().ok().filter(|status| (100..1000).contains(status));
        statuses.push(status.ok_or_else(|| PyValueError::new_err(format!("{item} is not an HTTP status")))?);
    }
    statuses.sort_unstable();
    statuses.dedup();
    Ok(statuses.into())
}

/// Methods in upper case, sorted; None is any.
fn methods(given: &Bound<'_, PyAny>) -> PyResult<Option<Box<[Method]>>> {
    if given.is_none() {
        return Ok(None);
    }
    let mut methods = Vec::new();
    for item in items(given, "methods", "str")? {
        methods.push(request::method(&item?)?);
    }
    methods.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    methods.dedup();
    Ok(Some(methods.into()))
}

/// What `except` would catch of what may be retried: a class means its subclasses too.
fn errors(given: &Bound<'_, PyAny>) -> PyResult<Box<[Kind]>> {
    if let Ok(class) = given.cast::<PyType>() {
        return of_class(class);
    }
    let mut wanted = Vec::new();
    for item in items(given, "errors", "exception classes")? {
        let item = item?;
        let Ok(class) = item.cast::<PyType>() else {
            return Err(PyTypeError::new_err(format!(
                "errors must have exception classes in it, not {}",
                type_name(&item)
            )));
        };
        wanted.extend(of_class(class)?);
    }
    Ok(PASSING.into_iter().filter(|kind| wanted.contains(kind)).collect())
}

fn of_class(given: &Bound<'_, PyType>) -> PyResult<Box<[Kind]>> {
    let mut kinds = Vec::new();
    for kind in PASSING {
        if class(given.py(), kind)?.is_subclass(given)? {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return Err(PyValueError::new_err(format!(
            "errors: {} is not raised for what another attempt could change",
            given.qualname()?
        )));
    }
    Ok(kinds.into())
}

/// The exception class of an error that may be retried.
pub fn class(py: Python<'_>, kind: Kind) -> PyResult<Bound<'_, PyType>> {
    imports::exception(py, exceptions::class_name(kind).unwrap_or("RequestError"))
}

/// A share of requests, or None.
fn budget(given: &Bound<'_, PyAny>) -> PyResult<Option<Share>> {
    if given.is_none() {
        return Ok(None);
    }
    let share = number(given, "budget")?;
    if share > 0.0 && share <= 1.0 {
        Ok(Some(Share(share)))
    } else {
        Err(PyValueError::new_err(format!(
            "budget must be more than 0 and at most 1, a share of the requests, or None, not {share:?}"
        )))
    }
}

/// The items of any iterable but a str, whose items are never what is meant.
fn items<'py>(given: &Bound<'py, PyAny>, what: &str, of: &str) -> PyResult<Bound<'py, PyIterator>> {
    let refused = || {
        PyTypeError::new_err(format!(
            "{what} must be a collection of {of}, not {}",
            type_name(given)
        ))
    };
    if given.is_instance_of::<PyString>() {
        return Err(refused());
    }
    given.try_iter().map_err(|_| refused())
}
