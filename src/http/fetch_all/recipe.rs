//! What the requests of a fan-out have in common, read and checked once; and how a URL becomes one of them.

use std::sync::Arc;

use http::{HeaderMap, Method};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::error::{Error, Result};
use crate::http::agent::{Agent, Proof, Said};
use crate::http::auth::Given;
use crate::http::options::Options;
use crate::http::params::{Query, type_name};
use crate::http::plan::Plan;
use crate::http::request::{self, Outgoing, Request};
use crate::http::retry::{Attempts, Policy};
use crate::http::upload::Payload;

#[derive(Debug)]
pub struct Recipe {
    agent: Arc<Agent>,
    function: &'static str,
    method: Method,
    query: Option<Query>,
    headers: HeaderMap,
    cookies: Option<Py<PyAny>>,
    auth: Option<Option<Given>>,
    body: Payload,
    plan: Arc<Plan>,
    retries: Option<Arc<Policy>>,
    /// As given, for requests that have options of their own.
    options: Option<Py<PyDict>>,
}

/// A request that can be made.
#[derive(Debug)]
pub struct Made {
    pub outgoing: Outgoing,
    pub plan: Arc<Plan>,
    pub attempts: Option<Attempts>,
}

impl Recipe {
    /// TypeError for what needs Python in the course of a request, which is not to be had here: hooks, `trace`,
    /// a callable as `auth`, a body from an iterator.
    pub fn new(
        function: &'static str,
        agent: &Arc<Agent>,
        method: Method,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let options = Options::from_python(function, kwargs)?;
        if !agent.hooks.is_empty() {
            return Err(no_python("event hooks"));
        }
        if options.trace.is_some() || agent.hooks.trace.is_some() {
            return Err(no_python("trace"));
        }
        let callable = matches!(options.auth, Some(Some(Given::Callable(_))));
        if callable || (options.auth.is_none() && agent.hooks.auth.is_some()) {
            return Err(no_python("a callable as auth"));
        }
        if !options.feeds.is_empty() {
            return Err(PyTypeError::new_err(
                "fetch_all() takes bodies that can be sent again and again, not iterators",
            ));
        }
        let (plan, retries) = without_retries(agent.plan(&options), options.limits.is_some());
        Ok(Self {
            agent: Arc::clone(agent),
            function,
            method,
            query: options.query,
            headers: options.headers,
            cookies: options.cookies.map(Bound::unbind),
            auth: options.auth,
            body: options.body,
            plan: Arc::new(plan),
            retries,
            options: kwargs.map(|kwargs| kwargs.clone().unbind()),
        })
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub fn retries(&self) -> Option<&Arc<Policy>> {
        self.retries.as_ref()
    }

    pub fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// The request for what the user gave: a URL, a pair of method and URL, a `Request`.
    pub fn make(&self, item: &Bound<'_, PyAny>) -> PyResult<Made> {
        if item.is_instance_of::<PyString>() {
            return self.compose(self.method.clone(), item);
        }
        if let Ok(request) = item.cast::<Request>() {
            return self.prepare(request);
        }
        let (method, url) = pair(item)?;
        self.compose(request::method(&method)?, &url)
    }

    fn compose(&self, method: Method, url: &Bound<'_, PyAny>) -> PyResult<Made> {
        let py = url.py();
        let cookies = self.cookies.as_ref().map(|cookies| cookies.bind(py));
        let said = Said {
            query: self.query.as_ref(),
            headers: self.headers.clone(),
            cookies,
            auth: self
                .auth
                .as_ref()
                .map(|auth| auth.as_ref().map(|auth| auth.share(py))),
            body: self.body.clone(),
        };
        let (outgoing, proof) = self.agent.compose(method, url, said)?;
        let plan = match proof {
            Proof::Native(auth) => {
                let mut plan = Plan::clone(&self.plan);
                plan.auth = Some(auth);
                Arc::new(plan)
            }
            Proof::Nobody | Proof::Callable(_) => Arc::clone(&self.plan),
        };
        Ok(Made {
            outgoing,
            plan,
            attempts: self.retries.as_ref().map(Attempts::new),
        })
    }

    /// A request with options of its own, which come before those of all.
    fn prepare(&self, request: &Bound<'_, Request>) -> PyResult<Made> {
        let py = request.py();
        let options = match &self.options {
            Some(options) => options.bind(py).copy()?,
            None => PyDict::new(py),
        };
        let own = request.get();
        own.add_to(&options)?;
        let url = PyString::new(py, own.url());
        let method = request::method(PyString::new(py, own.method()).as_any())?;
        let prepared = self
            .agent
            .prepare(self.function, method, url.as_any(), Some(&options))?;
        if !prepared.feeds.is_empty() {
            return Err(PyTypeError::new_err(
                "a request of fetch_all() has a body that can be sent again, not an iterator",
            ));
        }
        if prepared.auth.is_some() {
            return Err(no_python("a callable as auth"));
        }
        if prepared.trace.is_some() {
            return Err(no_python("trace"));
        }
        let given = options.contains("timeout")?;
        let plan = Plan::clone(&prepared.exchange.plan);
        let (plan, retries) = without_retries(plan, given);
        Ok(Made {
            outgoing: prepared.exchange.outgoing,
            plan: Arc::new(plan),
            attempts: retries.as_ref().map(Attempts::new),
        })
    }

    /// RuntimeError if the client was closed.
    pub fn check(&self) -> Result<()> {
        match self.agent.is_closed() {
            true => Err(Error::runtime("this client has been closed")),
            false => Ok(()),
        }
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.cookies)?;
        visit.call(&self.options)
    }
}

/// The plan of one attempt, and the retries, which are the fan-out's business here. It is what waits for
/// connections as well: that has no limit, unless one is asked for.
fn without_retries(mut plan: Plan, timeout_given: bool) -> (Plan, Option<Arc<Policy>>) {
    let retries = plan.retries.take();
    if !timeout_given {
        plan.limits.pool = None;
    }
    (plan, retries)
}

fn no_python(what: &str) -> PyErr {
    PyTypeError::new_err(format!(
        "fetch_all() runs without Python, and cannot call {what}: use amap() over client.get for that"
    ))
}

fn pair<'py>(item: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if (item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>()) && item.len()? == 2 {
        return Ok((item.get_item(0)?, item.get_item(1)?));
    }
    Err(PyTypeError::new_err(format!(
        "fetch_all() takes URLs, pairs of method and URL, and Requests, not {}",
        type_name(item)
    )))
}
