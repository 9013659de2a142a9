//! One cookie, and which requests it belongs to (RFC 6265bis, sections 5.1.3, 5.1.4 and 5.8.3).
//!
//! Invariant: the header made of cookies is one that can be sent. No name or value has a control character but
//! the tab, or a `;`; no name has a `=`.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};

use url::{Host, Url};

/// What `SameSite` asks of browsers. Kept and shown; a client has no site that a request could be foreign to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SameSite {
    Strict,
    Lax,
    None,
}

impl SameSite {
    pub fn parse(text: &[u8]) -> Option<Self> {
        let all = [Self::Strict, Self::Lax, Self::None];
        all.into_iter()
            .find(|one| one.as_str().as_bytes().eq_ignore_ascii_case(text))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cookie {
    /// Empty for a nameless one, of which only the value is sent.
    pub name: Box<[u8]>,
    pub value: Box<[u8]>,
    /// A host in lower case and ASCII, without a leading dot. Empty: every host, which only the program can ask for.
    pub domain: Box<str>,
    /// Whether it is for `domain` alone, and not for the hosts below it.
    pub host_only: bool,
    pub path: Box<str>,
    /// In seconds since 1970; None for one that lasts as long as the jar.
    pub expires: Option<i64>,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: Option<SameSite>,
}

impl Cookie {
    /// One that goes with every request.
    pub fn for_every_host(name: &[u8], value: &[u8]) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            domain: "".into(),
            host_only: false,
            path: "/".into(),
            expires: None,
            secure: false,
            http_only: false,
            same_site: None,
        }
    }

    pub fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether it goes with a request to `origin`.
    pub fn is_for(&self, origin: &Origin<'_>) -> bool {
        let host = self.domain.is_empty()
            || *self.domain == *origin.host
            || (!self.host_only && origin.is_below(&self.domain));
        host && path_matches(origin.path, &self.path) && (origin.secure || !self.secure)
    }

    /// Whether there can be only one of the two in a jar.
    pub fn replaces(&self, other: &Self) -> bool {
        self.name == other.name
            && self.path == other.path
            && self.domain == other.domain
            && self.host_only == other.host_only
    }

    /// The same in aiohttp's eyes: with or without a slash at the end of the path, for one host or more.
    pub fn replaces_loosely(&self, other: &Self) -> bool {
        let path = |cookie: &Self| cookie.path.trim_end_matches('/').to_owned();
        self.name == other.name && self.domain == other.domain && path(self) == path(other)
    }
}

impl fmt::Debug for Cookie {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Cookie({} for {}{})",
            self.name.escape_ascii(),
            self.domain,
            self.path
        )
    }
}

/// What of a URL matters to cookies. Neither the port nor more of the scheme than whether it is secure.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// In lower case and ASCII; an IPv6 address has brackets.
    pub host: &'a str,
    pub is_address: bool,
    pub path: &'a str,
    /// Whether what is sent there stays a secret: over TLS, or to this machine by the name `localhost`.
    pub secure: bool,
}

impl<'a> Origin<'a> {
    pub fn of(url: &'a Url) -> Option<Self> {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let path = url.path();
        Some(Self {
            host,
            is_address: !matches!(url.host(), Some(Host::Domain(_))),
            path: if path.is_empty() { "/" } else { path },
            secure: matches!(url.scheme(), "https" | "wss") || is_this_machine(host),
        })
    }

    /// RFC 6265bis, section 5.1.3: whether the host is `domain` with more labels before it.
    pub fn is_below(&self, domain: &str) -> bool {
        !self.is_address && is_subdomain(self.host, domain)
    }

    /// RFC 6265bis, section 5.1.4: the path of a cookie that does not say its own.
    pub fn default_path(&self) -> &'a str {
        let directory = self.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        if directory.starts_with('/') {
            directory
        } else {
            "/"
        }
    }
}

/// RFC 6761, section 6.3: such names never leave the machine. RFC 6265bis, section 5.8.3, names it as an
/// example of a trusted host.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

pub fn is_subdomain(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|before| before.ends_with('.'))
}

/// RFC 6265bis, section 5.1.4.
pub fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// Whether all of a registry, as `co.uk`, would get a cookie for `domain`: it is on the public suffix list,
/// or a name without dots.
pub fn is_public_suffix(domain: &str) -> bool {
    psl::suffix(domain.as_bytes()).is_some_and(|suffix| suffix == domain.as_bytes())
}

/// Whether `host`, as URLs write it, is an address rather than a name.
pub fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Anything but the tab that no header may have (RFC 6265bis, section 5.6, step 1).
pub fn is_forbidden(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}
