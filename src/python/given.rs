//! What a call was given: read, or refused in words that name the argument and the type.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyTuple};

/// No longer than a century: timers overflow beyond.
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// The items of a mapping, or what an iterable has: pairs, one hopes.
pub fn items<'py>(
    given: &Bound<'py, PyAny>,
    what: &str,
) -> PyResult<impl Iterator<Item = PyResult<Bound<'py, PyAny>>>> {
    let py = given.py();
    // `multi_items` of our own headers and of httpx's gives each value; `items` would join them.
    let all = [intern!(py, "multi_items"), intern!(py, "items")]
        .into_iter()
        .find_map(|name| given.getattr_opt(name).transpose());
    let iterable = match all {
        Some(items) => items?.call0()?,
        None => given.clone(),
    };
    iterable.try_iter().map_err(|_| {
        PyTypeError::new_err(format!(
            "{what} must be a mapping or a list of pairs, not {}",
            type_name(given)
        ))
    })
}

/// The two halves of a tuple or list of two.
pub fn pair<'py>(item: &Bound<'py, PyAny>, what: &str) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(tuple) = item.cast::<PyTuple>()
        && tuple.len() == 2
    {
        return Ok((tuple.get_item(0)?, tuple.get_item(1)?));
    }
    if let Ok(list) = item.cast::<PyList>()
        && list.len() == 2
    {
        return Ok((list.get_item(0)?, list.get_item(1)?));
    }
    Err(PyTypeError::new_err(format!(
        "{what} must have pairs of a name and a value, not {}",
        type_name(item)
    )))
}

/// The name of an object's type, for messages.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    object
        .get_type()
        .qualname()
        .map_or_else(|_| "that".into(), |name| name.to_string())
}

/// True or False and nothing else: `compression="no"` is a mistake.
pub fn flag(value: &Bound<'_, PyAny>, what: &str) -> PyResult<bool> {
    value
        .cast::<PyBool>()
        .map(|flag| flag.is_true())
        .map_err(|_| PyTypeError::new_err(format!("{what} must be True or False, not {}", type_name(value))))
}

/// A number of seconds above zero; None, and infinity, are no limit.
pub fn seconds(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<Duration>> {
    if value.is_none() {
        return Ok(None);
    }
    let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    if !number || value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{what} must be a number of seconds or None, not {}",
            type_name(value)
        )));
    }
    let seconds: f64 = value.extract()?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err(PyValueError::new_err(format!(
            "{what} must be more than zero seconds, or None for no limit, not {seconds:?}"
        )));
    }
    if seconds.is_infinite() {
        return Ok(None);
    }
    let duration = Duration::from_secs_f64(seconds.min(LONGEST));
    Ok(Some(duration.max(Duration::from_nanos(1))))
}

/// A whole number, from `least` on, which is 0 or 1.
pub fn count(given: &Bound<'_, PyAny>, what: &str, least: usize) -> PyResult<usize> {
    if !given.is_instance_of::<PyInt>() || given.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{what} must be int, not {}",
            type_name(given)
        )));
    }
    let least_in_words = if least == 0 { "zero" } else { "one" };
    given
        .extract()
        .ok()
        .filter(|count| *count >= least)
        .ok_or_else(|| PyValueError::new_err(format!("{what} must be {least_in_words} or more")))
}

/// Where connections come from: an address, or an address and a port as in a URL.
pub fn local_address(value: &Bound<'_, PyAny>, what: &str) -> PyResult<SocketAddr> {
    let text = value.str()?;
    if let Ok(both) = text.to_str()?.parse() {
        return Ok(both);
    }
    Ok(SocketAddr::new(address(value, what)?, 0))
}

/// An IP address, as text or as one of `ipaddress`'s objects.
pub fn address(value: &Bound<'_, PyAny>, what: &str) -> PyResult<IpAddr> {
    let text = value.str()?;
    text.to_str()?.parse().map_err(|_| {
        PyValueError::new_err(format!(
            "{what} must be an IP address, not {}",
            text.to_string_lossy()
        ))
    })
}
