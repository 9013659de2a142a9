//! A response: brought from tokio as plain data, made into Python objects one attribute at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::{HeaderMap, StatusCode, Version};
use jiter::{FloatMode, PartialMode, PythonParse, StringCacheMode};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::body::{Body, Content};
use super::headers::{self, Headers};
use super::pool::heard::Names;
use super::redirect;
use super::request::{Outgoing, Request};
use super::text::Charset;
use super::upload::left::Upload;
use super::{links, text};
use crate::net::stream::Ends;
use crate::net::trace::Tracing;
use crate::python::{exceptions, imports};

/// How many characters of a body an exception shows, and from how many bytes.
const SHOWN: usize = 200;
const SHOWN_FROM: usize = 4 * SHOWN;

/// What a finished exchange brings to the loop thread.
#[derive(Debug)]
pub struct Parts {
    pub status: StatusCode,
    pub version: Version,
    pub headers: Arc<HeaderMap>,
    /// The names as the server wrote them, where somebody wants to know.
    pub names: Option<Names>,
    /// Only where it is not the usual one.
    pub reason: Option<String>,
    pub content: Content,
    /// How long the body was as it came, in bytes.
    pub received: AtomicU64,
    /// From the first step to the last byte.
    pub elapsed: Duration,
    pub origin: Origin,
    pub ends: Ends,
    /// How often the request was sent, with those that were tried again.
    pub attempts: u32,
    /// The redirects that led here.
    pub history: Vec<Parts>,
    pub tracing: Tracing,
}

/// Where a response is from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The request it answers: after redirects, the last.
    Sent(Arc<Outgoing>),
    /// It was made by hand, with this URL.
    Made(String),
}

/// The answer to a request, with its whole body, or with one that is read as it comes.
#[pyclass(frozen, weakref, module = "aioxide")]
pub struct Response {
    pub parts: Box<Parts>,
    headers: PyOnceLock<Py<Headers>>,
    request: PyOnceLock<Option<Py<Request>>>,
    /// The encoding that the program has chosen, in place of what the body says of itself.
    chosen: Mutex<Option<Charset>>,
    /// Made when it is asked for, and anew when another encoding is chosen.
    text: Mutex<Option<Py<PyString>>>,
    pub(super) history: PyOnceLock<Vec<Py<Response>>>,
    /// What still feeds the request.
    pub(super) upload: PyOnceLock<Upload>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl From<Box<Parts>> for Response {
    fn from(parts: Box<Parts>) -> Self {
        Self {
            parts,
            headers: PyOnceLock::new(),
            request: PyOnceLock::new(),
            chosen: Mutex::new(None),
            text: Mutex::new(None),
            history: PyOnceLock::new(),
            upload: PyOnceLock::new(),
        }
    }
}

impl Response {
    fn reason(&self) -> &str {
        match &self.parts.reason {
            Some(reason) => reason,
            None => self.parts.status.canonical_reason().unwrap_or(""),
        }
    }

    /// The encoding that the program has chosen.
    pub(super) fn chosen(&self) -> Option<Charset> {
        *self.chosen.lock()
    }

    fn encoding_of(&self, body: &[u8]) -> Charset {
        let chosen = self.chosen();
        chosen.unwrap_or_else(|| text::encoding(&self.parts.headers, body, self.url()))
    }

    /// The HTTPStatusError that says what the server said.
    pub fn status_error(slf: &Bound<'_, Self>) -> PyResult<PyErr> {
        let this = slf.get();
        let py = slf.py();
        let mut message = format!("{} {}", this.status(), this.reason());
        let request = this.request(py)?;
        if let Some(request) = &request {
            message = format!("{message} for {} {}", request.get().method(), this.url());
        }
        let beginning = this.beginning(py)?;
        if !beginning.is_empty() {
            message = format!("{message}: {beginning}");
        }
        let details = PyDict::new(py);
        details.set_item("request", request)?;
        details.set_item("response", slf)?;
        exceptions::raise(py, "HTTPStatusError", message, &details)
    }

    /// The beginning of the body on one line, for messages; empty where it is no text.
    fn beginning(&self, py: Python<'_>) -> PyResult<String> {
        if let Some(stream) = self.parts.content.stream() {
            return Ok(self.shown(&stream.beginning()));
        }
        self.parts.content.read(py, |body| self.shown(body))
    }

    fn shown(&self, body: &[u8]) -> String {
        let start = body.get(..SHOWN_FROM).unwrap_or(body);
        if start.contains(&0) {
            return String::new();
        }
        let text = self.encoding_of(body).decode(start);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = words.chars().take(SHOWN).collect();
        if shown.len() < words.len() || start.len() < body.len() {
            shown.push_str("...");
        }
        shown
    }
}

#[pymethods]
impl Response {
    #[new]
    #[pyo3(signature = (
        status_code, *, headers=None, content=None, url="", http_version="HTTP/1.1", reason_phrase=None,
        elapsed=None, request=None, history=None, encoding=None
    ))]
    #[allow(
        clippy::too_many_arguments,
        reason = "all keywords, as many as a response has parts"
    )]
    fn new(
        py: Python<'_>,
        status_code: u16,
        headers: Option<&Bound<'_, PyAny>>,
        content: Option<&Bound<'_, PyBytes>>,
        url: &str,
        http_version: &str,
        reason_phrase: Option<String>,
        elapsed: Option<Duration>,
        request: Option<Py<Request>>,
        history: Option<Vec<Py<Self>>>,
        encoding: Option<&str>,
    ) -> PyResult<Self> {
        let status = StatusCode::from_u16(status_code)
            .map_err(|_| PyValueError::new_err(format!("{status_code} is not an HTTP status")))?;
        let version = VERSIONS
            .iter()
            .find(|(_, name)| *name == http_version)
            .map(|(version, _)| *version)
            .ok_or_else(|| PyValueError::new_err(format!("no HTTP version {http_version:?}")))?;
        let map = headers.map_or_else(|| Ok(HeaderMap::new()), headers::from_python)?;
        let empty = PyBytes::new(py, b"");
        let response = Self::from(Box::new(Parts {
            status,
            version,
            headers: Arc::new(map),
            names: None,
            reason: reason_phrase,
            content: Body::Python(content.unwrap_or(&empty).clone().unbind()).into(),
            elapsed: elapsed.unwrap_or_default(),
            origin: Origin::Made(url.to_owned()),
            received: AtomicU64::new(0),
            ends: Ends::default(),
            attempts: 1,
            history: Vec::new(),
            tracing: None,
        }));
        let _new = response.request.set(py, request);
        let _new = response.history.set(py, history.unwrap_or_default());
        response.set_encoding(py, encoding)?;
        Ok(response)
    }

    #[getter]
    fn status_code(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// The same as `status_code`, by aiohttp's name.
    #[getter]
    fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// What the server said beside the number; with HTTP/2, where it says nothing, the usual words.
    #[getter]
    fn reason_phrase(&self) -> &str {
        self.reason()
    }

    /// Whether the status is below 400.
    #[getter]
    fn ok(&self) -> bool {
        self.parts.status.as_u16() < 400
    }

    /// Whether the status is 2xx.
    #[getter]
    fn is_success(&self) -> bool {
        self.parts.status.is_success()
    }

    /// Whether the status is 3xx.
    #[getter]
    fn is_redirect(&self) -> bool {
        self.parts.status.is_redirection()
    }

    /// Whether the status is 4xx.
    #[getter]
    fn is_client_error(&self) -> bool {
        self.parts.status.is_client_error()
    }

    /// Whether the status is 5xx.
    #[getter]
    fn is_server_error(&self) -> bool {
        self.parts.status.is_server_error()
    }

    /// Whether the status is 4xx or 5xx.
    #[getter]
    fn is_error(&self) -> bool {
        self.is_client_error() || self.is_server_error()
    }

    /// Whether the status is 1xx.
    #[getter]
    fn is_informational(&self) -> bool {
        self.parts.status.is_informational()
    }

    /// Whether this is a redirect that says where to.
    #[getter]
    fn has_redirect_location(&self) -> bool {
        redirect::leads(self.parts.status) && redirect::named(&self.parts.headers).is_some()
    }

    /// What httpx has under these names: `http_version` and `reason_phrase`, as bytes.
    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extensions = PyDict::new(py);
        let version = self.http_version().as_bytes();
        extensions.set_item("http_version", PyBytes::new(py, version))?;
        // Later versions have none.
        if self.parts.version <= Version::HTTP_11 {
            extensions.set_item("reason_phrase", PyBytes::new(py, self.reason().as_bytes()))?;
        }
        Ok(extensions)
    }

    #[getter]
    fn headers(&self, py: Python<'_>) -> PyResult<Py<Headers>> {
        self.headers
            .get_or_try_init(py, || Py::new(py, Headers::from(Arc::clone(&self.parts.headers))))
            .map(|headers| headers.clone_ref(py))
    }

    /// Where the response came from, after redirects; without credentials.
    #[getter]
    pub fn url(&self) -> &str {
        match &self.parts.origin {
            Origin::Sent(sent) => sent.url.as_str(),
            Origin::Made(url) => url,
        }
    }

    /// "HTTP/1.1", "HTTP/2".
    #[getter]
    fn http_version(&self) -> &'static str {
        version_name(self.parts.version)
    }

    /// The body, decoded by `Content-Encoding`.
    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.parts.content.bytes(py)
    }

    /// The body as text, by its byte order mark, `Content-Type`, what the document says of itself, or a guess;
    /// bytes that are no text become U+FFFD.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<Py<PyString>> {
        if let Some(text) = &*self.text.lock() {
            return Ok(text.clone_ref(py));
        }
        let text = self.parts.content.read(py, |body| {
            PyString::new(py, &self.encoding_of(body).decode(body)).unbind()
        })?;
        Ok(self.text.lock().get_or_insert(text).clone_ref(py))
    }

    /// The encoding of `text`, in lower case, by a name that Python knows.
    #[getter]
    fn encoding(&self, py: Python<'_>) -> PyResult<String> {
        let encoding = match self.chosen() {
            Some(chosen) => chosen,
            None => self.parts.content.read(py, |body| self.encoding_of(body))?,
        };
        Ok(text::python_name(encoding.name()))
    }

    /// Chooses the encoding of `text`; None: what the body and the headers say. LookupError for one that is
    /// not known.
    #[setter]
    fn set_encoding(&self, py: Python<'_>, label: Option<&str>) -> PyResult<()> {
        let chosen = label.map(|label| text::named(py, label)).transpose()?;
        *self.chosen.lock() = chosen;
        // Not dropped under the lock.
        let before = self.text.lock().take();
        drop(before);
        Ok(())
    }

    /// The charset that `Content-Type` names, in lower case.
    #[getter]
    fn charset(&self) -> Option<String> {
        text::charset(&self.parts.headers)
    }

    /// The links of the `Link` headers (RFC 8288), by relation type in lower case.
    #[getter]
    fn links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        links::to_python(py, &self.parts.headers)
    }

    /// The body as JSON.
    ///
    /// What is good is parsed in Rust. What is not goes to `json.loads`, which says what is wrong with
    /// it, or reads it after all: it knows UTF-16, single surrogates and any depth.
    #[pyo3(signature = (**kwargs))]
    fn json<'py>(&self, py: Python<'py>, kwargs: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        if kwargs.is_none() {
            let parse = PythonParse {
                allow_inf_nan: true,
                cache_mode: StringCacheMode::All,
                partial_mode: PartialMode::Off,
                catch_duplicate_keys: false,
                float_mode: FloatMode::Float,
            };
            let parsed = self.parts.content.read(py, |body| parse.python_parse(py, body))?;
            if let Ok(value) = parsed {
                return Ok(value);
            }
        }
        imports::json_loads(py)?.call((self.content(py)?,), kwargs)
    }

    /// The time from the start of the request to the last byte of the body; to its head, where the body is read
    /// as it comes.
    #[getter]
    fn elapsed(&self) -> Duration {
        self.parts.elapsed
    }

    /// The request that this answers: after redirects, the last.
    #[getter]
    fn request(&self, py: Python<'_>) -> PyResult<Option<Py<Request>>> {
        let request = self.request.get_or_try_init(py, || match &self.parts.origin {
            Origin::Sent(sent) => Request::of(py, sent).map(Some),
            Origin::Made(_) => Ok(None),
        })?;
        Ok(request.as_ref().map(|request| request.clone_ref(py)))
    }

    /// Raises HTTPStatusError if the status is 400 or above; returns the response itself if not.
    fn raise_for_status<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let this = slf.get();
        if this.ok() {
            return Ok(slf.clone());
        }
        Err(Self::status_error(slf)?)
    }

    fn __repr__(&self) -> String {
        let reason = self.reason();
        let space = if reason.is_empty() { "" } else { " " };
        format!("<Response [{}{space}{reason}]>", self.status())
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((u16,), Bound<'py, PyDict>)> {
        let parts = PyDict::new(py);
        parts.set_item("headers", self.headers(py)?)?;
        parts.set_item("content", self.content(py)?)?;
        parts.set_item("url", self.url())?;
        parts.set_item("http_version", self.http_version())?;
        parts.set_item("reason_phrase", &self.parts.reason)?;
        parts.set_item("elapsed", self.parts.elapsed)?;
        parts.set_item("request", self.request(py)?)?;
        parts.set_item("history", self.history(py)?)?;
        let chosen = self.chosen().map(|chosen| text::python_name(chosen.name()));
        parts.set_item("encoding", chosen)?;
        Ok(((self.status(),), parts))
    }
}

const VERSIONS: [(Version, &str); 5] = [
    (Version::HTTP_11, "HTTP/1.1"),
    (Version::HTTP_2, "HTTP/2"),
    (Version::HTTP_10, "HTTP/1.0"),
    (Version::HTTP_3, "HTTP/3"),
    (Version::HTTP_09, "HTTP/0.9"),
];

pub fn version_name(version: Version) -> &'static str {
    VERSIONS
        .iter()
        .find(|(known, _)| *known == version)
        .map_or("HTTP/1.1", |(_, name)| name)
}
