//! How one request is to be made: the client's settings, and what the call says otherwise.

use std::sync::Arc;

use super::auth::Auth;
use super::cookies::Jar;
use super::retry::Policy;
use super::timeout::Limits;
use crate::net::trace::Tracing;
pub use crate::net::via::Via;

#[derive(Debug, Clone)]
pub struct Plan {
    pub limits: Limits,
    /// How many redirects to follow; None: hand a redirect to the caller as it is.
    pub redirects: Option<usize>,
    /// The redirect that is one too many is handed to the caller, who makes an error of it.
    pub hands_over: bool,
    /// Follow redirects from https to http.
    pub downgrade: bool,
    pub via: Via,
    /// Undo the content codings.
    pub decompress: bool,
    /// How long the body of an answer may be, in bytes, as it comes and decoded.
    pub most_body: Option<u64>,
    /// The name in the certificate, where it is not the host's.
    pub server_name: Option<Box<str>>,
    pub jar: Option<Arc<Jar>>,
    pub auth: Option<Arc<dyn Auth>>,
    pub retries: Option<Arc<Policy>>,
    /// Send a request that may be repeated once more if its connection ends without an answer, be it a new one.
    pub once_more: bool,
    pub tracing: Tracing,
}
