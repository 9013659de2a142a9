//! The extension `network_stream`: what is known of the connection that brought an answer.

use pyo3::prelude::*;

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
}
