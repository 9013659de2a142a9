//! What this build is made of and can do, for `aioxide info`.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::Result;
use crate::http::decode;
use crate::runtime;

/// The versions of HTTP that a client speaks.
const PROTOCOLS: [&str; 2] = ["HTTP/1.1", "HTTP/2"];

/// Who does TLS, and the cryptography below it.
const TLS: &str = "rustls (aws-lc-rs)";

/// What `aioxide info` prints of the extension: `workers`, `tls`, `http` and `content_codings`.
///
/// Starts the runtime, to count its threads. ValueError if AIOXIDE_WORKERS is no number of threads.
#[pyfunction]
pub fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("workers", workers()?)?;
    info.set_item("tls", TLS)?;
    info.set_item("http", PROTOCOLS)?;
    info.set_item(
        "content_codings",
        decode::ACCEPTED.split(", ").collect::<Vec<_>>(),
    )?;
    Ok(info)
}

/// How many threads the runtime has.
fn workers() -> Result<Option<usize>> {
    runtime::within(runtime::workers)
}
