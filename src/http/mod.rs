//! The HTTP client.
//!
//! ```text
//! Client.get(url, ...)      on the loop thread: everything that can be wrong is found here
//!   -> options, target, params, headers -> Outgoing
//! Operation                 lazy; spawned on tokio at its first step
//!   -> exchange             redirects, timeouts, closing; one reqwest call a hop
//!        -> body, decode    the whole body, decoded
//!   -> Parts, or Error      by way of error.rs, which knows the classes of foreign errors
//! Response                  back on the loop thread: a thin wrapper that makes Python objects when asked
//! ```
//!
//! Only this folder names `reqwest`.

pub mod body;
pub mod client;
pub mod decode;
mod error;
mod exchange;
pub mod fetch;
pub mod headers;
mod live;
mod options;
mod params;
mod redirect;
pub mod request;
pub mod response;
mod settings;
mod target;
mod text;
pub mod timeout;
pub mod upload;

use pyo3::prelude::*;

/// What `#[pymodule_export]` cannot say.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // `aioxide.Timeout`. In here that name is taken, by what `aioxide.timeout()` returns.
    module.add("HttpTimeout", module.py().get_type::<timeout::Timeout>())?;
    headers::register(module.py())
}
