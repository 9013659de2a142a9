//! The keyword arguments of a request, as far as they need no Python in the course of it.
//!
//! What most programs say is read here. Whatever is rarer, or wrong, is None: `_request` says all of it, and raises
//! where aiohttp does, which is when the request is awaited.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString};

use super::connections::{limits, seconds};
use crate::http::params;
use crate::http::plan::Via;
use crate::http::timeout::Limits;
use crate::net::{headers, via};

/// What a call says.
#[derive(Debug)]
pub struct Call<'py> {
    pub headers: HeaderMap,
    pub params: Option<Bound<'py, PyAny>>,
    pub body: Option<Bytes>,
    /// A value to be made JSON of, once, when the request begins: that may be seen from outside.
    pub json: Option<Bound<'py, PyAny>>,
    /// What the body is, where no header says it.
    pub content_type: Option<&'static str>,
    /// None: the session's.
    pub limits: Option<Limits>,
    pub follow: bool,
    pub most_redirects: usize,
    pub raise_for_status: Option<bool>,
    /// What is asked of certificates, where it is not what the connector asks.
    pub ssl: Option<Bound<'py, PyAny>>,
    pub via: Option<Via>,
    pub cookies: Option<HeaderValue>,
}

/// As many as aiohttp follows.
const MOST_REDIRECTS: usize = 10;

impl<'py> Call<'py> {
    /// None: it is for `_request`.
    pub fn read(kwargs: Option<&Bound<'py, PyDict>>, follow: bool) -> PyResult<Option<Self>> {
        let mut call = Self {
            headers: HeaderMap::new(),
            params: None,
            body: None,
            json: None,
            content_type: None,
            limits: None,
            follow,
            most_redirects: MOST_REDIRECTS,
            raise_for_status: None,
            ssl: None,
            via: None,
            cookies: None,
        };
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            if !call.set(name.cast::<PyString>()?.to_str()?, value)? {
                return Ok(None);
            }
        }
        let said = |name| call.headers.contains_key(name);
        if said(CONTENT_LENGTH) || said(TRANSFER_ENCODING) {
            return Ok(None);
        }
        Ok(Some(call))
    }

    /// False: it is for `_request`.
    fn set(&mut self, name: &str, value: Bound<'py, PyAny>) -> PyResult<bool> {
        match name {
            "timeout" => return self.set_timeout(&value),
            _ if value.is_none() => return Ok(is_known(name)),
            "headers" => self.headers = headers::from_python(&value)?,
            "params" => self.params = Some(value),
            "allow_redirects" => self.follow = value.is_truthy()?,
            "max_redirects" => self.most_redirects = value.extract()?,
            "raise_for_status" => match value.cast::<PyBool>() {
                Ok(flag) => self.raise_for_status = Some(flag.is_true()),
                Err(_) => return Ok(false),
            },
            "json" if self.body.is_none() => {
                self.json = Some(value);
                self.content_type = Some("application/json");
            }
            "data" if self.json.is_none() => {
                if let Ok(bytes) = value.cast_exact::<PyBytes>() {
                    self.body = Some(Bytes::copy_from_slice(bytes.as_bytes()));
                    self.content_type = Some("application/octet-stream");
                } else if let Ok(text) = value.cast_exact::<PyString>() {
                    self.body = Some(Bytes::copy_from_slice(text.to_str()?.as_bytes()));
                    self.content_type = Some("text/plain; charset=utf-8");
                } else if let Some(form) = form(&value)? {
                    self.body = Some(form.into());
                    self.content_type = Some("application/x-www-form-urlencoded");
                } else {
                    return Ok(false);
                }
            }
            "cookies" => {
                self.cookies = plain_cookies(&value)?;
                return Ok(self.cookies.is_some());
            }
            "proxy" => {
                let text = value.str()?;
                // What has no scheme is no URL to aiohttp, and an empty one no proxy.
                if !text.to_str()?.contains("://") || !value.is_truthy()? {
                    return Ok(false);
                }
                self.via = Some(via::via(text.as_any())?);
            }
            "ssl" if value.cast::<PyBool>().is_ok_and(|flag| flag.is_true()) => {}
            "ssl" => self.ssl = Some(value),
            // What these are unless one says otherwise.
            "read_until_eof" => return Ok(value.cast::<PyBool>().is_ok_and(|flag| flag.is_true())),
            "expect100" => return Ok(value.cast::<PyBool>().is_ok_and(|flag| !flag.is_true())),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_timeout(&mut self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
        let limits = if value.is_none() {
            Limits::default()
        } else if number {
            Limits {
                total: seconds(value)?,
                ..Limits::default()
            }
        } else if value.hasattr(pyo3::intern!(value.py(), "sock_read"))? {
            limits(value)?
        } else {
            // aiohttp has an object that says: as the session.
            return Ok(false);
        };
        self.limits = Some(limits);
        Ok(true)
    }

    /// What of the body the headers say, in aiohttp's order: its length, where there might be one; and its type, which
    /// methods that usually have a body say in any case. The length of what is still to be made is said when it is.
    pub fn say_what_is_sent(&self, method: &Method, headers: &mut HeaderMap) {
        let length = self.body.as_ref().map(Bytes::len);
        let length = length.or(self.json.as_ref().map(|_| 0));
        let expects_none = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method);
        match length {
            None if expects_none => {}
            None | Some(0) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"))),
            Some(length) => drop(headers.entry(CONTENT_LENGTH).or_insert(length.into())),
        }
        let usual = [Method::POST, Method::PUT, Method::PATCH].contains(method);
        let usual = usual.then_some("application/octet-stream");
        if let Some(content_type) = self.content_type.or(usual) {
            let content_type = HeaderValue::from_static(content_type);
            headers.entry(CONTENT_TYPE).or_insert(content_type);
        }
    }

    /// How many redirects may lie between the request and the answer; None: the first redirect is the answer. As
    /// aiohttp counts, the last that is allowed is an error already, and zero is no limit.
    pub fn redirects(&self) -> Option<usize> {
        let most = self.most_redirects.checked_sub(1).unwrap_or(usize::MAX);
        self.follow.then_some(most)
    }
}

/// The keyword arguments for which None is the same as not given.
fn is_known(name: &str) -> bool {
    [
        "headers",
        "params",
        "json",
        "data",
        "raise_for_status",
        "cookies",
        "auth",
        "proxy",
        "proxy_auth",
        "proxy_headers",
        "compress",
        "chunked",
        "skip_auto_headers",
        "server_hostname",
        "trace_request_ctx",
        "middlewares",
        "upload_tracker",
        "read_bufsize",
        "auto_decompress",
        "max_line_size",
        "max_field_size",
        "max_headers",
    ]
    .contains(&name)
}

/// The fields of a dict of texts, encoded; None for anything else, which may be a form with files.
fn form(given: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let plain = given.cast_exact::<PyDict>().is_ok_and(|dict| {
        !dict.is_empty()
            && dict
                .values()
                .iter()
                .all(|value| value.is_exact_instance_of::<PyString>())
    });
    plain.then(|| params::form(given, "data")).transpose()
}

/// The cookies in a dict of texts that need no quotes; None for anything else.
fn plain_cookies(given: &Bound<'_, PyAny>) -> PyResult<Option<HeaderValue>> {
    let Ok(dict) = given.cast_exact::<PyDict>() else {
        return Ok(None);
    };
    let mut joined = String::new();
    for (name, value) in dict {
        let (Ok(name), Ok(value)) = (name.cast_exact::<PyString>(), value.cast_exact::<PyString>()) else {
            return Ok(None);
        };
        let (name, value) = (name.to_str()?, value.to_str()?);
        // One that is empty is written as `""`.
        if name.is_empty() || value.is_empty() || !name.bytes().chain(value.bytes()).all(needs_no_quotes) {
            return Ok(None);
        }
        if !joined.is_empty() {
            joined.push_str("; ");
        }
        joined.push_str(name);
        joined.push('=');
        joined.push_str(value);
    }
    Ok(HeaderValue::try_from(joined)
        .ok()
        .filter(|value| !value.is_empty()))
}

/// What `http.cookies` leaves as it is in a value.
fn needs_no_quotes(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#%&'*+-.^_`|~:".contains(&byte)
}

/// What yarl would leave as it is, so that it need not be asked: no escapes, nothing to escape, no fragment, no
/// credentials, and a scheme.
pub fn is_plain(url: &str) -> bool {
    let begins = url.starts_with("http://") || url.starts_with("https://");
    begins
        // yarl drops what asks for nothing.
        && !url.ends_with('?')
        && url.bytes().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'&' | b'=' | b','
                )
        })
}
