//! `aioxide.Cookies`: a jar as Python sees it, a mapping from names to values.
//!
//! Invariant: no Python code runs while the jar is locked: what it needs is copied out first.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyIterator, PyList, PyMapping, PyString, PyTuple, PyType};
use url::Url;

use super::choice::{Filter, place};
use super::cookie::Cookie;
use super::customs::Customs;
use super::given::{Given, read};
use super::jar::Jar;
use super::program::{self, Said};
use super::record::{Record, octets, seconds};
use super::{file, given};
use crate::http::headers::{Headers, text_of};
use crate::http::params::type_name;
use crate::http::target;
use crate::python::paths::{file_path, os_error};
use crate::python::{exceptions, imports};

/// Cookies by RFC 6265bis: a mapping from names to values, which knows where each may be sent.
#[pyclass(frozen, mapping, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Cookies {
    jar: Arc<Jar>,
}

impl From<Arc<Jar>> for Cookies {
    fn from(jar: Arc<Jar>) -> Self {
        Self { jar }
    }
}

impl Cookies {
    pub fn jar(&self) -> &Arc<Jar> {
        &self.jar
    }

    /// The one cookie that is meant, if there is one; CookieConflict if there are several.
    fn one(&self, py: Python<'_>, filter: &Filter<'_>) -> PyResult<Option<Cookie>> {
        let mut found = self.jar.select(|cookie| filter.takes(cookie));
        if found.len() < 2 {
            return Ok(found.pop());
        }
        let places: Vec<String> = found.iter().map(place).collect();
        let why = format!(
            "{} cookies are named '{}', for {}: say which by domain and path",
            found.len(),
            filter.name.unwrap_or("").escape_debug(),
            places.join(", ")
        );
        Err(exceptions::raise(py, "CookieConflict", why, &PyDict::new(py))?)
    }

    fn value<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let Some(text) = key(name) else {
            return Ok(None);
        };
        let cookie = self.one(py, &Filter::named(text))?;
        Ok(cookie.map(|cookie| PyString::new(py, &text_of(&cookie.value))))
    }

    /// Gives the one cookie of that name another value, or makes one for every host.
    fn assign(&self, py: Python<'_>, name: &[u8], value: &[u8]) -> PyResult<()> {
        let mut cookie = match self.one(py, &Filter::named(&text_of(name)))? {
            Some(cookie) => cookie,
            None => Cookie::for_every_host(name, value),
        };
        cookie.value = value.into();
        self.jar.set([cookie]);
        Ok(())
    }

    /// The names, each once, in order.
    fn names(&self) -> Vec<String> {
        let all = self.jar.all();
        let mut seen = HashSet::new();
        let names = all.iter().map(|cookie| text_of(&cookie.name));
        let names = names.filter(|name| seen.insert(name.clone()));
        names.map(Cow::into_owned).collect()
    }
}

#[pymethods]
impl Cookies {
    #[new]
    #[pyo3(signature = (cookies=None, /))]
    fn new(cookies: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let jar = Jar::new();
        if let Some(cookies) = cookies {
            jar.set(read(cookies)?.into_iter().map(Given::into_cookie));
        }
        Ok(Arc::new(jar).into())
    }

    /// Keep a cookie, in place of one with the same name, domain and path.
    #[pyo3(signature = (
        name, value, *, domain="", path="/", secure=false, httponly=false, expires=None, same_site=None,
        host_only=false
    ))]
    #[allow(
        clippy::too_many_arguments,
        reason = "a cookie has as many attributes, and they are keywords"
    )]
    fn set(
        &self,
        name: &str,
        value: &str,
        domain: &str,
        path: &str,
        secure: bool,
        httponly: bool,
        expires: Option<&Bound<'_, PyAny>>,
        same_site: Option<&str>,
        host_only: bool,
    ) -> PyResult<()> {
        program::check_own(name.as_bytes(), value.as_bytes())?;
        let said = Said {
            domain,
            host_only,
            path,
            expires: expires.map_or(Ok(None), seconds)?,
            secure,
            http_only: httponly,
            same_site,
        };
        let cookie = program::cookie(name.as_bytes(), value.as_bytes(), &said)?;
        self.jar.set([cookie]);
        Ok(())
    }

    /// The value of the cookie of that name, or `default`; CookieConflict if there are several.
    #[pyo3(signature = (name, default=None, domain=None, path=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
        domain: Option<&str>,
        path: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let cookie = self.one(py, &Filter::new(Some(name), domain, path)?)?;
        Ok(cookie.map_or(default, |cookie| {
            Some(PyString::new(py, &text_of(&cookie.value)).into_any())
        }))
    }

    /// Remove the cookies of that name; without any, nothing happens.
    #[pyo3(signature = (name, domain=None, path=None))]
    fn delete(&self, name: &str, domain: Option<&str>, path: Option<&str>) -> PyResult<()> {
        let filter = Filter::new(Some(name), domain, path)?;
        self.jar.remove(|cookie| filter.takes(cookie));
        Ok(())
    }

    /// Remove all cookies; or those for one domain, or one path.
    #[pyo3(signature = (domain=None, path=None))]
    fn clear(&self, domain: Option<&str>, path: Option<&str>) -> PyResult<()> {
        let filter = Filter::new(None, domain, path)?;
        self.jar.remove(|cookie| filter.takes(cookie));
        Ok(())
    }

    /// Every cookie, in the order in which they were first set.
    fn all(&self) -> Vec<Record> {
        self.jar.all().into_iter().map(Record::from).collect()
    }

    /// Each name and value, repeated names repeated.
    fn multi_items(&self) -> Vec<(String, String)> {
        let all = self.jar.all();
        let pair = |cookie: &Cookie| {
            (
                text_of(&cookie.name).into_owned(),
                text_of(&cookie.value).into_owned(),
            )
        };
        all.iter().map(pair).collect()
    }

    /// Take over the cookies of a mapping, pairs, or another jar.
    #[pyo3(signature = (cookies, /))]
    fn update(&self, py: Python<'_>, cookies: &Bound<'_, PyAny>) -> PyResult<()> {
        for given in read(cookies)? {
            match given {
                Given::Pair(name, value) => self.assign(py, &name, &value)?,
                Given::Whole(cookie) => self.jar.set([cookie]),
            }
        }
        Ok(())
    }

    /// The value of the Cookie header of a request to `url`; None if no cookie is for it.
    fn header_for(&self, url: &str) -> PyResult<Option<String>> {
        let value = self.jar.header(&parsed(url)?);
        Ok(value.map(|value| text_of(value.as_bytes()).into_owned()))
    }

    /// Keep what a response from `url` sets: `Headers`, or the values of its Set-Cookie headers.
    fn extract(&self, url: &str, set_cookie_headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let url = parsed(url)?;
        let given = set_cookie_headers;
        let values: Vec<Bound<'_, PyAny>> = if given.is_instance_of::<Headers>() {
            given.call_method1("get_list", ("set-cookie",))?.extract()?
        } else if given.is_instance_of::<PyString>() || given.is_instance_of::<PyBytes>() {
            vec![given.clone()]
        } else {
            let values = given.try_iter().map_err(|_| {
                PyTypeError::new_err(format!(
                    "set_cookie_headers must be Headers or a list of str, not {}",
                    type_name(given)
                ))
            })?;
            values.collect::<PyResult<_>>()?
        };
        let values = values.iter();
        let values: Vec<Cow<'_, [u8]>> = values
            .map(|value| octets(value, || "a Set-Cookie header".into()))
            .collect::<PyResult<_>>()?;
        self.jar.store_values(&url, values.iter().map(AsRef::as_ref));
        Ok(())
    }

    /// Write a cookies.txt, which curl, wget and yt-dlp read.
    #[pyo3(signature = (path, *, session=true))]
    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>, session: bool) -> PyResult<()> {
        let path = file_path(path)?;
        let jar = &self.jar;
        py.detach(|| file::write(&path, &file::format(&jar.all(), session)))
            .map_err(|error| os_error(py, &error, path))
    }

    /// The cookies of a cookies.txt.
    #[staticmethod]
    fn load(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let path = file_path(path)?;
        let text = py
            .detach(|| std::fs::read(&path))
            .map_err(|error| os_error(py, &error, path.clone()))?;
        let cookies = file::parse(&text)
            .map_err(|error| PyValueError::new_err(format!("{}, {error}", path.display())))?;
        let jar = Jar::new();
        jar.set(cookies);
        Ok(Arc::new(jar).into())
    }

    /// Another jar with the same cookies.
    fn copy(&self) -> Self {
        let jar = Jar::new();
        jar.set(self.jar.all());
        Arc::new(jar).into()
    }

    /// The names.
    fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::keys_view(slf.py())?.call1((slf,))
    }

    /// The value of each name.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::values_view(slf.py())?.call1((slf,))
    }

    /// Each name with its value.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        imports::items_view(slf.py())?.call1((slf,))
    }

    /// Remove the cookie of that name and return its value; without one, `default` or KeyError.
    #[pyo3(signature = (name, *default), text_signature = "($self, name, default=..., /)")]
    fn pop<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if default.len() > 1 {
            return Err(PyTypeError::new_err("pop() takes a name and one default"));
        }
        match self.value(py, name)? {
            Some(value) => {
                self.__delitem__(name)?;
                Ok(value.into_any())
            }
            None => default
                .get_item(0)
                .map_err(|_| PyKeyError::new_err(name.clone().unbind())),
        }
    }

    /// Remove the cookie that was set last and return its name and value; KeyError if there is none.
    fn popitem(&self) -> PyResult<(String, String)> {
        let Some(cookie) = self.jar.all().pop() else {
            return Err(PyKeyError::new_err("there are no cookies"));
        };
        self.jar.remove(|other| other.replaces(&cookie));
        Ok((
            text_of(&cookie.name).into_owned(),
            text_of(&cookie.value).into_owned(),
        ))
    }

    /// The value of the cookie of that name; `default`, which is set first, if there is none.
    #[pyo3(signature = (name, default="", /))]
    fn setdefault<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        default: &str,
    ) -> PyResult<Bound<'py, PyString>> {
        if let Some(value) = self.value(py, name)? {
            return Ok(value);
        }
        let value = PyString::new(py, default);
        self.__setitem__(py, name, value.as_any())?;
        Ok(value)
    }

    fn __getitem__<'py>(&self, py: Python<'py>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let value = self.value(py, name)?;
        value.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))
    }

    fn __setitem__(&self, py: Python<'_>, name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match given::named(name, value)? {
            Given::Pair(name, value) => self.assign(py, &name, &value),
            Given::Whole(cookie) => {
                self.jar.set([cookie]);
                Ok(())
            }
        }
    }

    fn __delitem__(&self, name: &Bound<'_, PyAny>) -> PyResult<()> {
        let removed = key(name).map_or(0, |text| {
            let filter = Filter::named(text);
            self.jar.remove(|cookie| filter.takes(cookie))
        });
        if removed == 0 {
            return Err(PyKeyError::new_err(name.clone().unbind()));
        }
        Ok(())
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        key(name).is_some_and(|name| {
            let filter = Filter::named(name);
            !self.jar.select(|cookie| filter.takes(cookie)).is_empty()
        })
    }

    fn __len__(&self) -> usize {
        self.names().len()
    }

    fn __bool__(&self) -> bool {
        !self.jar.select(|_| true).is_empty()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.names())?.try_iter()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, operation: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let wanted = match operation {
            CompareOp::Eq => true,
            CompareOp::Ne => false,
            _ => return Ok(py.NotImplemented()),
        };
        let equal = if let Ok(other) = other.cast::<Self>() {
            same(&self.jar.all(), &other.get().jar.all())
        } else if let Ok(other) = other.cast::<PyMapping>() {
            let ours = self.multi_items();
            // A name that repeats is in no mapping.
            ours.len() == other.len()? && ours.into_py_dict(py)?.eq(other)?
        } else {
            return Ok(py.NotImplemented());
        };
        Ok((equal == wanted)
            .into_pyobject(py)?
            .to_owned()
            .into_any()
            .unbind())
    }

    fn __repr__(&self) -> String {
        /// A jar may have thousands.
        const SHOWN: usize = 20;
        let all = self.jar.all();
        let shown = all.iter().take(SHOWN);
        let mut shown: Vec<String> = shown
            .map(|cookie| format!("'{}' for {}", text_of(&cookie.name).escape_debug(), place(cookie)))
            .collect();
        if all.len() > SHOWN {
            shown.push(format!("and {} more", all.len() - SHOWN));
        }
        format!(
            "<Cookies: {}>",
            if shown.is_empty() {
                "none".into()
            } else {
                shown.join(", ")
            }
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyType>, (Vec<Record>,)) {
        (slf.get_type(), (slf.get().all(),))
    }
}

/// A jar with aiohttp's customs, see [`Customs`]; `trusted` are URLs.
#[pyfunction]
pub fn cookies_as_aiohttp(addresses: bool, quoted: bool, trusted: Vec<String>) -> PyResult<Cookies> {
    let trusted = trusted.iter().map(|url| parsed(url)).collect::<PyResult<_>>()?;
    let customs = Customs {
        addresses,
        quoted,
        trusted,
    };
    Ok(Arc::new(Jar::with_customs(customs)).into())
}

/// Makes `isinstance(cookies, MutableMapping)` true.
pub fn register(py: Python<'_>) -> PyResult<()> {
    imports::mutable_mapping_abc(py)?
        .call_method1("register", (py.get_type::<Cookies>(),))
        .map(drop)
}

fn key<'a>(name: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    name.cast::<PyString>().ok().and_then(|name| name.to_str().ok())
}

/// Whether both have the same cookies, in whatever order.
fn same(ours: &[Cookie], theirs: &[Cookie]) -> bool {
    let ours: HashSet<&Cookie> = ours.iter().collect();
    ours.len() == theirs.len() && theirs.iter().all(|cookie| ours.contains(cookie))
}

fn parsed(url: &str) -> PyResult<Url> {
    Ok(target::parse(url, None)?.url)
}
