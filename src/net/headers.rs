//! Headers: names without case, values in order, a name as often as it comes.
//!
//! The one place where names and values from Python are let into a request. Invariant: what got in can
//! be sent as it is; a name that is no token, or a value with CR, LF or NUL, never becomes part of a map
//! (RFC 9110, sections 5.1 and 5.5).

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION, SET_COOKIE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyIterator, PyList, PyString};

use crate::error::{Error, Kind, Result};
use crate::python::given::{items, pair, type_name};
use crate::python::imports;

/// How many headers a map may have. No server takes so many, and at three times as many maps panic.
const MOST: usize = 10_000;

/// HTTP headers: an immutable mapping whose keys have no case and may repeat.
#[pyclass(frozen, mapping, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Headers {
    map: Arc<HeaderMap>,
}

impl From<Arc<HeaderMap>> for Headers {
    fn from(map: Arc<HeaderMap>) -> Self {
        Self { map }
    }
}

impl Headers {
    pub fn map(&self) -> &HeaderMap {
        &self.map
    }

    fn key<'a>(name: &'a Bound<'_, PyAny>) -> Option<&'a str> {
        name.cast::<PyString>().ok().and_then(|name| name.to_str().ok())
    }

    /// What `[]` gives: all values as one, where that is allowed.
    fn joined(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.map.get_all(name).iter();
        let first = text(values.next()?);
        if name.eq_ignore_ascii_case(SET_COOKIE.as_str()) {
            return Some(first);
        }
        Some(values.fold(first, |joined, value| {
            Cow::Owned(format!("{joined}, {}", text(value)))
        }))
    }

    fn dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for name in self.map.keys() {
            dict.set_item(name.as_str(), self.joined(name.as_str()))?;
        }
        Ok(dict)
    }

    fn all(&self, name: &str) -> Vec<Cow<'_, str>> {
        self.map.get_all(name).iter().map(text).collect()
    }
}

#[pymethods]
impl Headers {
    #[new]
    #[pyo3(signature = (headers=None, /))]
    fn new(headers: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let map = headers.map_or_else(|| Ok(HeaderMap::new()), from_python)?;
        Ok(Arc::new(map).into())
    }

    fn __getitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<Cow<'_, str>> {
        Self::key(name)
            .and_then(|name| self.joined(name))
            .ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))
    }

    /// The values of `name` joined with ", "; of `Set-Cookie`, which cannot be joined, the first.
    #[pyo3(signature = (name, default=None, /))]
    fn get<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        match Self::key(name).and_then(|key| self.joined(key)) {
            Some(value) => Some(PyString::new(name.py(), &value).into_any()),
            None => default,
        }
    }

    /// Each value of `name`, in order; an empty list if there is none.
    #[pyo3(signature = (name, split_commas=false))]
    fn get_list(&self, name: &str, split_commas: bool) -> Vec<String> {
        let values = self.all(name);
        if split_commas {
            let parts = values.iter().flat_map(|value| value.split(','));
            parts.map(|part| part.trim().to_owned()).collect()
        } else {
            values.into_iter().map(Cow::into_owned).collect()
        }
    }

    /// Each value of `name`, in order; without any, `default`, or KeyError if that is not given.
    #[pyo3(signature = (name, *default), text_signature = "($self, name, default=..., /)")]
    fn getall<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        default: &Bound<'py, pyo3::types::PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = Self::key(name).map_or_else(Vec::new, |key| self.all(key));
        if !values.is_empty() {
            return Ok(PyList::new(name.py(), values)?.into_any());
        }
        match default.len() {
            0 => Err(PyKeyError::new_err(name.clone().unbind())),
            1 => default.get_item(0),
            _ => Err(PyTypeError::new_err("getall() takes a name and one default")),
        }
    }

    /// Names, in lower case, each once.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("keys")
    }

    /// What `[]` gives for each name.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("values")
    }

    /// Each name with what `[]` gives for it.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("items")
    }

    /// Each pair, repeated names repeated.
    fn multi_items(&self) -> Vec<(&str, Cow<'_, str>)> {
        let pairs = self.map.iter();
        pairs.map(|(name, value)| (name.as_str(), text(value))).collect()
    }

    /// Each pair as bytes.
    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let pairs = self.map.iter();
        pairs
            .map(|(name, value)| {
                (
                    PyBytes::new(py, name.as_str().as_bytes()),
                    PyBytes::new(py, value.as_bytes()),
                )
            })
            .collect()
    }

    /// The same; headers do not change, so nothing is copied.
    fn copy(&self) -> Self {
        Arc::clone(&self.map).into()
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        Self::key(name).is_some_and(|name| self.map.contains_key(name))
    }

    fn __len__(&self) -> usize {
        self.map.keys_len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.dict(py)?.try_iter()
    }

    fn __richcmp__<'py>(
        &self,
        other: &Bound<'py, PyAny>,
        operation: CompareOp,
        py: Python<'py>,
    ) -> PyResult<Py<PyAny>> {
        let wanted = match operation {
            CompareOp::Eq => true,
            CompareOp::Ne => false,
            _ => return Ok(py.NotImplemented()),
        };
        match from_python(other) {
            Ok(map) => Ok(((*self.map == map) == wanted)
                .into_pyobject(py)?
                .to_owned()
                .into_any()
                .unbind()),
            Err(_) => Ok(py.NotImplemented()),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |name: &HeaderName, value: Cow<'_, str>| -> PyResult<String> {
            let value = if is_secret(name) { "[secure]".into() } else { value };
            Ok(PyString::new(py, &value).repr()?.to_str()?.to_owned())
        };
        let repeats = self.map.keys_len() < self.map.len();
        let mut pairs = Vec::with_capacity(self.map.len());
        for (name, value) in &*self.map {
            let value = shown(name, text(value))?;
            pairs.push(if repeats {
                format!("('{name}', {value})")
            } else {
                format!("'{name}': {value}")
            });
        }
        let pairs = pairs.join(", ");
        Ok(if repeats {
            format!("Headers([{pairs}])")
        } else {
            format!("Headers({{{pairs}}})")
        })
    }

    #[allow(clippy::type_complexity, reason = "it is what pickle wants")]
    fn __getnewargs__<'py>(&self, py: Python<'py>) -> (Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>,) {
        (self.raw(py),)
    }
}

/// Makes `isinstance(headers, Mapping)` true.
pub fn register(py: Python<'_>) -> PyResult<()> {
    imports::mapping_abc(py)?
        .call_method1("register", (py.get_type::<Headers>(),))
        .map(drop)
}

/// The map in `Headers`, a mapping, or a list of pairs; names and values are str or bytes.
pub fn from_python(given: &Bound<'_, PyAny>) -> PyResult<HeaderMap> {
    if let Ok(headers) = given.cast::<Headers>() {
        return Ok((*headers.get().map).clone());
    }
    let mut map = HeaderMap::new();
    if let Ok(dict) = given.cast::<PyDict>() {
        for (name, value) in dict.iter() {
            append(&mut map, &name, &value)?;
        }
        return Ok(map);
    }
    for item in items(given, "headers")? {
        let (name, value) = pair(&item?, "headers")?;
        append(&mut map, &name, &value)?;
    }
    Ok(map)
}

fn append(map: &mut HeaderMap, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let given = octets(name, || "the name of a header".into())?;
    let name = header_name(&given)?;
    let value = octets(value, || format!("the value of header '{name}'"))?;
    let value = header_value(&name, &value)?;
    if map.len() >= MOST {
        let why = format!("there are more than {MOST} headers");
        return Err(Error::new(Kind::LocalProtocol, why).into());
    }
    map.append(name, value);
    Ok(())
}

/// Text as UTF-8, bytes as they are.
fn octets<'a>(object: &'a Bound<'_, PyAny>, what: impl Fn() -> String) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = object.cast::<PyString>() {
        let text = text.to_str().map_err(|_| {
            let why = format!("{} cannot have a lone surrogate in it", what());
            Error::new(Kind::LocalProtocol, why)
        })?;
        Ok(text.as_bytes().into())
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        Ok(bytes.as_bytes().into())
    } else {
        Err(PyTypeError::new_err(format!(
            "{} must be str or bytes, not {}",
            what(),
            type_name(object)
        )))
    }
}

fn header_name(given: &[u8]) -> Result<HeaderName> {
    HeaderName::from_bytes(given).map_err(|_| {
        Error::new(
            Kind::LocalProtocol,
            format!("'{}' is not a valid header name", given.escape_ascii()),
        )
    })
}

/// The value is not shown where it is refused: it may be a secret.
fn header_value(name: &HeaderName, given: &[u8]) -> Result<HeaderValue> {
    let trimmed = given.trim_ascii();
    let mut value = HeaderValue::from_bytes(trimmed).map_err(|_| {
        Error::new(
            Kind::LocalProtocol,
            format!("header '{name}' has a line break or another control character in its value"),
        )
    })?;
    value.set_sensitive(is_secret(name));
    Ok(value)
}

/// LocalProtocol for a Host that is more than a host and a port, or is there twice: in HTTP/2 the rest would
/// become a part of the path, and servers differ in which of two they believe.
pub fn check_host(headers: &HeaderMap) -> Result<()> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(());
    };
    let is_one = |host: &HeaderValue| {
        let authority = Authority::try_from(host.as_bytes());
        let is_host = |authority: Authority| {
            let whole = authority.as_str();
            !whole.contains('@') && (whole.len() == authority.host().len() || authority.port_u16().is_some())
        };
        host.is_empty() || authority.is_ok_and(is_host)
    };
    if is_one(host) && hosts.next().is_none() {
        return Ok(());
    }
    let why = "the header 'host' must be one host, with a port or without";
    Err(Error::new(Kind::LocalProtocol, why))
}

/// Not shown, not kept in exceptions, not sent on to another origin.
pub fn is_secret(name: &HeaderName) -> bool {
    [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name)
}

/// UTF-8 if it is that, else Latin-1, which everything is.
pub fn text(value: &HeaderValue) -> Cow<'_, str> {
    text_of(value.as_bytes())
}

/// The same, of bytes that are not yet, or no longer, a value.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
