//! `connect_ws`: the operation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::connect::{Call, Outcome};
use super::options::ClientOptions;
use crate::bridge::work::Remote;
use crate::bridge::{Deliver, Native, Operation, Step, Turn, Work};
use crate::error::{Error, Result};
use crate::net::target::parse_websocket;
use crate::python::given::type_name;

impl Deliver for Outcome {
    fn deliver(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self {
            Ok(opened) => Ok(opened.into_socket(py)?.into_any()),
            Err(unwelcome) => Err(unwelcome.raise(py)),
        }
    }
}

type Opening = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;

/// The work: a future on tokio, whose value `async with` closes.
struct Connect(Option<Remote<Opening>>);

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connect")
    }
}

impl Work for Connect {
    fn step(&mut self, py: Python<'_>, turn: &mut Turn<'_>) -> Step {
        match &mut self.0 {
            Some(remote) => remote.step(py, turn),
            None => Step::Done(Err(Error::runtime("this work has already been taken").into())),
        }
    }

    fn is_detachable(&self) -> bool {
        self.0.as_ref().is_some_and(Work::is_detachable)
    }

    fn enter(&mut self) -> Option<Box<dyn Work>> {
        Some(Box::new(Self(self.0.take())))
    }

    fn detach(self: Box<Self>) -> std::result::Result<Native, Box<dyn Work>> {
        match self.0 {
            Some(remote) => Box::new(remote).detach(),
            None => Err(self),
        }
    }
}

/// A connection to the WebSocket at `url`: await it, or enter it with `async with`.
#[pyfunction]
#[pyo3(
    signature = (url, **kwargs),
    text_signature = "(url, *, headers=None, subprotocols=None, origin=None, timeout=10.0, ping_interval=20.0, ping_timeout=20.0, close_timeout=10.0, max_message_size=1048576, max_queue=32, write_limit=65536, compression=True, autoping=True, autoclose=True, proxy=None, trust_env=True, verify=True, cert=None, server_hostname=None, resolve=None, local_address=None, uds=None, follow_redirects=True)"
)]
pub fn connect_ws(url: &Bound<'_, PyAny>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<Operation> {
    let Ok(text) = url.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "url must be str, not {}",
            type_name(url)
        )));
    };
    let target = parse_websocket(text.to_str()?)?;
    let call = Call::new(target, ClientOptions::from_python(kwargs)?)?;
    let opening: Opening = Box::pin(call.open());
    Ok(Operation::new("connect_ws", Connect(Some(Remote::new(opening)))))
}
