//! What can go wrong, as data: a [`Kind`], a sentence, and what is known of the request.
//!
//! Nothing here knows Python, so that an [`Error`] can be made and sent on any thread. It becomes a
//! Python exception in exactly one place, `python/exceptions.rs`, on the loop thread.

use std::borrow::Cow;
use std::fmt;

/// The alias that every fallible function of this crate returns, unless it speaks Python.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which Python exception an [`Error`] becomes.
///
/// The first group are builtins; each of the others has the name of a class in
/// `python/aioxide/exceptions.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `ValueError`: an argument that could never be right.
    Value,
    /// `RuntimeError`: a call at the wrong moment, or a tokio runtime that cannot be had.
    Runtime,
    /// `asyncio.CancelledError`: the work was stopped from elsewhere, by a closed client say.
    Cancelled,

    Timeout,
    ConnectTimeout,
    ReadTimeout,
    WriteTimeout,
    PoolTimeout,

    Connect,
    Read,
    Write,
    Close,

    RemoteProtocol,
    LocalProtocol,

    Proxy,
    Tls,
    UnsupportedProtocol,
    Decoding,
    TooManyRedirects,
    BodyTooLarge,
    RobotsDisallowed,
    InvalidUrl,
}

/// What is known of the request that failed; it becomes attributes of the Python exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The request's method, as sent: `GET`.
    pub method: Cow<'static, str>,
    /// The URL that was asked for, without credentials.
    pub url: String,
    /// The request's headers, without those that hold credentials.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where it failed: `"connect"`, `"headers"` (sending the request, or waiting for the head of the
    /// response), `"body"`, `"redirect"`, `"robots"` (not sent, since the host's robots.txt forbids it).
    pub phase: &'static str,
    /// Which attempt this was, from 1.
    pub attempt: u32,
    pub cause: Option<Cause>,
}

/// What lies under an error, for those who have to tell more apart than kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub what: What,
    /// The system's errno, or the status of a proxy.
    pub number: Option<i32>,
    /// What was said, without saying about what.
    pub words: String,
    /// The proxy that was spoken to, without credentials, if it was one.
    pub proxy: Option<String>,
    /// The headers of its answer, if that was no tunnel.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Cause {
    pub fn new(what: What, words: impl Into<String>) -> Self {
        Self {
            what,
            number: None,
            words: words.into(),
            proxy: None,
            headers: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A name was not resolved.
    Name,
    /// The system failed, in connecting or in reading or writing.
    System,
    /// A certificate is not trusted, or is another host's.
    Certificate,
    /// A certificate is another than the one whose fingerprint was given: the words are its own, in hex.
    Fingerprint,
    /// TLS failed for another reason.
    Tls,
    /// A proxy answered CONNECT with another status than 200.
    Proxy,
    /// The peer ended the connection or the stream.
    Ended,
    /// What the peer said is wrong.
    Said,
    /// A redirect leads where no request can go: the words are its `Location`.
    Location,
}

/// The one error type of the crate. Holds nothing of Python, so any thread may make and drop it.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    message: Cow<'static, str>,
    about: Option<Box<About>>,
}

impl Error {
    /// An error of `kind`; `message` is the sentence that the user reads.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            about: None,
        }
    }

    /// A `ValueError`.
    pub fn value(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Value, message)
    }

    /// A `RuntimeError`.
    pub fn runtime(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Runtime, message)
    }

    /// The same error, with the request it belongs to.
    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(Box::new(about));
        self
    }

    /// The same error, if it has a request, with what lies under it.
    #[must_use]
    pub fn because(mut self, cause: Option<Cause>) -> Self {
        if let Some(about) = &mut self.about {
            about.cause = cause;
        }
        self
    }

    /// The same error, of the attempt `number`, from 1.
    #[must_use]
    pub fn attempt(mut self, number: u32) -> Self {
        if let Some(about) = &mut self.about {
            about.attempt = number;
        }
        self
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn request(&self) -> Option<&About> {
        self.about.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
