//! The extension `network_stream`: what is known of the connection that brought an answer.

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::net::stream::Ends;

/// The two ends of the connection that brought an answer.
#[pyclass(frozen, module = "aioxide._core")]
#[derive(Debug)]
pub struct NetworkStream {
    pub ends: Ends,
}

#[pymethods]
impl NetworkStream {
    /// `client_addr` and `server_addr` as address and port; None for what is not known, or not to be had.
    fn get_extra_info(&self, info: &str) -> Option<(String, u16)> {
        let end = match info {
            "client_addr" => self.ends.local,
            "server_addr" => self.ends.remote,
            _ => None,
        };
        end.map(|end| (end.ip().to_string(), end.port()))
    }

    /// Not to be had.
    #[pyo3(signature = (*_arguments, **_options))]
    fn read(&self, _arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        refused()
    }

    /// Not to be had.
    #[pyo3(signature = (*_arguments, **_options))]
    fn write(&self, _arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        refused()
    }

    /// Not to be had.
    #[pyo3(signature = (*_arguments, **_options))]
    fn start_tls(
        &self,
        _arguments: &Bound<'_, PyTuple>,
        _options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        refused()
    }
}

/// The connection belongs to the pool, which may have given it to another request by now.
fn refused() -> PyResult<()> {
    Err(PyNotImplementedError::new_err(
        "the connection under a response cannot be read or written apart from it; for WebSockets there is \
         aioxide.connect_ws",
    ))
}
