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
use super::params::{Query, type_name};
use super::plan::Plan;
use super::redirect::origin_changes;
use super::request::Outgoing;
use super::settings::Settings;
use super::target;
use super::upload::feeding::Feeds;
use super::upload::{Payload, framing};
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

    /// The same with no headers of its own, for who says all of them with each request; and whoever trusts anyone
    /// knows it.
    pub fn bare(kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut hooks = Hooks::default();
        let mut settings = Settings::from_python(kwargs, &mut hooks)?;
        settings.headers.clear();
        settings.as_written = true;
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

    /// The same for settings that were made elsewhere.
    pub fn with(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            hooks: Hooks::default(),
            state: Mutex::new(State::Open(None)),
        }
    }

    /// Closes the connections there are; who asks after that gets new ones.
    pub fn disconnect(&self) {
        let before = match &mut *self.state.lock() {
            State::Open(live) => live.take(),
            State::Closed => None,
        };
        if let Some(live) = before {
            live.close();
        }
    }

    /// Reads and checks a call; whatever is wrong with it is raised here.
    pub fn prepare(
        &self,
        function: &'static str,
        method: Method,
        url: &Bound<'_, PyAny>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Prepared> {
        let options = Options::from_python(function, kwargs)?;
        let trace = options.trace.as_ref().or(self.hooks.trace.as_ref());
        let trace = trace.map(|trace| trace.clone_ref(url.py()));
        let mut plan = self.plan(&options);
        plan.tracing = trace.as_ref().map(|_| Trace::begin());
        let said = Said {
            query: options.query.as_ref(),
            headers: options.headers,
            cookies: options.cookies.as_ref(),
            auth: options.auth,
            body: options.body,
        };
        let (outgoing, auth) = self.compose(method, url, said)?;
        let (auth, asked) = auth.apart();
        plan.auth = auth;
        Ok(Prepared {
            exchange: Exchange {
                live: self.live()?,
                outgoing,
                plan: Arc::new(plan),
            },
            feeds: options.feeds,
            auth: asked,
            trace,
            download: None,
        })
    }

    /// How a call with these options is made; what depends on the URL is not in it.
    pub fn plan(&self, options: &Options<'_>) -> Plan {
        let settings = &self.settings;
        let follow = options.follow.unwrap_or(settings.follow);
        Plan {
            limits: options.limits.unwrap_or(settings.limits),
            redirects: follow.then_some(settings.most_redirects),
            hands_over: false,
            downgrade: settings.downgrade,
            via: options.via.clone().unwrap_or_else(|| settings.via.clone()),
            decompress: settings.decompress,
            most_body: options.most_body.or(settings.most_body),
            server_name: options.server_name.clone(),
            jar: settings.jar.clone(),
            auth: None,
            retries: options
                .retries
                .clone()
                .unwrap_or_else(|| settings.retries.clone()),
            once_more: false,
            tracing: None,
        }
    }

    /// The request that is meant, and who proves to the server who we are.
    pub fn compose(
        &self,
        method: Method,
        url: &Bound<'_, PyAny>,
        said: Said<'_, '_>,
    ) -> PyResult<(Outgoing, Proof)> {
        let settings = &self.settings;
        let mut target = self.target(url)?;
        match (said.query, &settings.query) {
            (Some(own), defaults) => {
                target::extend_query(&mut target.url, &own.after(defaults.as_ref()));
            }
            (None, Some(defaults)) => target::extend_query(&mut target.url, &defaults.encoded()),
            (None, None) => {}
        }
        let mut headers = said.headers;
        headers::check_host(&headers)?;
        let proof = self.proof(url.py(), &headers, said.auth, target.authorization.is_some());
        if let Some(authorization) = target.authorization
            && matches!(proof, Proof::Nobody)
        {
            headers.entry(AUTHORIZATION).or_insert(authorization);
        }
        if let Some(given) = said.cookies {
            let pairs = cookies::pairs_for(given, &target.url)?;
            if let Some(joined) = cookies::join(pairs, headers.get(COOKIE)) {
                headers.insert(COOKIE, joined);
            }
        }
        let body = framing::agree(&method, &mut headers, said.body)?;
        let outgoing = Outgoing {
            method,
            url: target.url,
            target: None,
            headers,
            body,
        };
        Ok((outgoing, proof))
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

    /// What is nearer to the request counts: its own header, its `auth`, what its URL has, the client's `auth`, a
    /// netrc file.
    fn proof(
        &self,
        py: Python<'_>,
        headers: &HeaderMap,
        given: Option<Option<Given>>,
        in_url: bool,
    ) -> Proof {
        if headers.contains_key(AUTHORIZATION) {
            return Proof::Nobody;
        }
        match given {
            Some(None) => Proof::Nobody,
            Some(Some(Given::Native(auth))) => Proof::Native(auth),
            Some(Some(Given::Callable(callable))) => Proof::Callable(callable),
            None if in_url || self.settings.headers.contains_key(AUTHORIZATION) => Proof::Nobody,
            None => match &self.hooks.auth {
                Some(callable) => Proof::Callable(callable.clone_ref(py)),
                None => {
                    let auth = self.settings.auth.clone().or_else(|| self.settings.netrc.clone());
                    auth.map_or(Proof::Nobody, Proof::Native)
                }
            },
        }
    }
}

/// What a call says of its request, beside the method and the URL.
#[derive(Debug)]
pub struct Said<'a, 'py> {
    pub query: Option<&'a Query>,
    pub headers: HeaderMap,
    pub cookies: Option<&'a Bound<'py, PyAny>>,
    /// `Some(None)`: nobody.
    pub auth: Option<Option<Given>>,
    pub body: Payload,
}

/// Who proves to the server who we are.
#[derive(Debug)]
pub enum Proof {
    Nobody,
    Native(Arc<dyn Auth>),
    /// In Python, before the request is sent.
    Callable(Py<PyAny>),
}

impl Proof {
    fn apart(self) -> (Option<Arc<dyn Auth>>, Option<Py<PyAny>>) {
        match self {
            Self::Nobody => (None, None),
            Self::Native(auth) => (Some(auth), None),
            Self::Callable(callable) => (None, Some(callable)),
        }
    }
}
