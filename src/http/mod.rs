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

pub mod agent;
pub mod asking;
pub mod auth;
pub mod blocking;
pub mod blocking_client;
pub mod body;
pub mod body_reader;
mod buffer;
mod cause;
pub mod client;
pub mod cookies;
pub mod decode;
pub mod download;
pub mod error;
pub mod exchange;
pub mod fetch;
pub mod fetch_all;
pub mod hooks;
pub mod limits;
mod links;
mod live;
mod load;
pub mod options;
pub mod params;
pub mod plan;
pub mod pool;
pub mod preparation;
mod reader;
pub mod reading;
pub mod redirect;
pub mod request;
pub mod response;
pub mod retry;
pub mod robots;
mod sending;
pub mod settings;
pub mod shape;
pub mod statistics;
pub mod stream;
mod streaming;
mod text;
pub mod timeout;
pub mod upload;
mod want;
pub mod written;

use pyo3::prelude::*;

// What a WebSocket needs as well.
use crate::net::{credentials, ssl_context, target};
pub use crate::net::{headers, via as proxy};

/// What `#[pymodule_export]` cannot say.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // `aioxide.Timeout`. In here that name is taken, by what `aioxide.timeout()` returns.
    module.add("HttpTimeout", module.py().get_type::<timeout::Timeout>())?;
    cookies::mapping::register(module.py())?;
    headers::register(module.py())
}
