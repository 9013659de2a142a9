//! The one place where an [`Error`] becomes a Python exception.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyType};

use super::imports;
use crate::error::{Error, Kind, What};

/// The class of `aioxide.exceptions` for a kind; `None` for the builtins.
pub fn class_name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Value | Kind::Runtime | Kind::Cancelled => return None,
        Kind::Timeout => "TimeoutException",
        Kind::ConnectTimeout => "ConnectTimeout",
        Kind::ReadTimeout => "ReadTimeout",
        Kind::WriteTimeout => "WriteTimeout",
        Kind::PoolTimeout => "PoolTimeout",
        Kind::Connect => "ConnectError",
        Kind::Read => "ReadError",
        Kind::Write => "WriteError",
        Kind::Close => "CloseError",
        Kind::RemoteProtocol => "RemoteProtocolError",
        Kind::LocalProtocol => "LocalProtocolError",
        Kind::Proxy => "ProxyError",
        Kind::Tls => "TLSError",
        Kind::UnsupportedProtocol => "UnsupportedProtocol",
        Kind::Decoding => "DecodingError",
        Kind::TooManyRedirects => "TooManyRedirects",
        Kind::BodyTooLarge => "BodyTooLarge",
        Kind::RobotsDisallowed => "RobotsDisallowed",
        Kind::InvalidUrl => "InvalidURL",
    })
}

/// The first word of `RequestError.detail`.
fn what_name(what: What) -> &'static str {
    match what {
        What::Name => "name",
        What::System => "system",
        What::Certificate => "certificate",
        What::Fingerprint => "fingerprint",
        What::Tls => "tls",
        What::Proxy => "proxy",
        What::Ended => "ended",
        What::Said => "said",
        What::Location => "location",
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        Python::attach(|py| build(py, &error).unwrap_or_else(|failure| failure))
    }
}

/// The exception for `error`. What fails here (an import at shutdown, say) is the exception instead.
fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let message = error.message().to_owned();
    let Some(name) = class_name(error.kind()) else {
        return Ok(match error.kind() {
            Kind::Value => PyValueError::new_err(message),
            Kind::Cancelled => PyErr::from_value(imports::cancelled_error(py)?.call1((message,))?),
            _ => PyRuntimeError::new_err(message),
        });
    };
    let details = PyDict::new(py);
    if let Some(about) = error.request() {
        let headers = about
            .headers
            .iter()
            .map(|(name, value)| (name, PyBytes::new(py, value)));
        let headers = PyList::new(py, headers.collect::<Vec<_>>())?;
        let request = (about.method.as_ref(), &about.url, headers);
        details.set_item("request", imports::request(py)?.call1(request)?)?;
        details.set_item("phase", about.phase)?;
        details.set_item("attempt", about.attempt)?;
        if let Some(cause) = &about.cause {
            let detail = (what_name(cause.what), cause.number, &cause.words, &cause.proxy);
            details.set_item("detail", detail)?;
            if cause.what == What::Proxy {
                let headers = cause.headers.iter();
                let headers = headers.map(|(name, value)| (name, PyBytes::new(py, value)));
                details.set_item("headers", PyList::new(py, headers.collect::<Vec<_>>())?)?;
            }
        }
    }
    raise(py, name, message, &details)
}

/// An exception of the class `name` of `aioxide.exceptions`, to be raised.
pub fn raise(py: Python<'_>, name: &str, message: String, details: &Bound<'_, PyDict>) -> PyResult<PyErr> {
    let class = imports::exception(py, name)?;
    Ok(PyErr::from_value(class.call((message,), Some(details))?))
}

/// A new `asyncio.CancelledError`, with the message that `cancel` was given, if any.
pub fn cancelled(py: Python<'_>, message: Option<Py<PyAny>>) -> PyResult<PyErr> {
    let class = imports::cancelled_error(py)?;
    Ok(PyErr::from_value(match message {
        Some(message) => class.call1((message,))?,
        None => class.call0()?,
    }))
}

/// Calls `action` from a destructor, where an exception may be on its way, which Python code must not find
/// set and stays so. What `action` raises goes to `sys.unraisablehook`.
pub fn in_destructor(action: impl FnOnce(Python<'_>) -> PyResult<()>) {
    // Attached already: CPython drops objects on attached threads only.
    Python::attach(|py| {
        let passing = PyErr::take(py);
        if let Err(error) = action(py) {
            error.write_unraisable(py, None);
        }
        if let Some(passing) = passing {
            passing.restore(py);
        }
    });
}

/// The exception that `throw(typ, val, tb)` asks for, in each of the ways it may be asked.
pub fn thrown(
    typ: Bound<'_, PyAny>,
    val: Option<Bound<'_, PyAny>>,
    tb: Option<Bound<'_, PyAny>>,
) -> PyResult<PyErr> {
    let exception = match (typ.cast::<PyType>(), val) {
        (Err(_), _) => typ,
        (Ok(class), None) => class.call0()?,
        (Ok(class), Some(value)) if value.is_instance(class)? => value,
        (Ok(class), Some(value)) => class.call1((value,))?,
    };
    if let Some(traceback) = tb {
        exception.setattr(intern!(exception.py(), "__traceback__"), traceback)?;
    }
    Ok(PyErr::from_value(exception))
}
