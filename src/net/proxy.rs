//! Proxies: how they are named, and how one is asked for a connection to somewhere else.

use std::net::Ipv6Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_socks::tcp::{Socks4Stream, Socks5Stream};
use url::Url;

use super::route::bare;
use crate::error::{Error, Result};

/// The longest answer to CONNECT that is read, in bytes.
const MOST_HEAD: usize = 32 * 1024;

/// The language that a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaks {
    Http,
    /// HTTP within TLS.
    Https,
    /// Names are resolved here.
    Socks4,
    /// Names are resolved by the proxy.
    Socks4a,
    Socks5,
    Socks5h,
}

/// A proxy, with what it wants to know of who asks.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    pub speaks: Speaks,
    /// In lower case, an IPv6 address in brackets.
    pub host: Box<str>,
    pub port: u16,
    credentials: Option<(Box<str>, Box<str>)>,
    /// Sent to an HTTP proxy with each CONNECT and each request that it forwards.
    headers: Vec<(http::HeaderName, HeaderValue)>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl std::fmt::Display for Proxy {
    /// Without the credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}:{}", self.scheme(), self.host, self.port)
    }
}

impl Proxy {
    /// Reads a URL such as `socks5h://user:password@host:1080`; a name and a port alone are an HTTP proxy.
    /// ValueError if it is none, without showing it: it may have a password in it.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |why: &str| Error::value(format!("not a usable proxy URL: {why}"));
        // Some of them the parser drops without a word.
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(bad("it has a control character"));
        }
        let with_scheme;
        let text = if text.contains("://") {
            text
        } else {
            with_scheme = format!("http://{text}");
            &with_scheme
        };
        // The parser keeps the host of a scheme it does not know as it is, so the scheme is replaced.
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (speaks, default) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Speaks::Http, 80),
            "https" => (Speaks::Https, 443),
            "socks4" => (Speaks::Socks4, 1080),
            "socks4a" => (Speaks::Socks4a, 1080),
            "socks5" => (Speaks::Socks5, 1080),
            "socks5h" | "socks" => (Speaks::Socks5h, 1080),
            other => {
                let known = "http, https, socks4, socks4a, socks5 or socks5h";
                return Err(bad(&format!(
                    "its scheme is '{}', not {known}",
                    other.escape_debug()
                )));
            }
        };
        let url = Url::parse(&format!("ws://{rest}")).map_err(|error| bad(&error.to_string()))?;
        let host = url.host_str().ok_or_else(|| bad("it has no host"))?;
        // The parser drops the default port of the scheme that was put there.
        let port = match url.port() {
            Some(port) => port,
            None if names_port_80(rest) => 80,
            None => default,
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("there is something after its host and port"));
        }
        let decoded = |text: &str| -> Result<Box<str>> {
            let decoded = percent_decode_str(text)
                .decode_utf8()
                .map_err(|_| bad("its credentials are not UTF-8"))?;
            Ok(decoded.into())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or(""))?)),
        };
        // In SOCKS4 a NUL ends the user, and what follows it would be the name of a host.
        let has_nul = credentials
            .iter()
            .any(|(user, password)| user.contains('\0') || password.contains('\0'));
        if has_nul {
            return Err(bad("its credentials have a NUL in them"));
        }
        let longest = credentials
            .iter()
            .flat_map(|(user, password)| [user.len(), password.len()]);
        if matches!(speaks, Speaks::Socks5 | Speaks::Socks5h) && longest.max() > Some(255) {
            return Err(bad(
                "SOCKS5 has room for 255 bytes of user name and password each",
            ));
        }
        Ok(Self {
            speaks,
            host: host.into(),
            port,
            credentials,
            headers: Vec::new(),
        })
    }

    /// The same proxy, which is sent these headers too.
    #[must_use]
    pub fn with_headers(mut self, headers: &HeaderMap) -> Self {
        let headers = headers.iter();
        self.headers = headers
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        self
    }

    pub fn is_http(&self) -> bool {
        matches!(self.speaks, Speaks::Http | Speaks::Https)
    }

    /// Whether it is spoken to within TLS.
    pub fn is_secure(&self) -> bool {
        self.speaks == Speaks::Https
    }

    /// Whether the name of the server is resolved here.
    pub fn wants_address(&self) -> bool {
        matches!(self.speaks, Speaks::Socks4 | Speaks::Socks5)
    }

    pub fn bare_host(&self) -> &str {
        bare(&self.host)
    }

    fn scheme(&self) -> &'static str {
        match self.speaks {
            Speaks::Http => "http",
            Speaks::Https => "https",
            Speaks::Socks4 => "socks4",
            Speaks::Socks4a => "socks4a",
            Speaks::Socks5 => "socks5",
            Speaks::Socks5h => "socks5h",
        }
    }

    /// What an HTTP proxy is sent beside the request itself.
    pub fn headers(&self) -> Vec<(http::HeaderName, HeaderValue)> {
        let mut headers = self.headers.clone();
        if let Some((user, password)) = &self.credentials
            && !headers
                .iter()
                .any(|(name, _)| name == http::header::PROXY_AUTHORIZATION)
        {
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(true);
                headers.push((http::header::PROXY_AUTHORIZATION, value));
            }
        }
        headers
    }

    /// Asks for a connection to `host`: from here on `stream` is that connection.
    pub async fn tunnel<S>(&self, mut stream: S, host: &str, port: u16) -> Result<S, Refused>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let credentials = self
            .credentials
            .as_ref()
            .map(|(user, password)| (&**user, &**password));
        match self.speaks {
            Speaks::Http | Speaks::Https => {
                self.connect(&mut stream, host, port).await?;
                Ok(stream)
            }
            Speaks::Socks4 | Speaks::Socks4a if bare(host).parse::<Ipv6Addr>().is_ok() => {
                Err(Refused::Said("SOCKS4 has no room for an IPv6 address".into()))
            }
            Speaks::Socks4 | Speaks::Socks4a => {
                let target = (bare(host), port);
                let tunnel = match credentials {
                    Some((user, _)) => {
                        Socks4Stream::connect_with_userid_and_socket(stream, target, user).await
                    }
                    None => Socks4Stream::connect_with_socket(stream, target).await,
                };
                tunnel.map(Socks4Stream::into_inner).map_err(Refused::from)
            }
            Speaks::Socks5 | Speaks::Socks5h => {
                let target = (bare(host), port);
                let tunnel = match credentials {
                    Some((user, password)) => {
                        Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
                    }
                    None => Socks5Stream::connect_with_socket(stream, target).await,
                };
                tunnel.map(Socks5Stream::into_inner).map_err(Refused::from)
            }
        }
    }

    /// RFC 9110, section 9.3.6.
    async fn connect<S>(&self, stream: &mut S, host: &str, port: u16) -> Result<(), Refused>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n").into_bytes();
        for (name, value) in self.headers() {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        stream.write_all(&request).await.map_err(Refused::Broken)?;
        stream.flush().await.map_err(Refused::Broken)?;
        let head = read_head(stream).await?;
        let mut room = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut room);
        if !matches!(answer.parse(&head), Ok(httparse::Status::Complete(_))) {
            return Err(Refused::Said("its answer to CONNECT is not HTTP".into()));
        }
        match answer.code {
            Some(200..=299) => Ok(()),
            code => Err(Refused::Status {
                code: code.unwrap_or(0),
                reason: answer.reason.unwrap_or("").to_owned(),
                headers: answer
                    .headers
                    .iter()
                    .map(|header| (header.name.to_owned(), header.value.to_vec()))
                    .collect(),
            }),
        }
    }
}

/// `Url` with the scheme `ws` drops the port 80.
fn names_port_80(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.ends_with(":80")
}

/// Up to the blank line, and not a byte further: what follows belongs to the tunnel.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, Refused> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MOST_HEAD {
            return Err(Refused::Said("its answer to CONNECT does not end".into()));
        }
        let mut byte = [0];
        match stream.read(&mut byte).await.map_err(Refused::Broken)? {
            0 => return Err(Refused::Said("it closed the connection".into())),
            _ => head.extend_from_slice(&byte),
        }
    }
    Ok(head)
}

/// Why there is no tunnel.
#[derive(Debug)]
pub enum Refused {
    /// The answer to CONNECT.
    Status {
        code: u16,
        reason: String,
        /// Names as they were written.
        headers: Vec<(String, Vec<u8>)>,
    },
    Said(String),
    /// The connection to the proxy broke.
    Broken(std::io::Error),
}

impl From<tokio_socks::Error> for Refused {
    fn from(error: tokio_socks::Error) -> Self {
        match error {
            tokio_socks::Error::Io(error) => Self::Broken(error),
            other => Self::Said(other.to_string()),
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { code, reason, .. } if reason.is_empty() => write!(f, "{code}"),
            Self::Status { code, reason, .. } => write!(f, "{code} {}", reason.escape_debug()),
            Self::Said(what) => f.write_str(what),
            Self::Broken(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let proxy = Proxy::parse("socks5h://me:p%40ss@[::1]").unwrap();
        assert_eq!(proxy.to_string(), "socks5h://[::1]:1080");
        assert_eq!(proxy.credentials, Some(("me".into(), "p@ss".into())));
        assert_eq!(
            Proxy::parse("Proxy.test:80").unwrap().to_string(),
            "http://proxy.test:80"
        );
        assert_eq!(
            Proxy::parse("https://p.test/").unwrap().to_string(),
            "https://p.test:443"
        );
        for bad in ["ftp://x", "http://", "http://host/path", "socks5://h?x", ""] {
            let error = Proxy::parse(bad).unwrap_err();
            assert!(
                error.message().starts_with("not a usable proxy URL"),
                "{bad}: {error}"
            );
        }
        let error = Proxy::parse("http://user:secret@ho st/").unwrap_err();
        assert!(!error.message().contains("secret"));
    }

    #[tokio::test]
    async fn connect_reads_no_further_than_the_head() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let answer = tokio::spawn(async move {
            theirs
                .write_all(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nfirst")
                .await
                .unwrap();
            theirs
        });
        let proxy = Proxy::parse("http://u:p@proxy.test").unwrap();
        let mut stream = proxy.tunnel(ours, "host.test", 443).await.unwrap();
        let mut theirs = answer.await.unwrap();
        let mut rest = [0; 5];
        stream.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"first");
        drop(stream);
        let mut asked = String::new();
        theirs.read_to_string(&mut asked).await.unwrap();
        assert!(asked.starts_with("CONNECT host.test:443 HTTP/1.1\r\nhost: host.test:443\r\n"));
        assert!(asked.contains("proxy-authorization: Basic dTpw\r\n"));
    }
}
