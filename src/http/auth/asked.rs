//! What authentication sees of a request, and what it puts into one.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use url::{Position, Url};

use super::digest::response::Proof;

/// Who asks for credentials: the server, or a proxy on the way to it (RFC 9110, sections 11.6 and 11.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Origin,
    Proxy,
}

impl Side {
    /// The status of an answer that asks for credentials.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Origin => StatusCode::UNAUTHORIZED,
            Self::Proxy => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        }
    }

    /// The header with challenges.
    pub fn challenges(self) -> HeaderName {
        match self {
            Self::Origin => WWW_AUTHENTICATE,
            Self::Proxy => PROXY_AUTHENTICATE,
        }
    }

    /// The header with credentials.
    pub fn credentials(self) -> HeaderName {
        match self {
            Self::Origin => AUTHORIZATION,
            Self::Proxy => PROXY_AUTHORIZATION,
        }
    }

    /// The header with what is to be known after credentials were accepted.
    pub fn information(self) -> HeaderName {
        match self {
            Self::Origin => HeaderName::from_static("authentication-info"),
            Self::Proxy => HeaderName::from_static("proxy-authentication-info"),
        }
    }
}

/// A request, as authentication sees it.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub(super) side: Side,
    pub(super) method: &'a Method,
    /// The URL that is asked for; for a proxy its own.
    pub(super) url: &'a Url,
    /// The request-target as it is sent.
    pub(super) target: Cow<'a, str>,
    pub(super) body: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// A request to the server of `url`. Its body is `b""` if it has none, and None if it is not known
    /// beforehand: then digest's `auth-int` cannot be had.
    pub fn of(method: &'a Method, url: &'a Url, body: Option<&'a [u8]>) -> Self {
        Self {
            side: Side::Origin,
            method,
            url,
            target: url[Position::BeforePath..Position::AfterQuery].into(),
            body,
        }
    }

    /// A request to a proxy, whose own URL `proxy` is. `target` is what stands in the request line: the
    /// host and port of a CONNECT, else the whole URL.
    pub fn of_proxy(method: &'a Method, proxy: &'a Url, target: &'a str, body: Option<&'a [u8]>) -> Self {
        Self {
            side: Side::Proxy,
            method,
            url: proxy,
            target: target.into(),
            body,
        }
    }
}

/// Credentials that go out with one request.
#[derive(Debug, Clone)]
pub struct Sent {
    value: HeaderValue,
    /// How many challenges have been answered, one after the other, to get here; 0 if nobody asked.
    pub(super) answers: u32,
    /// How the server's answer is known to be from one who knows the password: digest's.
    pub(super) proof: Option<Proof>,
}

impl Sent {
    /// Credentials that nobody asked for.
    pub(super) fn new(mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self {
            value,
            answers: 0,
            proof: None,
        }
    }

    /// The value of `Authorization` or `Proxy-Authorization`, marked as sensitive.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }
}
