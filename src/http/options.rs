//! What a call says about its one request: the keyword arguments of `get`, `post` and `fetch`.
//!
//! One list for all methods. None is the same as not given, except for `timeout`, where it means that
//! there is no limit.

use http::HeaderMap;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};

use super::headers;
use super::params::{Query, type_name};
use super::timeout::Limits;
use super::upload::Payload;
use super::upload::feeding::Feeds;
use super::upload::given::Given;

const NAMES: [&str; 4] = ["params", "headers", "timeout", "follow_redirects"];

#[derive(Debug, Default)]
pub struct Options {
    pub query: Option<Query>,
    pub headers: HeaderMap,
    pub body: Payload,
    /// What has to feed the body.
    pub feeds: Feeds,
    /// None: what the client has.
    pub limits: Option<Limits>,
    pub follow: Option<bool>,
}

impl Options {
    /// Reads and checks all of them; TypeError for one that does not exist.
    pub fn from_python(function: &str, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut options = Self::default();
        let Some(kwargs) = kwargs else {
            return Ok(options);
        };
        let mut given = Given::default();
        for (name, value) in kwargs.iter() {
            let name = name.cast::<PyString>()?.to_str()?;
            if !NAMES.contains(&name) && !Given::has(name) {
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
                _ => given.set(name, value),
            }
        }
        (options.body, options.feeds) = given.payload(&mut options.headers)?;
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
