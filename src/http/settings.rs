//! What a client is told when it is made, checked then, and the reqwest client that comes of it.

use std::env;

use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyString};
use url::Url;

use super::decode::ACCEPTED;
use super::headers;
use super::options::flag;
use super::params::{Query, type_name};
use super::target;
use super::timeout::{self, Limits};
use crate::error::{Error, Kind, Result};
use crate::net::connect::ConnectTimeoutLayer;
use crate::net::tls::{self, Trust};
use crate::python::imports;

/// Redirects that are followed, one after the other, unless the client is told otherwise.
const MOST_REDIRECTS: usize = 20;

/// Environment variables that name a proxy; each is also read in upper case.
const PROXIES: [&str; 3] = ["http_proxy", "https_proxy", "all_proxy"];

/// The settings of a client. Nothing of the process in them: a forked child builds from the same.
#[derive(Debug)]
pub struct Settings {
    pub base: Option<Url>,
    /// Sent with every request; those of the request itself take their place.
    pub headers: HeaderMap,
    pub query: Option<Query>,
    pub limits: Limits,
    pub follow: bool,
    pub most_redirects: usize,
    trust: Trust,
    http1: bool,
    http2: bool,
    trust_env: bool,
}

impl Settings {
    /// Reads and checks the keyword arguments of `Client`; TypeError for one that does not exist.
    pub fn from_python(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut settings = Self {
            base: None,
            headers: default_headers(),
            query: None,
            limits: timeout::DEFAULT,
            follow: true,
            most_redirects: MOST_REDIRECTS,
            trust: Trust::System,
            http1: true,
            http2: true,
            trust_env: true,
        };
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            settings.set(name.cast::<PyString>()?.to_str()?, &value)?;
        }
        if !settings.http1 && !settings.http2 {
            return Err(PyValueError::new_err("http1 and http2 cannot both be False"));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match name {
            "timeout" => self.limits = Limits::from_python(value)?,
            "base_url" | "headers" | "params" if value.is_none() => {}
            "base_url" => {
                let Ok(text) = value.cast::<PyString>() else {
                    return Err(PyTypeError::new_err(format!(
                        "base_url must be str, not {}",
                        type_name(value)
                    )));
                };
                let target = target::parse_base(text.to_str()?)?;
                if let Some(authorization) = target.authorization {
                    self.headers.insert(AUTHORIZATION, authorization);
                }
                self.base = Some(target.url);
            }
            "headers" => {
                let own = headers::from_python(value)?;
                if own.contains_key(CONTENT_LENGTH) || own.contains_key(TRANSFER_ENCODING) {
                    let why = "a client has no header that says how long the body of a request is";
                    return Err(Error::new(Kind::LocalProtocol, why).into());
                }
                merge(&mut self.headers, own);
            }
            "params" => self.query = Some(Query::from_python(value)?),
            "verify" => self.trust = trust(value)?,
            "http1" => self.http1 = flag(value, name)?,
            "http2" => self.http2 = flag(value, name)?,
            "trust_env" => self.trust_env = flag(value, name)?,
            "follow_redirects" => self.follow = flag(value, name)?,
            "max_redirects" => {
                if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
                    return Err(PyTypeError::new_err(format!(
                        "max_redirects must be int, not {}",
                        type_name(value)
                    )));
                }
                self.most_redirects = value
                    .extract()
                    .map_err(|_| PyValueError::new_err("max_redirects must be zero or more"))?;
            }
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "Client() got an unexpected keyword argument '{name}'"
                )));
            }
        }
        Ok(())
    }

    /// A reqwest client that connects, speaks TLS and keeps connections, and does nothing else:
    /// headers, redirects, content codings and times are ours.
    pub fn build(&self) -> Result<reqwest::Client> {
        let protocols: &[&[u8]] = match (self.http1, self.http2) {
            (true, true) => &[b"h2", b"http/1.1"],
            (true, false) => &[b"http/1.1"],
            _ => &[b"h2"],
        };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::configuration(&self.trust, protocols)?)
            .connector_layer(ConnectTimeoutLayer)
            .redirect(reqwest::redirect::Policy::none())
            // Ours as well; see `Travel::send`.
            .retry(reqwest::retry::never())
            .referer(false);
        if !self.http1 {
            builder = builder.http2_prior_knowledge();
        } else if !self.http2 {
            builder = builder.http1_only();
        }
        if !self.trust_env || !names_proxy() {
            builder = builder.no_proxy();
        }
        builder
            .build()
            .map_err(|error| Error::runtime(format!("the HTTP client cannot be set up: {error}")))
    }
}

/// Puts `own` in the place of the headers of the same names.
pub fn merge(headers: &mut HeaderMap, own: HeaderMap) {
    if headers.is_empty() {
        *headers = own;
        return;
    }
    // Extending a map with a map replaces name by name, and keeps what repeats.
    headers.extend(own);
}

fn default_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
    let agent = concat!("aioxide/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers
}

/// True, False, a path of a PEM file, or PEM itself.
fn trust(value: &Bound<'_, PyAny>) -> PyResult<Trust> {
    if let Ok(verify) = value.cast::<PyBool>() {
        return Ok(if verify.is_true() {
            Trust::System
        } else {
            Trust::Anyone
        });
    }
    if let Ok(pem) = value.cast::<PyBytes>() {
        return Ok(Trust::only(pem.as_bytes())?);
    }
    if let Ok(text) = value.cast::<PyString>()
        && text.to_str()?.trim_start().starts_with("-----BEGIN")
    {
        return Ok(Trust::only(text.to_str()?.as_bytes())?);
    }
    let Ok(path) = imports::fspath(value.py())?.call1((value,)) else {
        return Err(PyTypeError::new_err(format!(
            "verify must be True, False, the path of a PEM file, or PEM as bytes or str, not {}",
            type_name(value)
        )));
    };
    let path: std::path::PathBuf = path.extract()?;
    let pem = std::fs::read(&path)?;
    let named = |error: Error| Error::value(format!("{}: {error}", path.display()));
    Ok(Trust::only(&pem).map_err(named)?)
}

fn names_proxy() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXIES
        .iter()
        .any(|name| set(name) || set(&name.to_ascii_uppercase()))
}
