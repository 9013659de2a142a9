//! The class under `ClientSession`: its requests, as far as they need no Python in their course.
//!
//! Invariant: a request is done here only if nobody could tell that `_request` was not called: it is the class's
//! own, there is nothing to call before or after, and every argument is understood. All others go through
//! `_request`, which may be overridden and patched.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit, intern};

use super::call::{self, Call};
use super::connections::{self, Connections};
use super::opening::{Json, Opening};
use crate::bridge::Operation;
use crate::http::agent::Agent;
use crate::http::cookies::{self, Jar};
use crate::http::exchange::Exchange;
use crate::http::plan::Plan;
use crate::http::request::{self, Outgoing};
use crate::http::settings::merge;
use crate::http::timeout::Limits;
use crate::http::upload::{Payload, framing};
use crate::net::{headers, target};
use crate::python::imports;

/// What `ClientSession` says of itself, once.
#[derive(Debug)]
struct Setup {
    /// Who has other connections for other ways to check certificates.
    connector: Py<PyAny>,
    agent: Arc<Agent>,
    jar: Option<Arc<Jar>>,
    limits: Limits,
    decompress: bool,
    trust_env: bool,
    raise_for_status: bool,
    /// Sent with each request that does not say otherwise, and not seen in `headers`.
    auto: HeaderMap,
    /// A CIMultiDict, which the program may change.
    headers: Py<PyAny>,
    /// `multidict.getversion`: a number that is another one when a multidict has changed.
    version: Py<PyAny>,
    serialize: Py<PyAny>,
    response_class: Py<PyAny>,
    /// `ClientSession._request`, as the class has it.
    own: Py<PyAny>,
    /// aiohttp's class, where it is installed, and its own `_request`, which mocks replace.
    theirs: Option<(Py<PyAny>, Py<PyAny>)>,
}

/// What a session sends with each request, and the version of `headers` that it is made of.
#[derive(Debug, Default)]
struct Defaults {
    version: Option<u64>,
    own: HeaderMap,
    /// With what is sent unless somebody says otherwise.
    whole: HeaderMap,
}

/// What a method of aiohttp's tells `_request` where its caller does not say it: mocks and overridden methods
/// see that.
#[derive(Debug, Clone, Copy)]
enum Usual {
    Redirects(bool),
    Data,
    Nothing,
}

impl Usual {
    fn follows(self) -> bool {
        !matches!(self, Self::Redirects(false))
    }

    fn complete(self, kwargs: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = kwargs.py();
        let (name, value) = match self {
            Self::Redirects(follow) => (intern!(py, "allow_redirects"), Some(follow)),
            Self::Data => (intern!(py, "data"), None),
            Self::Nothing => return Ok(()),
        };
        if !kwargs.contains(name)? {
            kwargs.set_item(name, value)?;
        }
        Ok(())
    }
}

#[pyclass(frozen, subclass, weakref, name = "AiohttpSession", module = "aioxide._core")]
#[derive(Debug, Default)]
pub struct Session {
    /// None before it has said anything, and once the collector has taken it apart.
    setup: Mutex<Option<Arc<Setup>>>,
    defaults: Mutex<Defaults>,
}

impl Session {
    /// The request as an operation; None if it is for `_request`.
    fn native(
        slf: &Bound<'_, Self>,
        method: &str,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
        follow: bool,
    ) -> PyResult<Option<Operation>> {
        let py = slf.py();
        let method = request::parse_method(method)?;
        let Some(setup) = slf.get().setup.lock().clone() else {
            return Ok(None);
        };
        if setup.agent.is_closed() || !setup.is_own(slf)? {
            return Ok(None);
        }
        let Some(mut call) = Call::read(kwargs, follow)? else {
            return Ok(None);
        };
        let Some((target, asked_for)) = url_of(url, call.params.as_ref())? else {
            return Ok(None);
        };
        let redirects = call.redirects();
        let mut all = slf.get().headers(py, &setup, std::mem::take(&mut call.headers))?;
        if call.json.is_some() && (all.contains_key(CONTENT_LENGTH) || all.contains_key(TRANSFER_ENCODING)) {
            return Ok(None);
        }
        headers::check_host(&all)?;
        let agent = setup.agent(call.ssl.as_ref(), py)?;
        let mut plan = setup.plan();
        if let Some(via) = call.via.take() {
            plan.via = via;
        }
        if let Some(joined) = cookies::join(call.cookies.take(), all.get(COOKIE)) {
            cookies::put(&mut all, joined);
        }
        plan.redirects = redirects;
        plan.limits = call.limits.unwrap_or(setup.limits);
        match target.authorization {
            // It is an error to prove twice who one is.
            Some(_) if all.contains_key(AUTHORIZATION) => return Ok(None),
            Some(authorization) => {
                all.insert(AUTHORIZATION, authorization);
            }
            None => {}
        }
        if all.contains_key(AUTHORIZATION) {
            plan.auth = None;
        }
        call.say_what_is_sent(&method, &mut all);
        let json = call.json.map(|value| Json {
            value: value.unbind(),
            serialize: setup.serialize.clone_ref(py),
        });
        let mut body = call.body.map_or(Payload::Nothing, Payload::Whole);
        if json.is_none() {
            body = framing::agree(&method, &mut all, body)?;
        }
        let exchange = Exchange {
            live: agent.live()?,
            outgoing: Outgoing {
                method,
                url: target.url,
                target: asked_for,
                headers: all,
                body,
            },
            plan: Arc::new(plan),
        };
        let opening = Opening::new(
            exchange,
            json,
            setup.response_class.clone_ref(py),
            slf.clone().into_any().unbind(),
            call.raise_for_status.unwrap_or(setup.raise_for_status),
        );
        Ok(Some(Operation::new("ClientSession.request", opening)))
    }

    /// The session's headers, those of the request, and what is sent unless these say otherwise: in aiohttp's
    /// order, by which some servers know a client.
    fn headers(&self, py: Python<'_>, setup: &Setup, given: HeaderMap) -> PyResult<HeaderMap> {
        let version: u64 = setup.version.bind(py).call1((&setup.headers,))?.extract()?;
        let mut defaults = self.defaults.lock();
        if defaults.version != Some(version) {
            let own = headers::from_python(setup.headers.bind(py))?;
            *defaults = Defaults {
                version: Some(version),
                whole: setup.completed(own.clone()),
                own,
            };
        }
        if given.is_empty() {
            return Ok(defaults.whole.clone());
        }
        let mut all = defaults.own.clone();
        drop(defaults);
        merge(&mut all, given);
        Ok(setup.completed(all))
    }

    fn begin(
        slf: &Bound<'_, Self>,
        method: &str,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
        usual: Usual,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        // What is wrong is said when it is awaited.
        if let Ok(Some(operation)) = Self::native(slf, method, url, kwargs, usual.follows()) {
            return Py::new(py, operation).map(Py::into_any);
        }
        let all = match kwargs {
            Some(kwargs) => kwargs.copy()?,
            None => PyDict::new(py),
        };
        usual.complete(&all)?;
        // Its own would only ask the same once more.
        let setup = slf.get().setup.lock().clone();
        let asked = setup.is_some_and(|setup| setup.is_own(slf).unwrap_or(false));
        let name = if asked {
            intern!(py, "_course")
        } else {
            intern!(py, "_request")
        };
        let coroutine = slf.call_method(name, (method, url), Some(&all))?;
        imports::aiohttp_in_context(py)?
            .call1((coroutine,))
            .map(Bound::unbind)
    }
}

impl Setup {
    /// With what is sent unless `headers` say otherwise.
    fn completed(&self, mut headers: HeaderMap) -> HeaderMap {
        for (name, value) in &self.auto {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        headers
    }

    /// The connections for a request that asks that of certificates.
    fn agent(&self, ssl: Option<&Bound<'_, PyAny>>, py: Python<'_>) -> PyResult<Arc<Agent>> {
        let Some(ssl) = ssl else {
            return Ok(Arc::clone(&self.agent));
        };
        let connections = self
            .connector
            .bind(py)
            .call_method1(intern!(py, "_connections"), (ssl,))?;
        Ok(Arc::clone(&connections.cast::<Connections>()?.get().agent))
    }

    fn plan(&self) -> Plan {
        let mut plan = connections::plan(&self.agent);
        plan.jar.clone_from(&self.jar);
        plan.decompress = self.decompress;
        if self.trust_env {
            connections::trust_environment(&self.agent, &mut plan);
        }
        plan
    }
}

impl Setup {
    /// Whether `_request` is the one that this stands for, and nobody has put another in the place of aiohttp's.
    fn is_own(&self, session: &Bound<'_, Session>) -> PyResult<bool> {
        let py = session.py();
        let request = intern!(py, "_request");
        let method = session.getattr(request)?;
        if !method.getattr(intern!(py, "__func__"))?.is(&self.own) {
            return Ok(false);
        }
        match &self.theirs {
            Some((class, function)) => Ok(class.bind(py).getattr(request)?.is(function)),
            None => Ok(true),
        }
    }
}

/// The URL that is meant, with its query; None if it is relative, or of a kind that only Python knows.
fn url_of(
    url: &Bound<'_, PyAny>,
    params: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<(target::Target, Option<Box<str>>)>> {
    let py = url.py();
    if let Ok(text) = url.cast_exact::<PyString>()
        && params.is_none()
        && call::is_plain(text.to_str()?)
    {
        let text = text.to_str()?;
        let target = target::parse(text, None)?;
        if !connections::is_as_written(text, &target.url) {
            return Ok(None);
        }
        let bare = !text
            .bytes()
            .skip("https://".len())
            .any(|byte| b"/?".contains(&byte));
        return Ok(Some((target, bare.then(|| "".into()))));
    }
    let class = imports::yarl_url(py)?;
    let url = class.call1((url,))?;
    let url = match params {
        Some(params) => url.call_method1(intern!(py, "extend_query"), (params,))?,
        None => url,
    };
    if !url.getattr(intern!(py, "absolute"))?.is_truthy()? {
        return Ok(None);
    }
    let text = url.str()?;
    let target = target::parse(text.to_str()?, None)?;
    if !connections::is_as_written(text.to_str()?, &target.url) {
        return Ok(None);
    }
    let asked_for = connections::as_given(text.to_str()?, &target.url);
    Ok(Some((target, asked_for)))
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, pyo3::types::PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    /// What the session says of itself.
    #[allow(clippy::too_many_arguments, reason = "all keywords, and one caller")]
    #[pyo3(signature = (*, connector, connections, jar, timeout, decompress, trust_env, raise_for_status, auto, headers, version, serialize, response_class, own, theirs))]
    fn _set_up(
        &self,
        connector: Py<PyAny>,
        connections: &Bound<'_, Connections>,
        jar: Option<&Bound<'_, PyAny>>,
        timeout: &Bound<'_, PyAny>,
        decompress: bool,
        trust_env: bool,
        raise_for_status: bool,
        auto: &Bound<'_, PyAny>,
        headers: Py<PyAny>,
        version: Py<PyAny>,
        serialize: Py<PyAny>,
        response_class: Py<PyAny>,
        own: Py<PyAny>,
        theirs: Option<(Py<PyAny>, Py<PyAny>)>,
    ) -> PyResult<()> {
        let setup = Setup {
            connector,
            agent: Arc::clone(&connections.get().agent),
            jar: jar.map(connections::jar).transpose()?,
            limits: connections::limits(timeout)?,
            decompress,
            trust_env,
            raise_for_status,
            auto: headers::from_python(auto)?,
            headers,
            version,
            serialize,
            response_class,
            own,
            theirs,
        };
        let before = self.setup.lock().replace(Arc::new(setup));
        drop(before);
        Ok(())
    }

    /// A GET of `url`, to be awaited, or used with `async with`.
    #[pyo3(signature = (url, **kwargs))]
    fn get(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "GET", url, kwargs, Usual::Redirects(true))
    }

    #[pyo3(signature = (url, **kwargs))]
    fn options(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "OPTIONS", url, kwargs, Usual::Redirects(true))
    }

    /// A HEAD of `url`; redirects are not followed unless that is asked for.
    #[pyo3(signature = (url, **kwargs))]
    fn head(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "HEAD", url, kwargs, Usual::Redirects(false))
    }

    #[pyo3(signature = (url, **kwargs))]
    fn post(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "POST", url, kwargs, Usual::Data)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn put(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "PUT", url, kwargs, Usual::Data)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn patch(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "PATCH", url, kwargs, Usual::Data)
    }

    #[pyo3(signature = (url, **kwargs))]
    fn delete(
        slf: &Bound<'_, Self>,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, "DELETE", url, kwargs, Usual::Nothing)
    }

    /// A request by any method.
    #[pyo3(signature = (method, url, **kwargs))]
    fn request(
        slf: &Bound<'_, Self>,
        method: &str,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        Self::begin(slf, method, url, kwargs, Usual::Nothing)
    }

    /// What `request` gives where Python has no part in it; else None.
    #[pyo3(signature = (method, url, **kwargs))]
    fn _native_request(
        slf: &Bound<'_, Self>,
        method: &str,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Option<Operation>> {
        Self::native(slf, method, url, kwargs, true)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        let Some(held) = self.setup.try_lock() else {
            return Ok(());
        };
        let Some(setup) = &*held else {
            return Ok(());
        };
        for object in [
            &setup.connector,
            &setup.headers,
            &setup.version,
            &setup.serialize,
            &setup.response_class,
            &setup.own,
        ] {
            visit.call(object)?;
        }
        if let Some((class, function)) = &setup.theirs {
            visit.call(class)?;
            visit.call(function)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let setup = self.setup.lock().take();
        drop(setup);
    }
}
