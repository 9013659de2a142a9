//! What is under `aioxide.httpx`: requests of httpx, carried by the connections of a client.
//!
//! ```text
//! httpx.Request     told       -> Exchange, and what feeds its body
//! Carrier.open      on tokio: up to the head, and the body if that came with it
//!   -> carried      what httpx.Response is made of: status, raw headers, bytes or a body to be read, extensions
//! ```
//!
//! Nothing of httpx is imported here: what is asked of its objects is what their documentation says of them.
//! Redirects, cookies, credentials, codings and headers by default are httpx's own business.

mod body;
mod carried;
pub mod carrier;
pub mod network_stream;
mod told;
pub mod tracer;

pub use body::CarriedBody;
