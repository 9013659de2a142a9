//! What carries httpx's requests: the connections of a client, and nothing of its mind.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::body::CarriedBody;
use super::carried::Carried;
use super::told::Told;
use super::tracer::Tracer;
use crate::bridge::Operation;
use crate::bridge::work::Remote;
use crate::http::agent::Agent;
use crate::http::asking::wait_fed;
use crate::http::blocking::On;
use crate::http::exchange::{Exchange, Running};
use crate::http::hooks::Hooks;
use crate::http::options::Options;
use crate::http::plan::Plan;
use crate::http::settings::Settings;
use crate::http::timeout::Limits;
use crate::http::upload::fed::Fed;
use crate::http::upload::feeding::{Feeding, Feeds};

/// Carries requests of httpx. Not bound to a loop or a thread.
#[pyclass(frozen, weakref, module = "aioxide._core")]
#[derive(Debug)]
pub struct Carrier {
    agent: Agent,
    /// How each request is made, but for what it says itself.
    plan: Plan,
}

impl Carrier {
    fn exchange(
        &self,
        request: &Bound<'_, PyAny>,
        body: &Bound<'_, PyAny>,
        tracer: Option<&Tracer>,
    ) -> PyResult<(Exchange, Feeds)> {
        let told = Told::by(request, body)?;
        let plan = Plan {
            limits: told.limits,
            server_name: told.server_name,
            tracing: tracer.map(Tracer::trace),
            ..self.plan.clone()
        };
        let exchange = Exchange {
            live: self.agent.live()?,
            outgoing: told.outgoing,
            plan: Arc::new(plan),
        };
        Ok((exchange, told.feeds))
    }
}

/// Up to the head, and with the body if that is here as well.
fn carry(exchange: Exchange) -> Running<Carried> {
    let opening = exchange.open();
    Box::pin(async move { Ok(Carried::of(opening.await?)) })
}

/// Who reads the body has what still feeds the request. If all of it is here, nobody needs the rest of that.
fn keep(py: Python<'_>, carried: &Py<PyAny>, feeding: Feeding) {
    let parts = carried.bind(py).cast::<PyTuple>();
    let body = parts.ok().and_then(|parts| parts.get_item(3).ok());
    if let Some(body) = body.as_ref().and_then(|body| body.cast::<CarriedBody>().ok()) {
        body.get().keep_feeding(py, feeding);
    }
}

#[pymethods]
impl Carrier {
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut settings = Settings::from_python(settings, &mut Hooks::default())?;
        settings.headers.clear();
        settings.limits = Limits::default();
        settings.follow = false;
        settings.decompress = false;
        settings.as_written = true;
        settings.jar = None;
        settings.netrc = None;
        let agent = Agent::with(settings);
        let plan = agent.plan(&Options::default());
        Ok(Self { agent, plan })
    }

    /// The operation for the answer to `request`.
    #[pyo3(signature = (request, body, tracer=None))]
    fn open(
        &self,
        request: &Bound<'_, PyAny>,
        body: &Bound<'_, PyAny>,
        tracer: Option<&Tracer>,
    ) -> PyResult<Operation> {
        let (exchange, feeds) = self.exchange(request, body, tracer)?;
        let function = "AsyncTransport.handle_async_request";
        let carrying = Remote::new(carry(exchange));
        Ok(if feeds.is_empty() {
            Operation::new(function, carrying)
        } else {
            Operation::new(function, Fed::kept(carrying, feeds, keep))
        })
    }

    /// The same, waited for on this thread.
    #[pyo3(signature = (request, body, tracer=None))]
    fn wait(
        &self,
        request: &Bound<'_, PyAny>,
        body: &Bound<'_, PyAny>,
        tracer: Option<&Tracer>,
    ) -> PyResult<Py<PyAny>> {
        let (exchange, feeds) = self.exchange(request, body, tracer)?;
        let body = exchange.outgoing.body.clone();
        wait_fed(request.py(), On::AnyThread, body, carry(exchange), &feeds)
    }

    /// Closes the connections. A request after that has new ones, as with httpx's own transports.
    fn close(&self) {
        self.agent.disconnect();
    }
}
