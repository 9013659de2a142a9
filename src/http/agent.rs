//! What a client is behind its face: settings, the connections that come of them, and how a call becomes an
//! exchange. `Client` and `BlockingClient` have the same.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::auth::{Auth, Given};
use super::cookies;
use super::download::Asked;
use super::exchange::Exchange;
use super::headers;
use super::hooks::Hooks;
use super::live::Live;
use super::options::Options;
use super::params::type_name;
use super::plan::Plan;
use super::redirect::origin_changes;
use super::request::Outgoing;
use super::settings::Settings;
use super::target;
use super::upload::feeding::Feeds;
use super::upload::framing;
use crate::error::{Error, Kind, Result};
use crate::net::trace::Trace;
use crate::python::imports::exception;

#[derive(Debug)]
pub struct Agent {
    pub settings: Arc<Settings>,
    pub hooks: Hooks,
    /// Locked only with the interpreter held, so that no fork comes in between.
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// With the connections, once there was a request.
    Open(Option<Arc<Live>>),
    Closed,
}

/// A call, checked: everything that tokio needs, and what has to be done in Python beside it.
#[derive(Debug)]
pub struct Prepared {
    pub exchange: Exchange,
    /// What has to feed the body.
    pub feeds: Feeds,
    /// A callable that says which headers prove who we are.
    pub auth: Option<Py<PyAny>>,
    /// Whom to tell what happened.
    pub trace: Option<Py<PyAny>>,
    /// The body goes to a file.
    pub download: Option<Box<Asked>>,
}

impl Agent {
    pub fn new(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut hooks = Hooks::default();
        let settings = Settings::from_python(kwargs, &mut hooks)?;
        if let (Some(kwargs), true) = (kwargs, settings.trusts_anyone()) {
            let py = kwargs.py();
            let category = exception(py, "InsecureWarning")?;
            PyErr::warn(
                py,
                &category,
                c"verify=False: any certificate is accepted, from whomever",
                1,
            )?;
        }
        Ok(Self {
            settings: Arc::new(settings),
            hooks,
            state: Mutex::new(State::Open(None)),
        })
    }

    /// The connections of this process; RuntimeError once it was closed.
    pub fn live(&self) -> Result<Arc<Live>> {
        let mut state = self.state.lock();
        let State::Open(live) = &mut *state else {
            return Err(Error::runtime("this client has been closed"));
        };
        match live {
            Some(live) if live.is_ours() => Ok(Arc::clone(live)),
            _ => Ok(Arc::clone(live.insert(Arc::new(Live::start(&self.settings)?)))),
        }
    }

    /// The connections, if there were any in this process and they are not closed.
    pub fn begun(&self) -> Option<Arc<Live>> {
        match &*self.state.lock() {
            State::Open(Some(live)) if live.is_ours() => Some(Arc::clone(live)),
            _ => None,
        }
    }

    pub fn close(&self) {
        let before = std::mem::replace(&mut *self.state.lock(), State::Closed);
        if let State::Open(Some(live)) = before {
            live.close();
        }
    }

    pub fn is_closed(&self) -> bool {
        matches!(*self.state.lock(), State::Closed)
    }

    /// Reads and checks a call; whatever is wrong with it is raised here.
    pub fn prepare(
        &self,
        function: &'static str,
        method: Method,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Prepared> {
        let settings = &self.settings;
        let mut target = self.target(url)?;
        let options = Options::from_python(function, kwargs)?;
        match (&options.query, &settings.query) {
            (Some(own), defaults) => {
                target::extend_query(&mut target.url, &own.after(defaults.as_ref()));
            }
            (None, Some(defaults)) => target::extend_query(&mut target.url, &defaults.encoded()),
            (None, None) => {}
        }
        let mut headers = options.headers;
        headers::check_host(&headers)?;
        let (auth, asked) = self.auth(url.py(), &headers, options.auth, target.authorization.is_some());
        if let Some(authorization) = target.authorization
            && auth.is_none()
            && asked.is_none()
        {
            headers.entry(AUTHORIZATION).or_insert(authorization);
        }
        if let Some(given) = &options.cookies {
            let pairs = cookies::pairs_for(given, &target.url)?;
            if let Some(joined) = cookies::join(pairs, headers.get(COOKIE)) {
                headers.insert(COOKIE, joined);
            }
        }
        let body = framing::agree(&method, &mut headers, options.body)?;
        let follow = options.follow.unwrap_or(settings.follow);
        let trace = options.trace.or_else(|| {
            let trace = self.hooks.trace.as_ref();
            trace.map(|trace| trace.clone_ref(url.py()))
        });
        let plan = Plan {
            limits: options.limits.unwrap_or(settings.limits),
            redirects: follow.then_some(settings.most_redirects),
            downgrade: settings.downgrade,
            via: options.via.unwrap_or_else(|| settings.via.clone()),
            decompress: settings.decompress,
            most_body: options.most_body.or(settings.most_body),
            server_name: options.server_name,
            jar: settings.jar.clone(),
            auth,
            retries: options.retries.unwrap_or_else(|| settings.retries.clone()),
            tracing: trace.as_ref().map(|_| Trace::begin()),
        };
        Ok(Prepared {
            exchange: Exchange {
                live: self.live()?,
                outgoing: Outgoing {
                    method,
                    url: target.url,
                    headers,
                    body,
                },
                plan: Arc::new(plan),
            },
            feeds: options.feeds,
            auth: asked,
            trace,
            download: None,
        })
    }

    /// The URL that is meant.
    pub fn target(&self, url: &Bound<'_, PyAny>) -> PyResult<target::Target> {
        let Ok(url) = url.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "url must be str, not {}",
                type_name(url)
            )));
        };
        let text = url
            .to_str()
            .map_err(|_| Error::new(Kind::InvalidUrl, "a URL cannot have a lone surrogate in it"))?;
        let base = self.settings.base.as_ref();
        let mut target = target::parse(text, base)?;
        if target.authorization.is_none() && base.is_some_and(|base| !origin_changes(base, &target.url)) {
            target.authorization.clone_from(&self.settings.base_authorization);
        }
        Ok(target)
    }

    /// Who proves to the server who we are, natively or in Python. What is nearer to the request counts: its
    /// own header, its `auth`, what its URL has, the client's `auth`, a netrc file.
    fn auth(
        &self,
        py: Python<'_>,
        headers: &HeaderMap,
        given: Option<Option<Given>>,
        in_url: bool,
    ) -> (Option<Arc<dyn Auth>>, Option<Py<PyAny>>) {
        if headers.contains_key(AUTHORIZATION) {
            return (None, None);
        }
        match given {
            Some(None) => (None, None),
            Some(Some(Given::Native(auth))) => (Some(auth), None),
            Some(Some(Given::Callable(callable))) => (None, Some(callable)),
            None if in_url || self.settings.headers.contains_key(AUTHORIZATION) => (None, None),
            None => match &self.hooks.auth {
                Some(callable) => (None, Some(callable.clone_ref(py))),
                None => (
                    self.settings.auth.clone().or_else(|| self.settings.netrc.clone()),
                    None,
                ),
            },
        }
    }
}
