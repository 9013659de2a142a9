//! What `connect_ws` and `serve_ws` are told, and what they do if they are told nothing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyString};

use super::driver::Manners;
use super::head;
use super::opening::Terms;
use super::state::Bounds;
use crate::error::{Error, Kind};
use crate::net::headers;
use crate::net::known::{self, Known};
use crate::net::ssl_context;
use crate::net::tls::{Identity, Trust, Wishes};
use crate::net::via::{self, Via};
use crate::net::{credentials, headers::check_host};
use crate::python::given::{count, flag, local_address, seconds, type_name};
use crate::python::imports::exception;
use crate::python::paths::file_path;

/// Long enough for three lost SYNs, as with HTTP.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What `websockets` has: proxies on the way often drop what is idle for half a minute.
const PING: Duration = Duration::from_secs(20);

const CLOSE: Duration = Duration::from_secs(10);

/// 1 MiB.
const MOST_MESSAGE: usize = 1 << 20;

const MOST_QUEUED: usize = 32;

const WRITE_LIMIT: usize = 64 * 1024;

/// Whether compression is offered or accepted, and by how wide a window of the peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    Off,
    On(Option<u8>),
}

/// What both sides can be told.
#[derive(Debug)]
pub struct Common {
    pub headers: HeaderMap,
    /// In order of preference.
    pub subprotocols: Vec<String>,
    /// For the way to an open connection.
    pub timeout: Option<Duration>,
    pub compression: Compression,
    pub terms: Terms,
}

impl Common {
    fn new(is_server: bool) -> Self {
        Self {
            headers: HeaderMap::new(),
            subprotocols: Vec::new(),
            timeout: Some(TIMEOUT),
            compression: Compression::On(None),
            terms: Terms {
                manners: Manners {
                    is_server,
                    autoping: true,
                    autoclose: true,
                    ping_interval: Some(PING),
                    ping_timeout: Some(PING),
                    close_timeout: Some(CLOSE),
                },
                bounds: Bounds {
                    most_messages: MOST_QUEUED,
                    most_bytes: WRITE_LIMIT,
                },
                most_message: Some(MOST_MESSAGE),
            },
        }
    }

    /// Whether there is such an option.
    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let terms = &mut self.terms;
        match name {
            "timeout" => self.timeout = seconds(value, name)?,
            "ping_interval" => terms.manners.ping_interval = seconds(value, name)?,
            "ping_timeout" => terms.manners.ping_timeout = seconds(value, name)?,
            "close_timeout" => terms.manners.close_timeout = seconds(value, name)?,
            "max_message_size" if value.is_none() => terms.most_message = None,
            "max_message_size" => terms.most_message = Some(count(value, name, 1)?),
            "max_queue" => terms.bounds.most_messages = count(value, name, 1)?,
            "write_limit" => terms.bounds.most_bytes = count(value, name, 1)?,
            "autoping" => terms.manners.autoping = flag(value, name)?,
            "autoclose" => terms.manners.autoclose = flag(value, name)?,
            "compression" => self.compression = compression(value)?,
            "headers" if value.is_none() => {}
            "headers" => self.headers = own_headers(value)?,
            "subprotocols" if value.is_none() => {}
            "subprotocols" => self.subprotocols = subprotocols(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// What a client can be told.
#[derive(Debug)]
pub struct ClientOptions {
    pub common: Common,
    pub via: Via,
    pub trust_env: bool,
    pub tls: Wishes,
    pub server_name: Option<Box<str>>,
    pub follow: bool,
    /// Where connections come from.
    pub local_address: Option<SocketAddr>,
    /// Where hosts are, as the program has it.
    pub resolve: Known,
    /// The socket to connect to instead of the host.
    pub socket: Option<Arc<PathBuf>>,
}

impl ClientOptions {
    /// Reads and checks all of them; TypeError for one that does not exist.
    pub fn from_python(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut options = Self {
            common: Common::new(false),
            via: Via::Environment,
            trust_env: true,
            tls: Wishes {
                trust: Trust::System,
                identity: None,
                only_1_3: false,
                sni: true,
            },
            server_name: None,
            follow: true,
            local_address: None,
            resolve: Known::new(),
            socket: None,
        };
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            let name = name.cast::<PyString>()?.to_str()?;
            if options.common.set(name, &value)? {
                continue;
            }
            match name {
                "origin" | "proxy" | "cert" | "server_hostname" | "local_address" | "resolve" | "uds"
                    if value.is_none() => {}
                "origin" => options.set_origin(&value)?,
                "proxy" => options.via = via::via(&value)?,
                "trust_env" => options.trust_env = flag(&value, name)?,
                "verify" if ssl_context::is_context(&value)? => {
                    let said = ssl_context::read(&value)?;
                    options.tls.trust = said.trust;
                    options.tls.only_1_3 = said.only_1_3;
                }
                "verify" => options.tls.trust = credentials::trust(&value)?,
                "cert" => options.tls.identity = Some(credentials::identity(&value)?),
                "server_hostname" => options.server_name = Some(server_name(&value)?),
                "local_address" => options.local_address = Some(local_address(&value, name)?),
                "resolve" => options.resolve = known::hosts(&value)?,
                "uds" => options.socket = Some(Arc::new(file_path(&value)?)),
                "follow_redirects" => options.follow = flag(&value, name)?,
                _ => return Err(unexpected("connect_ws", name)),
            }
        }
        if matches!(options.tls.trust, Trust::Anyone)
            && let Some(kwargs) = kwargs
        {
            let py = kwargs.py();
            let why = c"verify=False: any certificate is accepted, from whomever";
            let category = exception(py, "InsecureWarning")?;
            PyErr::warn(py, &category, why, 1)?;
        }
        Ok(options)
    }

    fn set_origin(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "origin must be str or None, not {}",
                type_name(value)
            )));
        };
        let origin = http::HeaderValue::from_str(text.to_str()?)
            .map_err(|_| Error::new(Kind::LocalProtocol, "origin has a control character in it"))?;
        self.common.headers.insert(http::header::ORIGIN, origin);
        Ok(())
    }
}

/// What a server can be told.
#[derive(Debug)]
pub struct ServerOptions {
    pub common: Common,
    /// Who may come, as `Origin` says it; None: anybody.
    pub origins: Option<Vec<String>>,
    pub identity: Option<Arc<Identity>>,
    pub most_connections: Option<usize>,
}

impl ServerOptions {
    pub fn from_python(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut options = Self {
            common: Common::new(true),
            origins: None,
            identity: None,
            most_connections: None,
        };
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            let name = name.cast::<PyString>()?.to_str()?;
            if options.common.set(name, &value)? {
                continue;
            }
            match name {
                "origins" | "cert" | "max_connections" if value.is_none() => {}
                "origins" => options.origins = Some(strings(&value, name)?),
                "cert" => options.identity = Some(credentials::identity(&value)?),
                "max_connections" => options.most_connections = Some(count(&value, name, 1)?),
                _ => return Err(unexpected("serve_ws", name)),
            }
        }
        Ok(options)
    }
}

fn unexpected(function: &str, name: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "{function}() got an unexpected keyword argument '{name}'"
    ))
}

fn compression(value: &Bound<'_, PyAny>) -> PyResult<Compression> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(match flag.is_true() {
            true => Compression::On(None),
            false => Compression::Off,
        });
    }
    match value.extract::<u8>() {
        Ok(bits @ 9..=15) => Ok(Compression::On(Some(bits))),
        _ => Err(PyValueError::new_err(format!(
            "compression must be True, False or a window from 9 to 15, not {}",
            value.repr()?
        ))),
    }
}

fn own_headers(value: &Bound<'_, PyAny>) -> PyResult<HeaderMap> {
    let own = headers::from_python(value)?;
    check_host(&own)?;
    if let Some(name) = own.keys().find(|name| head::is_reserved(name)) {
        let why = format!("the header '{name}' is the handshake's own; there are options for what it says");
        return Err(Error::new(Kind::LocalProtocol, why).into());
    }
    Ok(own)
}

/// RFC 6455, section 4.1: tokens, each but once.
fn subprotocols(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let names = strings(value, "subprotocols")?;
    for (place, name) in names.iter().enumerate() {
        let is_token = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte));
        if !is_token {
            return Err(PyValueError::new_err(format!(
                "'{}' is not a subprotocol: a name of letters, digits and !#$%&'*+-.^_`|~",
                name.escape_debug()
            )));
        }
        if names.iter().take(place).any(|other| other == name) {
            return Err(PyValueError::new_err(format!(
                "the subprotocol '{name}' is there twice"
            )));
        }
    }
    Ok(names)
}

/// A list of texts; not one text, whose characters it would be.
fn strings(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<String>> {
    let wrong = || PyTypeError::new_err(format!("{what} must be a list of str, not {}", type_name(value)));
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
        return Err(wrong());
    }
    let items = value.try_iter().map_err(|_| wrong())?;
    items
        .map(|item| {
            Ok(item?
                .cast::<PyString>()
                .map_err(|_| wrong())?
                .to_str()?
                .to_owned())
        })
        .collect()
}

fn server_name(value: &Bound<'_, PyAny>) -> PyResult<Box<str>> {
    let Ok(name) = value.extract::<String>() else {
        return Err(PyTypeError::new_err(format!(
            "server_hostname must be str or None, not {}",
            type_name(value)
        )));
    };
    if rustls_pki_types::ServerName::try_from(name.as_str()).is_err() {
        return Err(PyValueError::new_err(
            "server_hostname must be a name that a certificate can have, or an IP address",
        ));
    }
    Ok(name.into())
}
