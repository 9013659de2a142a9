//! Which connections can serve a request: those with the same route.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use super::proxy::Proxy;
use super::tls::Tls;

/// The way to a server. Two requests may use one connection if their routes are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    pub secure: bool,
    /// In lower case, as the URL has it: an IPv6 address in brackets.
    pub host: Box<str>,
    pub port: u16,
    pub proxy: Option<Arc<Proxy>>,
    /// The socket to connect to instead of the host.
    pub socket: Option<Arc<PathBuf>>,
    /// The name that the certificate must be for, where it is not the host's.
    pub server_name: Option<Box<str>>,
    pub tls: SameTls,
}

impl Route {
    /// The host as a resolver, a certificate and a proxy want it: without brackets.
    pub fn bare_host(&self) -> &str {
        bare(&self.host)
    }

    /// Whether requests are sent to the proxy itself, with the whole URL in them.
    pub fn forwards(&self) -> bool {
        !self.secure && self.proxy.as_ref().is_some_and(|proxy| proxy.is_http())
    }

    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// An address without the brackets that URLs put around IPv6.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A TLS configuration that is equal to itself alone.
#[derive(Debug, Clone)]
pub struct SameTls(pub Arc<Tls>);

impl PartialEq for SameTls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SameTls {}

impl Hash for SameTls {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}
