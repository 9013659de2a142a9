//! Connections: names, TCP, proxies and TLS, for whatever is spoken over them.
//!
//! - [`route`]: which connections are alike.
//! - [`dial`]: opens one; [`dns`], [`proxy`] and [`tls`] are its steps, [`stream`] is what comes of it.
//! - [`pinned`]: trust in one certificate alone.
//! - [`environment`]: the proxies that it names, and [`exceptions`] from them.
//! - [`trace`]: what happened when.
//! - [`target`], [`headers`], [`credentials`], [`ssl_context`], [`known`] and [`via`]: what a call says, checked.
//! - [`failure`]: why there is no connection, in words.

pub mod credentials;
pub mod dial;
pub mod dns;
pub mod environment;
mod exceptions;
pub mod failure;
pub mod headers;
pub mod known;
pub mod pinned;
pub mod proxy;
pub mod route;
pub mod ssl_context;
pub mod stream;
pub mod target;
pub mod tls;
pub mod trace;
pub mod via;
