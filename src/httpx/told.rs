//! What an `httpx.Request` says, read and checked.

use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::{Error, Kind};
use crate::http::headers;
use crate::http::options::server_name;
use crate::http::request::{self, Outgoing};
use crate::http::timeout::Limits;
use crate::http::upload::content::source;
use crate::http::upload::feeding::Feeds;
use crate::http::upload::streamed::{Source, Streamed};
use crate::http::upload::{Payload, framing};
use crate::net::target;

/// A request, and how it is to be made.
#[derive(Debug)]
pub struct Told {
    pub outgoing: Outgoing,
    pub feeds: Feeds,
    pub limits: Limits,
    /// The name that the certificate must be for, where it is not the host's.
    pub server_name: Option<Box<str>>,
}

impl Told {
    /// `body`: the bytes, or an iterator, in place of the request's stream.
    pub fn by(request: &Bound<'_, PyAny>, body: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = request.py();
        let method = request::method(&request.getattr(intern!(py, "method"))?)?;
        let extensions = request.getattr(intern!(py, "extensions"))?;
        let mut told = Extensions::default();
        if let Ok(extensions) = extensions.cast::<PyDict>() {
            told = Extensions::of(extensions)?;
        }
        let (url, asked) = url(&request.getattr(intern!(py, "url"))?, told.target)?;
        let raw = request
            .getattr(intern!(py, "headers"))?
            .getattr(intern!(py, "raw"))?;
        let mut headers = headers::from_python(&raw)?;
        headers::check_host(&headers)?;
        let mut feeds = Feeds::default();
        let body = payload(body, &mut headers, &mut feeds)?;
        let body = framing::agree(&method, &mut headers, body)?;
        Ok(Self {
            outgoing: Outgoing {
                method,
                url,
                target: asked,
                headers,
                body,
            },
            feeds,
            limits: told.limits,
            server_name: told.server_name,
        })
    }
}

/// What is said beside the request itself: <https://www.python-httpx.org/advanced/extensions/>.
#[derive(Debug, Default)]
struct Extensions<'py> {
    limits: Limits,
    server_name: Option<Box<str>>,
    /// What is asked for in place of the URL's path and query.
    target: Option<Bound<'py, PyAny>>,
}

impl<'py> Extensions<'py> {
    fn of(extensions: &Bound<'py, PyDict>) -> PyResult<Self> {
        let py = extensions.py();
        let given = |name| {
            let value = extensions.get_item(name);
            value.map(|value: Option<Bound<'py, PyAny>>| value.filter(|value| !value.is_none()))
        };
        let mut limits = Limits::default();
        if let Some(timeout) = given(intern!(py, "timeout"))? {
            limits = phases(&timeout)?;
        }
        let name = given(intern!(py, "sni_hostname"))?;
        Ok(Self {
            limits,
            server_name: name.map(|name| server_name(&name)).transpose()?,
            target: given(intern!(py, "target"))?,
        })
    }
}

/// The limits of `Timeout.as_dict()`, one for each phase.
fn phases(timeout: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let py = timeout.py();
    let Ok(timeout) = timeout.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(
            "the extension timeout must be a dict of phases and seconds",
        ));
    };
    let phase = |name: &Bound<'_, _>| -> PyResult<Option<Duration>> {
        match timeout.get_item(name)? {
            Some(limit) if !limit.is_none() => seconds(limit.extract()?),
            _ => Ok(None),
        }
    };
    Ok(Limits {
        total: None,
        connect: phase(intern!(py, "connect"))?,
        read: phase(intern!(py, "read"))?,
        write: phase(intern!(py, "write"))?,
        pool: phase(intern!(py, "pool"))?,
        acquire: None,
    })
}

/// Zero is a limit, too: what cannot be had at once is too late.
fn seconds(limit: f64) -> PyResult<Option<Duration>> {
    if limit.is_nan() {
        return Err(PyValueError::new_err("a timeout must be a number of seconds"));
    }
    let least = Duration::from_nanos(1);
    match Duration::try_from_secs_f64(limit.max(0.0)) {
        Ok(limit) if limit < LONGEST => Ok(Some(limit.max(least))),
        // For ever.
        _ => Ok(None),
    }
}

/// No longer than a century: timers overflow beyond.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The URL, and what is asked for where that is not its path and query as they are written there.
fn url(url: &Bound<'_, PyAny>, target: Option<Bound<'_, PyAny>>) -> PyResult<(url::Url, Option<Box<str>>)> {
    let py = url.py();
    let scheme = url.getattr(intern!(py, "raw_scheme"))?;
    let scheme = text(&scheme)?;
    if !["http", "https"].contains(&scheme) {
        let why = match scheme {
            "" => "Request URL is missing an 'http://' or 'https://' protocol.".to_owned(),
            other => format!("Request URL has an unsupported protocol '{other}://'."),
        };
        return Err(Error::new(Kind::UnsupportedProtocol, why).into());
    }
    let host = url.getattr(intern!(py, "raw_host"))?;
    let host = text(&host)?;
    let port: Option<u16> = url.getattr(intern!(py, "port"))?.extract()?;
    let path = url.getattr(intern!(py, "raw_path"))?;
    let path = text(&path)?;
    let mut whole = String::with_capacity(scheme.len() + host.len() + path.len() + 16);
    whole.push_str(scheme);
    whole.push_str("://");
    let bare_ipv6 = host.contains(':') && !host.starts_with('[');
    if bare_ipv6 {
        whole.push('[');
    }
    whole.push_str(host);
    if bare_ipv6 {
        whole.push(']');
    }
    if let Some(port) = port {
        whole.push(':');
        whole.push_str(&port.to_string());
    }
    whole.push_str(path);
    let url = target::parse(&whole, None)?.url;
    let asked = match &target {
        Some(target) => text(target)?,
        None => path,
    };
    let same = &url[url::Position::BeforePath..url::Position::AfterQuery] == asked;
    let asked = (!same).then(|| asked.into());
    Ok((url, asked))
}

/// The text in bytes: URLs are ASCII.
fn text<'a>(bytes: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    let bytes = bytes.cast::<PyBytes>()?.as_bytes();
    std::str::from_utf8(bytes).map_err(|_| {
        let why = "a part of the URL is neither ASCII nor UTF-8";
        Error::new(Kind::LocalProtocol, why).into()
    })
}

/// What is sent: the bytes, or what gives them.
fn payload(body: &Bound<'_, PyAny>, headers: &mut HeaderMap, feeds: &mut Feeds) -> PyResult<Payload> {
    let payload = match source(body, "content", feeds)? {
        Source::Bytes(bytes) if bytes.is_empty() => Payload::Nothing,
        Source::Bytes(bytes) => Payload::Whole(bytes),
        source => return Ok(Payload::Streamed(Streamed::new(vec![source]).into())),
    };
    if !headers.contains_key(CONTENT_LENGTH) {
        // It need not be sent in chunks: its length is known.
        headers.remove(TRANSFER_ENCODING);
    }
    Ok(payload)
}
