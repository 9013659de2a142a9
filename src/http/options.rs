//! What a call says about its one request: the keyword arguments of `get`, `post` and `fetch`.
//!
//! One list for all methods. None is the same as not given, except for `timeout`, where it means that
//! there is no limit.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyString};

use super::headers;
use super::limits::count;
use super::params::{self, Query, type_name};
use super::plan::Via;
use super::proxy;
use super::timeout::Limits;
use crate::python::imports;

const NAMES: [&str; 10] = [
    "params",
    "headers",
    "content",
    "data",
    "json",
    "timeout",
    "follow_redirects",
    "proxy",
    "max_body",
    "server_name",
];

#[derive(Debug, Default)]
pub struct Options {
    pub query: Option<Query>,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// None: what the client has.
    pub limits: Option<Limits>,
    pub follow: Option<bool>,
    pub via: Option<Via>,
    pub most_body: Option<u64>,
    pub server_name: Option<Box<str>>,
}

impl Options {
    /// Reads and checks all of them; TypeError for one that does not exist.
    pub fn from_python(function: &str, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut options = Self::default();
        let Some(kwargs) = kwargs else {
            return Ok(options);
        };
        let mut content_type = None;
        for (name, value) in kwargs.iter() {
            let name = name.cast::<PyString>()?.to_str()?;
            if !NAMES.contains(&name) {
                return Err(PyTypeError::new_err(format!(
                    "{function}() got an unexpected keyword argument '{name}'"
                )));
            }
            if value.is_none() && name != "timeout" {
                continue;
            }
            match name {
                "timeout" => options.limits = Some(Limits::from_python(&value)?),
                "params" => options.query = Some(Query::from_python(&value)?),
                "headers" => options.headers = headers::from_python(&value)?,
                "follow_redirects" => options.follow = Some(flag(&value, name)?),
                "proxy" => options.via = Some(proxy::via(&value)?),
                "max_body" => options.most_body = Some(count(&value, name, 0)? as u64),
                "server_name" => options.server_name = Some(value.extract::<String>()?.into()),
                _ if options.body.is_some() => {
                    return Err(PyValueError::new_err(
                        "content, data and json are three ways to give one body: use one of them",
                    ));
                }
                "content" => options.body = Some(content(&value)?),
                "data" => {
                    options.body = Some(params::encode(&params::pairs(&value, "data")?).into());
                    content_type = Some("application/x-www-form-urlencoded");
                }
                _ => {
                    options.body = Some(json(&value)?);
                    content_type = Some("application/json");
                }
            }
        }
        if let Some(content_type) = content_type {
            options
                .headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(content_type));
        }
        Ok(options)
    }
}

/// True or False and nothing else: `follow_redirects="no"` is a mistake.
pub fn flag(value: &Bound<'_, PyAny>, what: &str) -> PyResult<bool> {
    value
        .cast::<PyBool>()
        .map(|flag| flag.is_true())
        .map_err(|_| PyTypeError::new_err(format!("{what} must be True or False, not {}", type_name(value))))
}

/// A body as given: text as UTF-8, anything with bytes in it as those.
fn content(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Bytes::copy_from_slice(bytes.as_bytes()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Bytes::copy_from_slice(text.to_str()?.as_bytes()));
    }
    if let Ok(array) = value.cast::<PyByteArray>() {
        return Ok(array.to_vec().into());
    }
    if PyUntypedBuffer::get(value).is_ok() {
        // A view of any shape and type, as `bytes(view)` reads it.
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        return Ok(Bytes::copy_from_slice(bytes.cast::<PyBytes>()?.as_bytes()));
    }
    Err(PyTypeError::new_err(format!(
        "content must be bytes, str, bytearray or memoryview, not {}",
        type_name(value)
    )))
}

/// `json.dumps`, compact and in UTF-8; NaN and infinities are refused, since JSON has none.
fn json(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let text = imports::json_encode(value.py())?.call1((value,))?;
    Ok(Bytes::copy_from_slice(
        text.cast::<PyString>()?.to_str()?.as_bytes(),
    ))
}
