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

pub mod auth;
pub mod body;
pub mod client;
mod credentials;
pub mod cookies;
pub mod decode;
mod error;
mod exchange;
pub mod fetch;
pub mod headers;
mod links;
mod live;
mod options;
mod plan;
mod pool;
pub mod proxy;
mod params;
pub mod limits;
mod redirect;
mod reader;
pub mod request;
pub mod response;
mod sending;
pub mod retry;
mod settings;
mod target;
mod text;
pub mod timeout;
mod upload;

use pyo3::prelude::*;

/// What `#[pymodule_export]` cannot say.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // `aioxide.Timeout`. In here that name is taken, by what `aioxide.timeout()` returns.
    module.add("HttpLimits", module.py().get_type::<limits::Limits>())?;
    module.add("HttpTimeout", module.py().get_type::<timeout::Timeout>())?;
    cookies::mapping::register(module.py())?;
    headers::register(module.py())
}
