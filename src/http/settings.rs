//! What a client is told when it is made, and checked then.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyString};
use url::Url;

use super::auth::netrc::NetRc;
use super::auth::{self, Auth, Given};
use super::cookies::{self, Jar};
use super::credentials;
use super::decode::ACCEPTED;
use super::headers;
use super::hooks::{Hooks, callable};
use super::limits::{self, count};
use super::options::flag;
use super::params::{Query, type_name};
use super::plan::Via;
use super::pool::book;
use super::proxy;
use super::retry::{self, Policy};
use super::ssl_context;
use super::target;
use super::timeout::{self, Limits};
use crate::error::{Error, Kind};
use crate::net::environment::Environment;
use crate::net::known::{self, Known};
use crate::net::tls::{Trust, Wishes};
use crate::python::given::local_address;
use crate::python::imports;

/// Redirects that are followed, one after the other, unless the client is told otherwise.
const MOST_REDIRECTS: usize = 20;

/// How many headers an answer may have, and how long its head may be, in bytes.
const MOST_HEADERS: usize = 256;
const LONGEST_HEAD: usize = 256 * 1024;

/// The system says nothing about how long a name's addresses are good; so long they are kept.
const DNS_TTL: Duration = Duration::from_secs(30);

/// Settings for which None is the same as not given.
const NONE_IS_NOTHING: [&str; 18] = [
    "base_url",
    "headers",
    "params",
    "cookies",
    "auth",
    "retries",
    "event_hooks",
    "trace",
    "limits",
    "proxy",
    "cert",
    "min_tls",
    "max_body",
    "resolve",
    "local_address",
    "uds",
    "max_headers",
    "max_header_size",
];

/// The settings of a client. Nothing of the process in them: a forked child builds from the same.
#[derive(Debug)]
pub struct Settings {
    pub base: Option<Url>,
    /// What the user and password in the base come to. For its own server: the client may ask others.
    pub base_authorization: Option<HeaderValue>,
    /// Sent with every request; those of the request itself take their place.
    pub headers: HeaderMap,
    pub query: Option<Query>,
    pub limits: Limits,
    pub follow: bool,
    pub most_redirects: usize,
    pub downgrade: bool,
    pub decompress: bool,
    pub most_body: Option<u64>,
    pub connections: book::Limits,
    /// Whether these are the user's, and not ours.
    pub limits_given: bool,
    pub via: Via,
    pub environment: Option<Environment>,
    pub tls: Wishes,
    pub http1: bool,
    pub http2: bool,
    pub most_headers: usize,
    pub longest_head: usize,
    /// Names of headers come as the server wrote them. Not a setting of `Client`: its mapping has no case.
    pub as_written: bool,
    pub resolve: Known,
    pub dns_ttl: Duration,
    pub local_address: Option<SocketAddr>,
    /// Where to connect instead of to the host of the URL.
    pub socket: Option<Arc<PathBuf>>,
    /// Where cookies are kept, if they are.
    pub jar: Option<Arc<Jar>>,
    pub auth: Option<Arc<dyn Auth>>,
    /// What the environment's netrc file says of a host.
    pub netrc: Option<Arc<dyn Auth>>,
    pub retries: Option<Arc<Policy>>,
    trust_env: bool,
}

impl Settings {
    /// Reads and checks the keyword arguments of `Client`; TypeError for one that does not exist.
    /// What of it is Python's goes into `hooks`.
    pub fn from_python(kwargs: Option<&Bound<'_, PyDict>>, hooks: &mut Hooks) -> PyResult<Self> {
        let mut settings = Self {
            base: None,
            base_authorization: None,
            headers: default_headers(),
            query: None,
            limits: timeout::DEFAULT,
            follow: true,
            most_redirects: MOST_REDIRECTS,
            downgrade: false,
            decompress: true,
            most_body: None,
            connections: limits::DEFAULT,
            limits_given: false,
            via: Via::Environment,
            environment: None,
            tls: Wishes {
                trust: Trust::System,
                identity: None,
                only_1_3: false,
                sni: true,
            },
            http1: true,
            http2: true,
            most_headers: MOST_HEADERS,
            longest_head: LONGEST_HEAD,
            as_written: false,
            resolve: Known::new(),
            dns_ttl: DNS_TTL,
            local_address: None,
            socket: None,
            jar: None,
            auth: None,
            netrc: None,
            retries: None,
            trust_env: true,
        };
        let mut keeps_cookies = true;
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            let name = name.cast::<PyString>()?.to_str()?;
            if name == "cookies" && value.cast::<PyBool>().is_ok_and(|flag| !flag.is_true()) {
                keeps_cookies = false;
            } else {
                settings.set(name, &value, hooks)?;
            }
        }
        if keeps_cookies {
            settings.jar.get_or_insert_default();
        }
        if !settings.http1 && !settings.http2 {
            return Err(PyValueError::new_err("http1 and http2 cannot both be False"));
        }
        if settings.trust_env && matches!(settings.via, Via::Environment) {
            settings.environment = Environment::read()?;
        }
        if settings.trust_env && settings.auth.is_none() && hooks.auth.is_none() {
            settings.netrc = NetRc::from_environment().map(|netrc| netrc as Arc<dyn Auth>);
        }
        if !settings.decompress {
            settings.headers.remove(ACCEPT_ENCODING);
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>, hooks: &mut Hooks) -> PyResult<()> {
        match name {
            "timeout" => self.limits = Limits::from_python(value)?,
            "dns_ttl" => self.dns_ttl = dns_ttl(value)?,
            _ if value.is_none() && NONE_IS_NOTHING.contains(&name) => {}
            "cookies" => self.jar = Some(cookies::jar_from_python(value)?),
            "auth" => match auth::from_python(value)? {
                Given::Native(auth) => self.auth = Some(auth),
                Given::Callable(callable) => hooks.auth = Some(callable),
            },
            "retries" => self.retries = retry::from_python(value)?,
            "event_hooks" => hooks.set(value)?,
            "trace" => hooks.trace = Some(callable("trace", value)?),
            "base_url" => self.set_base(value)?,
            "headers" => self.set_headers(value)?,
            "params" => self.query = Some(Query::from_python(value)?),
            "limits" => (self.connections, self.limits_given) = (limits(value)?, true),
            "proxy" => self.via = proxy::via(value)?,
            "verify" if ssl_context::is_context(value)? => {
                let said = ssl_context::read(value)?;
                self.tls.trust = said.trust;
                self.tls.only_1_3 |= said.only_1_3;
            }
            "verify" => self.tls.trust = credentials::trust(value)?,
            "cert" => self.tls.identity = Some(credentials::identity(value)?),
            "min_tls" => self.tls.only_1_3 |= credentials::only_1_3(value)?,
            "sni" => self.tls.sni = flag(value, name)?,
            "http1" => self.http1 = flag(value, name)?,
            "http2" => self.http2 = flag(value, name)?,
            "trust_env" => self.trust_env = flag(value, name)?,
            "follow_redirects" => self.follow = flag(value, name)?,
            "allow_downgrade" => self.downgrade = flag(value, name)?,
            "decompress" => self.decompress = flag(value, name)?,
            "max_redirects" => self.most_redirects = count(value, name, 0)?,
            "max_body" => self.most_body = Some(count(value, name, 0)? as u64),
            "max_headers" => self.most_headers = count(value, name, 1)?,
            // hyper's own limit is not below this.
            "max_header_size" => self.longest_head = count(value, name, 1)?.max(1024),
            "resolve" => self.resolve = known::hosts(value)?,
            "local_address" => self.local_address = Some(local_address(value, name)?),
            "uds" => self.socket = Some(Arc::new(imports::fspath(value.py())?.call1((value,))?.extract()?)),
            _ => {
                return Err(PyTypeError::new_err(format!(
                    "Client() got an unexpected keyword argument '{name}'"
                )));
            }
        }
        Ok(())
    }

    pub fn trusts_anyone(&self) -> bool {
        matches!(self.tls.trust, Trust::Anyone)
    }

    fn set_base(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(text) = value.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "base_url must be str, not {}",
                type_name(value)
            )));
        };
        let target = target::parse_base(text.to_str()?)?;
        self.base_authorization = target.authorization;
        self.base = Some(target.url);
        Ok(())
    }

    fn set_headers(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let own = headers::from_python(value)?;
        if own.contains_key(CONTENT_LENGTH) || own.contains_key(TRANSFER_ENCODING) {
            let why = "a client has no header that says how long the body of a request is";
            return Err(Error::new(Kind::LocalProtocol, why).into());
        }
        headers::check_host(&own)?;
        merge(&mut self.headers, own);
        Ok(())
    }

    /// What is offered to servers by ALPN, in order of preference.
    pub fn protocols(&self) -> &'static [&'static [u8]] {
        match (self.http1, self.http2) {
            (true, true) => &[b"h2", b"http/1.1"],
            (true, false) => &[b"http/1.1"],
            _ => &[b"h2"],
        }
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

fn limits(value: &Bound<'_, PyAny>) -> PyResult<book::Limits> {
    match value.cast::<limits::Limits>() {
        Ok(limits) => Ok(limits.get().limits),
        Err(_) => Err(PyTypeError::new_err(format!(
            "limits must be a Limits or None, not {}",
            type_name(value)
        ))),
    }
}

fn dns_ttl(value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds: f64 = value.extract().map_err(|_| {
        PyTypeError::new_err(format!(
            "dns_ttl must be a number of seconds, not {}",
            type_name(value)
        ))
    })?;
    if seconds == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("dns_ttl must be zero seconds or more, not {seconds:?}")))
}
