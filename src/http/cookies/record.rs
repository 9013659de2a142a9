//! `aioxide.Cookie`: one cookie, as a value.

use std::borrow::Cow;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};

use super::cookie::{Cookie, SameSite};
use super::program::{self, Said};
use crate::http::headers::text_of;
use crate::http::params::type_name;

/// A cookie, with all that is known of it.
#[pyclass(frozen, eq, hash, name = "Cookie", module = "aioxide")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    cookie: Cookie,
}

impl From<Cookie> for Record {
    fn from(cookie: Cookie) -> Self {
        Self { cookie }
    }
}

impl Record {
    pub fn cookie(&self) -> &Cookie {
        &self.cookie
    }
}

#[pymethods]
impl Record {
    #[new]
    #[pyo3(signature = (
        name, value, *, domain="", path="/", expires=None, secure=false, http_only=false, same_site=None,
        host_only=false
    ))]
    #[allow(
        clippy::too_many_arguments,
        reason = "a cookie has as many attributes, and they are keywords"
    )]
    fn new(
        name: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        domain: &str,
        path: &str,
        expires: Option<&Bound<'_, PyAny>>,
        secure: bool,
        http_only: bool,
        same_site: Option<&str>,
        host_only: bool,
    ) -> PyResult<Self> {
        let name = octets(name, || "the name of a cookie".into())?;
        let value = octets(value, || value_of(&name))?;
        let said = Said {
            domain,
            host_only,
            path,
            expires: expires.map_or(Ok(None), seconds)?,
            secure,
            http_only,
            same_site,
        };
        Ok(program::cookie(&name, &value, &said)?.into())
    }

    /// Empty for a cookie without a name.
    #[getter]
    fn name(&self) -> Cow<'_, str> {
        text_of(&self.cookie.name)
    }

    #[getter]
    fn value(&self) -> Cow<'_, str> {
        text_of(&self.cookie.value)
    }

    /// In lower case and ASCII, without a leading dot; empty for every host.
    #[getter]
    fn domain(&self) -> &str {
        &self.cookie.domain
    }

    /// Whether it is not for the hosts below the domain.
    #[getter]
    fn host_only(&self) -> bool {
        self.cookie.host_only
    }

    #[getter]
    fn path(&self) -> &str {
        &self.cookie.path
    }

    /// Seconds since 1970; None for a cookie of the session.
    #[getter]
    fn expires(&self) -> Option<i64> {
        self.cookie.expires
    }

    /// Whether it is sent over TLS only.
    #[getter]
    fn secure(&self) -> bool {
        self.cookie.secure
    }

    /// Whether scripts of a page may not see it.
    #[getter]
    fn http_only(&self) -> bool {
        self.cookie.http_only
    }

    /// "Strict", "Lax", "None", or None if nothing is said.
    #[getter]
    fn same_site(&self) -> Option<&'static str> {
        self.cookie.same_site.map(SameSite::as_str)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let quoted =
            |text: &str| -> PyResult<String> { Ok(PyString::new(py, text).repr()?.to_str()?.to_owned()) };
        let cookie = &self.cookie;
        let mut shown = format!("Cookie({}, [secure]", quoted(&self.name())?);
        if !cookie.domain.is_empty() {
            shown += &format!(", domain={}", quoted(&cookie.domain)?);
        }
        shown += &format!(", path={}", quoted(&cookie.path)?);
        if let Some(expires) = cookie.expires {
            shown += &format!(", expires={expires}");
        }
        for (name, set) in [
            ("secure", cookie.secure),
            ("http_only", cookie.http_only),
            ("host_only", cookie.host_only),
        ] {
            if set {
                shown += &format!(", {name}=True");
            }
        }
        if let Some(same_site) = cookie.same_site {
            shown += &format!(", same_site='{}'", same_site.as_str());
        }
        Ok(shown + ")")
    }

    #[allow(clippy::type_complexity, reason = "it is what pickle wants")]
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<((Bound<'py, PyBytes>, Bound<'py, PyBytes>), Bound<'py, PyDict>)> {
        let cookie = &self.cookie;
        let known = PyDict::new(py);
        known.set_item("domain", &*cookie.domain)?;
        known.set_item("path", &*cookie.path)?;
        known.set_item("expires", cookie.expires)?;
        known.set_item("secure", cookie.secure)?;
        known.set_item("http_only", cookie.http_only)?;
        known.set_item("same_site", self.same_site())?;
        known.set_item("host_only", cookie.host_only)?;
        let pair = (PyBytes::new(py, &cookie.name), PyBytes::new(py, &cookie.value));
        Ok((pair, known))
    }
}

/// For a message about the value of a cookie, which must not show it.
pub fn value_of(name: &[u8]) -> String {
    format!("the value of cookie '{}'", text_of(name).escape_debug())
}

/// Text as UTF-8, bytes as they are.
pub fn octets<'a>(object: &'a Bound<'_, PyAny>, what: impl Fn() -> String) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = object.cast::<PyString>() {
        let text = text
            .to_str()
            .map_err(|_| PyValueError::new_err(format!("{} cannot have a lone surrogate in it", what())))?;
        Ok(text.as_bytes().into())
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(bytes.as_bytes().into())
    } else {
        Err(PyTypeError::new_err(format!(
            "{} must be str, not {}",
            what(),
            type_name(object)
        )))
    }
}

/// A time in seconds since 1970; None is none.
pub fn seconds(given: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if given.is_none() {
        return Ok(None);
    }
    let number = given.is_instance_of::<PyFloat>() || given.is_instance_of::<PyInt>();
    if !number || given.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "expires must be a number of seconds since 1970 or None, not {}",
            type_name(given)
        )));
    }
    let seconds: f64 = given.extract()?;
    if seconds.is_nan() {
        return Err(PyValueError::new_err(
            "expires must be a number of seconds since 1970, not NaN",
        ));
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "what is beyond is as good as never"
    )]
    Ok(Some(seconds as i64))
}
