//! What a call says about its one request: the keyword arguments of `get`, `post` and `fetch`.
//!
//! One list for all methods. None is the same as not given, except for `timeout`, where it means that
//! there is no limit, and for `auth` and `retries`, where it switches off the client's.

use std::sync::Arc;

use http::HeaderMap;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rustls_pki_types::ServerName;

use super::auth;
use super::headers;
use super::hooks::callable;
use super::limits::count;
use super::params::{Query, type_name};
use super::plan::Via;
use super::proxy;
use super::retry::{self, Policy};
use super::timeout::Limits;
use super::upload::Payload;
use super::upload::feeding::Feeds;
use super::upload::given::Given;
pub use crate::python::given::flag;

const NAMES: [&str; 10] = [
    "params",
    "headers",
    "cookies",
    "auth",
    "timeout",
    "follow_redirects",
    "proxy",
    "retries",
    "max_body",
    "extensions",
];

#[derive(Debug, Default)]
pub struct Options<'py> {
    pub query: Option<Query>,
    pub headers: HeaderMap,
    pub body: Payload,
    /// What has to feed the body.
    pub feeds: Feeds,
    /// None: what the client has.
    pub limits: Option<Limits>,
    pub follow: Option<bool>,
    /// What they are depends on the URL.
    pub cookies: Option<Bound<'py, PyAny>>,
    /// `Some(None)`: none at all.
    pub auth: Option<Option<auth::Given>>,
    pub via: Option<Via>,
    /// `Some(None)`: no retries.
    pub retries: Option<Option<Arc<Policy>>>,
    pub most_body: Option<u64>,
    pub server_name: Option<Box<str>>,
    /// Whom to tell what happened.
    pub trace: Option<Py<PyAny>>,
}

impl<'py> Options<'py> {
    /// Reads and checks all of them; TypeError for one that does not exist.
    pub fn from_python(function: &str, kwargs: Option<&Bound<'py, PyDict>>) -> PyResult<Self> {
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
            // Here None says something.
            let says_none = ["timeout", "auth", "retries"].contains(&name);
            if value.is_none() && !says_none {
                continue;
            }
            match name {
                "timeout" => options.limits = Some(Limits::from_python(&value)?),
                "params" => options.query = Some(Query::from_python(&value)?),
                "headers" => options.headers = headers::from_python(&value)?,
                "follow_redirects" => options.follow = Some(flag(&value, name)?),
                "cookies" => options.cookies = Some(value),
                "auth" if value.is_none() => options.auth = Some(None),
                "auth" => options.auth = Some(Some(auth::from_python(&value)?)),
                "proxy" => options.via = Some(proxy::via(&value)?),
                "retries" => options.retries = Some(retry::from_python(&value)?),
                "max_body" => options.most_body = Some(count(&value, name, 0)? as u64),
                "extensions" => options.extend(&value)?,
                _ => given.set(name, value),
            }
        }
        (options.body, options.feeds) = given.payload(&mut options.headers)?;
        Ok(options)
    }

    /// `extensions`: what only a few requests need, under httpx's names.
    fn extend(&mut self, given: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(extensions) = given.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(format!(
                "extensions must be a dict, not {}",
                type_name(given)
            )));
        };
        for (name, value) in extensions.iter() {
            match name.cast::<PyString>().ok().and_then(|name| name.to_str().ok()) {
                Some("sni_hostname") => self.server_name = Some(server_name(&value)?),
                Some("trace") => self.trace = Some(callable("trace", &value)?),
                _ => {
                    return Err(PyTypeError::new_err(format!(
                        "there is no extension {}: only sni_hostname and trace",
                        name.repr()?
                    )));
                }
            }
        }
        Ok(())
    }
}

/// `sni_hostname`: the name that the server is asked for, and that its certificate must be for.
pub fn server_name(value: &Bound<'_, PyAny>) -> PyResult<Box<str>> {
    let Ok(host) = value.extract::<String>() else {
        return Err(PyTypeError::new_err(format!(
            "sni_hostname must be str, not {}",
            type_name(value)
        )));
    };
    if ServerName::try_from(host.as_str()).is_err() {
        return Err(PyValueError::new_err(
            "sni_hostname must be a name that a certificate can have, or an IP address",
        ));
    }
    Ok(host.into())
}
