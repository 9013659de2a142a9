//! The connections that a connector owns, and sessions share.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use url::{Host, Position, Url};

use super::tracing::Events;
use crate::bridge::Operation;
use crate::error::Error;
use crate::http::agent::Agent;
use crate::http::cookies::{Jar, mapping::Cookies};
use crate::http::exchange::Exchange;
use crate::http::params::type_name;
use crate::http::plan::{Plan, Via};
use crate::http::request::Outgoing;
use crate::http::statistics::ClientStatistics;
use crate::http::timeout::Limits;
use crate::http::upload::feeding::Feeds;
use crate::http::upload::framing;
use crate::http::upload::given::Given;
use crate::http::{asking, request};
use crate::net::{headers, target, via};

/// Where an operation of this is seen.
const FUNCTION: &str = "ClientSession.request";

/// A pool of connections that adds nothing to a request: the session says all of its headers.
#[pyclass(frozen, name = "AiohttpConnections", module = "aioxide._core")]
#[derive(Debug)]
pub struct Connections {
    pub(super) agent: Arc<Agent>,
}

#[pymethods]
impl Connections {
    /// The settings are those of `Client` that are about connections.
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self {
            agent: Arc::new(Agent::bare(settings)?),
        })
    }

    fn close(&self) {
        self.agent.close();
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.agent.is_closed()
    }

    /// What the connections are doing.
    fn statistics(&self) -> ClientStatistics {
        ClientStatistics::of(&self.agent)
    }

    /// Keeps where to connect to for a host and a port, which was found by other means.
    fn tell(&self, host: &str, port: u16, addresses: Vec<(IpAddr, u16)>) -> PyResult<()> {
        if addresses.is_empty() {
            return Err(Error::value("there is no address").into());
        }
        let live = self.agent.live()?;
        if let Some(engine) = live.engine() {
            let addresses = addresses.into_iter().map(SocketAddr::from).collect();
            engine.dialer.resolver.tell(&as_dialled(host), port, addresses);
        }
        Ok(())
    }

    /// Forgets the addresses of `host`, or all that are kept.
    #[pyo3(signature = (host=None))]
    fn forget(&self, host: Option<&str>) {
        if let Some(live) = self.agent.begun()
            && let Some(engine) = live.engine()
        {
            engine.dialer.resolver.forget(host);
        }
    }

    /// One request up to the head of its answer, for `await`: `terms` say how. A redirect is an answer.
    fn open(&self, method: &Bound<'_, PyAny>, url: &str, terms: &Bound<'_, PyDict>) -> PyResult<Operation> {
        let (exchange, feeds) = self.exchange(method, url, terms)?;
        Ok(asking::opening_or_reading(FUNCTION, exchange, feeds))
    }
}

/// A host as the URL that is dialled has it: `0x7f.1` is `127.0.0.1` there.
fn as_dialled(host: &str) -> String {
    match (host.parse::<IpAddr>(), Host::parse(host)) {
        (Ok(address), _) => address.to_string(),
        (_, Ok(parsed)) => parsed.to_string(),
        _ => host.to_owned(),
    }
}

/// Whether an IPv4 address stands there as it is dialled. aiohttp takes no other form: `127.1`, `2130706433`.
pub fn is_as_written(text: &str, url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => {
            let after = text.split_once("//").map_or("", |(_, after)| after);
            let host = after.rsplit_once('@').map_or(after, |(_, host)| host);
            host.starts_with(&address.to_string())
        }
        _ => true,
    }
}

impl Connections {
    fn exchange(
        &self,
        method: &Bound<'_, PyAny>,
        url: &str,
        terms: &Bound<'_, PyDict>,
    ) -> PyResult<(Exchange, Feeds)> {
        let method = request::method(method)?;
        let mut target = target::parse(url, None)?;
        let asked_for = as_given(url, &target.url);
        let mut plan = plan(&self.agent);
        let mut headers = HeaderMap::new();
        let mut given = Given::default();
        for (name, value) in terms {
            if value.is_none() {
                continue;
            }
            match name.extract::<&str>()? {
                "headers" => headers = headers::from_python(&value)?,
                "content" => given.set("content", value),
                "limits" => plan.limits = limits(&value)?,
                "jar" => plan.jar = Some(jar(&value)?),
                "proxy" => plan.via = via::via(&value)?,
                "trust_env" if value.is_truthy()? => trust_environment(&self.agent, &mut plan),
                "trust_env" => {}
                "decompress" => plan.decompress = value.is_truthy()?,
                "once_more" => plan.once_more = value.is_truthy()?,
                "server_hostname" => plan.server_name = Some(value.extract::<String>()?.into()),
                "trace" => plan.tracing = Some(Arc::clone(&value.cast::<Events>()?.get().trace)),
                other => {
                    return Err(PyTypeError::new_err(format!("there is no term {other:?}")));
                }
            }
        }
        headers::check_host(&headers)?;
        if let Some(authorization) = target.authorization.take() {
            headers.entry(AUTHORIZATION).or_insert(authorization);
        }
        if headers.contains_key(AUTHORIZATION) {
            plan.auth = None;
        }
        let (body, feeds) = given.payload(&mut headers)?;
        let body = framing::agree(&method, &mut headers, body)?;
        let exchange = Exchange {
            live: self.agent.live()?,
            outgoing: Outgoing {
                method,
                url: target.url,
                target: asked_for,
                headers,
                body,
            },
            plan: Arc::new(plan),
        };
        Ok((exchange, feeds))
    }
}

/// The path and the query of the text of a URL, where the parser has written them in another way: yarl and aiohttp
/// send them as they are, and a URL without any keeps none.
pub fn as_given(text: &str, parsed: &Url) -> Option<Box<str>> {
    let rest = text.split_once("://")?.1;
    let Some(begin) = rest.find(['/', '?', '#']) else {
        return Some("".into());
    };
    let given = rest.get(begin..)?.split('#').next()?;
    let sent = &parsed[Position::BeforePath..Position::AfterQuery];
    // What cannot be sent as it is, of a URL that is said to be encoded and is not, is sent as the parser has it.
    let is_sendable = || PathAndQuery::from_str(given).is_ok();
    (given != sent && given.starts_with('/') && is_sendable()).then(|| given.into())
}

/// A plan in which nothing is done that was not asked for.
pub fn plan(agent: &Agent) -> Plan {
    Plan {
        limits: Limits::default(),
        redirects: None,
        hands_over: true,
        downgrade: true,
        via: match &agent.settings.via {
            Via::Proxy(proxy) => Via::Proxy(Arc::clone(proxy)),
            _ => Via::Direct,
        },
        decompress: true,
        most_body: agent.settings.most_body,
        server_name: None,
        jar: None,
        auth: None,
        retries: None,
        once_more: true,
        tracing: None,
    }
}

/// The proxies that the environment names, and the credentials in its netrc file.
pub fn trust_environment(agent: &Agent, plan: &mut Plan) {
    if matches!(plan.via, Via::Direct) {
        plan.via = Via::Environment;
    }
    plan.auth.clone_from(&agent.settings.netrc);
}

pub fn jar(given: &Bound<'_, PyAny>) -> PyResult<Arc<Jar>> {
    match given.cast::<Cookies>() {
        Ok(cookies) => Ok(Arc::clone(cookies.get().jar())),
        Err(_) => Err(PyTypeError::new_err(format!(
            "the jar must be Cookies, not {}",
            type_name(given)
        ))),
    }
}

/// What a `ClientTimeout` says: `total`, `connect`, `sock_connect`, `sock_read`. As in aiohttp, zero and less is no
/// limit.
pub fn limits(given: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let py = given.py();
    let limit = |name| -> PyResult<Option<Duration>> { seconds(&given.getattr(name)?) };
    Ok(Limits {
        total: limit(pyo3::intern!(py, "total"))?,
        acquire: limit(pyo3::intern!(py, "connect"))?,
        connect: limit(pyo3::intern!(py, "sock_connect"))?,
        read: limit(pyo3::intern!(py, "sock_read"))?,
        write: None,
        pool: None,
    })
}

/// The longest wait that a timer takes, in seconds; a century.
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// A number of seconds, or None; zero and less is no limit.
pub fn seconds(given: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    if given.is_none() {
        return Ok(None);
    }
    let seconds: f64 = given.extract()?;
    if seconds.is_nan() {
        return Err(Error::value("a timeout must be a number of seconds, not nan").into());
    }
    Ok((seconds > 0.0 && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(LONGEST))))
}
