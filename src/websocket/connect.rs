//! A client's way to a WebSocket: the connection, the request, the answer.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::HeaderMap;
use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE, USER_AGENT,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout_at;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::Url;

use super::error::Unwelcome;
use super::extensions::{self, Agreed};
use super::head::{self, Answer, Fault};
use super::opening::Opened;
use super::options::{ClientOptions, Compression};
use super::socket::Facts;
use crate::error::{About, Error, Kind, Result};
use crate::net::dial::{Dialer, Failure};
use crate::net::dns::Resolver;
use crate::net::environment::Environment;
use crate::net::headers::is_secret;
use crate::net::proxy::Proxy;
use crate::net::route::{Route, SameTls};
use crate::net::stream::{Ends, Stream};
use crate::net::target::{Target, parse_websocket};
use crate::net::tls::{Tls, Trust, Wishes};
use crate::net::via::Via;

/// How many redirects are followed.
const MOST_REDIRECTS: usize = 10;

/// How much of a refusal's body is read, in bytes.
const MOST_BODY: usize = 64 * 1024;

const AGENT: &str = concat!("aioxide/", env!("CARGO_PKG_VERSION"));

/// A call of `connect_ws`, checked. Nothing of Python in it.
#[derive(Debug)]
pub struct Call {
    url: Url,
    headers: HeaderMap,
    options: ClientOptions,
    environment: Option<Environment>,
    tls: Option<SameTls>,
    /// What it is at: the `phase` of an error.
    doing: &'static str,
}

/// What comes of it; the answer of a server that will not is no error of the connection's.
pub type Outcome = std::result::Result<Opened, Unwelcome>;

/// The subprotocol and the compression; or what is wrong with the answer, as a kind and in words.
type Checked = std::result::Result<(Option<String>, Option<Agreed>), (&'static str, String)>;

impl Call {
    pub fn new(target: Target, mut options: ClientOptions) -> Result<Self> {
        let mut headers = std::mem::take(&mut options.common.headers);
        if let Some(authorization) = target.authorization
            && !headers.contains_key(AUTHORIZATION)
        {
            headers.insert(AUTHORIZATION, authorization);
        }
        let wants_environment = options.trust_env && matches!(options.via, Via::Environment);
        let environment = if wants_environment {
            Environment::read()?
        } else {
            None
        };
        let mut call = Self {
            url: target.url,
            headers,
            options,
            environment,
            tls: None,
            doing: "connect",
        };
        // What is wrong with the certificates is said at the call.
        if call.url.scheme() == "wss" {
            call.tls = Some(call.configured()?);
        }
        Ok(call)
    }

    fn configured(&self) -> Result<SameTls> {
        let tls = Tls::new(&self.options.tls, &[b"http/1.1"])?;
        Ok(SameTls(Arc::new(tls)))
    }

    /// Opens the connection, within the time there is for that.
    pub async fn open(mut self) -> Result<Outcome> {
        let Some(limit) = self.options.common.timeout else {
            return self.follow().await;
        };
        let deadline = tokio::time::Instant::now() + limit;
        // Two statements, since the future borrows the call.
        let outcome = timeout_at(deadline, self.follow()).await;
        outcome.unwrap_or_else(|_| {
            let kind = match self.doing {
                "connect" => Kind::ConnectTimeout,
                _ => Kind::Timeout,
            };
            let why = format!("{}: not open within {} s", self.url, limit.as_secs_f64());
            Err(self.error(kind, why, self.doing))
        })
    }

    async fn follow(&mut self) -> Result<Outcome> {
        for _ in 0..=MOST_REDIRECTS {
            let outcome = self.once().await?;
            let Err(unwelcome) = &outcome else {
                return Ok(outcome);
            };
            match self.next(unwelcome)? {
                Some(url) => self.go(url),
                None => return Ok(outcome),
            }
        }
        let why = format!("{}: more than {MOST_REDIRECTS} redirects", self.url);
        Err(self.error(Kind::TooManyRedirects, why, "redirect"))
    }

    /// Where a redirect leads; None for what is none, or is not to be followed.
    fn next(&self, answer: &Unwelcome) -> Result<Option<Url>> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let (301 | 302 | 303 | 307 | 308, Some(location), true) =
            (answer.status, location, self.options.follow)
        else {
            return Ok(None);
        };
        let leads = self.url.join(location).map(|url| parse_websocket(url.as_str()));
        let url = match leads {
            Ok(Ok(target)) => target.url,
            _ => {
                let why = format!("{}: a redirect to where no WebSocket can be", self.url);
                return Err(self.error(Kind::InvalidUrl, why, "redirect"));
            }
        };
        if self.url.scheme() == "wss" && url.scheme() == "ws" {
            let why = format!("{}: a redirect from wss to ws is not followed", self.url);
            return Err(self.error(Kind::UnsupportedProtocol, why, "redirect"));
        }
        Ok(Some(url))
    }

    /// What proves who we are goes to no other origin.
    fn go(&mut self, url: Url) {
        if url.origin() != self.url.origin() {
            for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HOST] {
                self.headers.remove(name);
            }
            self.options.server_name = None;
        }
        self.url = url;
    }

    async fn once(&mut self) -> Result<Outcome> {
        self.doing = "connect";
        let route = self.route()?;
        let dialer = Dialer {
            resolver: Resolver::new(std::time::Duration::ZERO, self.options.resolve.clone()),
            local: self.options.local_address,
        };
        let dialed = dialer.dial_through(&route, &None).await;
        let dialed = dialed.map_err(|failure| self.unreachable(&failure))?;
        self.doing = "headers";
        self.shake_hands(dialed.stream, dialed.ends).await
    }

    fn route(&mut self) -> Result<Route> {
        let secure = self.url.scheme() == "wss";
        let proxy = self.proxy();
        let tls = match &self.tls {
            Some(tls) => tls.clone(),
            None if secure || proxy.as_ref().is_some_and(|proxy| proxy.is_secure()) => {
                self.tls.insert(self.configured()?).clone()
            }
            // Nobody will ask it, and the system's certificates need not be read.
            None => SameTls(Arc::new(Tls::new(
                &Wishes {
                    trust: Trust::Anyone,
                    identity: None,
                    only_1_3: false,
                    sni: true,
                },
                &[],
            )?)),
        };
        Ok(Route {
            secure,
            host: self.url.host_str().unwrap_or("").into(),
            port: self.url.port_or_known_default().unwrap_or(80),
            proxy,
            socket: self.options.socket.clone(),
            server_name: self.options.server_name.clone(),
            tls,
        })
    }

    fn proxy(&self) -> Option<Arc<Proxy>> {
        match &self.options.via {
            _ if self.options.socket.is_some() => None,
            Via::Direct => None,
            Via::Proxy(proxy) => Some(Arc::clone(proxy)),
            Via::Environment => self.environment.as_ref()?.proxy(&self.as_http()),
        }
    }

    /// The same URL as that of a request.
    fn as_http(&self) -> Url {
        let mut url = self.url.clone();
        let scheme = if url.scheme() == "wss" { "https" } else { "http" };
        // All four are special to the parser.
        let _ = url.set_scheme(scheme);
        url
    }

    async fn shake_hands(&self, mut stream: Stream, ends: Ends) -> Result<Outcome> {
        let mut key = [0; 16];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| Error::runtime("the system gives no random numbers"))?;
        let key = STANDARD.encode(key);
        let request = self.request(&key);
        let failed = |fault: Fault| {
            let kind = match fault {
                Fault::Broken(_) => Kind::Read,
                _ => Kind::RemoteProtocol,
            };
            let why = format!("{}: {}", self.url, fault.in_words());
            self.error(kind, why, "headers").because(Some(fault.cause()))
        };
        let sent = match stream.write_all(&request.bytes).await {
            Ok(()) => stream.flush().await,
            error => error,
        };
        let mut rest = BytesMut::new();
        let head = match (head::read(&mut stream, &mut rest).await, sent) {
            (Ok(head), _) => head,
            // An answer may have come though not all was taken.
            (Err(_), Err(error)) => return Err(failed(Fault::Broken(error))),
            (Err(fault), Ok(())) => return Err(failed(fault)),
        };
        let answer = head::parse_answer(&head).map_err(failed)?;
        if answer.status != 101 {
            let body = read_body(&mut stream, rest, &answer.headers).await;
            return Ok(Err(self.refused(answer, body)));
        }
        match self.check(&answer, &key) {
            Ok((subprotocol, agreed)) => Ok(Ok(Opened {
                stream,
                answer: Vec::new(),
                rest,
                facts: Facts {
                    url: self.url.to_string(),
                    path: request.path,
                    request_headers: Arc::new(request.headers),
                    response_headers: Arc::new(answer.headers),
                    subprotocol,
                    compression: agreed.is_some(),
                    ends,
                    is_server: false,
                },
                agreed,
                terms: self.options.common.terms,
                place: None,
            })),
            Err((kind, why)) => Ok(Err(Unwelcome {
                class: "HandshakeError",
                kind,
                message: format!("{}: {why}", self.url),
                status: answer.status,
                headers: answer.headers,
                body: Vec::new(),
            })),
        }
    }

    /// RFC 6455, section 4.1.
    fn request(&self, key: &str) -> Request {
        let path = match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        };
        let mut headers = HeaderMap::new();
        let mut bytes = format!("GET {path} HTTP/1.1\r\n").into_bytes();
        let mut say = |name: &str, value: &[u8]| {
            head::add(&mut bytes, name, value);
            let name = http::HeaderName::from_bytes(name.as_bytes());
            let value = http::HeaderValue::from_bytes(value);
            if let (Ok(name), Ok(mut value)) = (name, value) {
                value.set_sensitive(is_secret(&name));
                headers.append(name, value);
            }
        };
        if !self.headers.contains_key(HOST) {
            let host = self.url.host_str().unwrap_or("");
            let host = match self.url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            };
            say("Host", host.as_bytes());
        }
        say("Upgrade", b"websocket");
        say("Connection", b"Upgrade");
        say("Sec-WebSocket-Key", key.as_bytes());
        say("Sec-WebSocket-Version", b"13");
        let common = &self.options.common;
        if !common.subprotocols.is_empty() {
            say(
                "Sec-WebSocket-Protocol",
                common.subprotocols.join(", ").as_bytes(),
            );
        }
        if let Compression::On(window) = common.compression {
            say("Sec-WebSocket-Extensions", extensions::offer(window).as_bytes());
        }
        if !self.headers.contains_key(USER_AGENT) {
            say("User-Agent", AGENT.as_bytes());
        }
        for (name, value) in &self.headers {
            say(name.as_str(), value.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        Request { path, headers, bytes }
    }

    /// Whether the answer makes a WebSocket, and of which kind: RFC 6455, section 4.1.
    fn check(&self, answer: &Answer, key: &str) -> Checked {
        let headers = &answer.headers;
        if !head::has_token(headers, UPGRADE, "websocket") {
            return Err((
                "upgrade",
                "the server's answer has no 'Upgrade: websocket'".into(),
            ));
        }
        if !head::has_token(headers, CONNECTION, "upgrade") {
            return Err((
                "connection",
                "the server's answer has no 'Connection: Upgrade'".into(),
            ));
        }
        let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes());
        if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err((
                "accept",
                "the server's Sec-WebSocket-Accept is not the answer to this request".into(),
            ));
        }
        let common = &self.options.common;
        let mut chosen = head::tokens(headers, &SEC_WEBSOCKET_PROTOCOL);
        let subprotocol = chosen.next().map(str::to_owned);
        if chosen.next().is_some()
            || subprotocol
                .as_ref()
                .is_some_and(|one| !common.subprotocols.contains(one))
        {
            return Err((
                "subprotocol",
                "the server chose a subprotocol that was not offered".into(),
            ));
        }
        let extensions = head::joined(headers, &SEC_WEBSOCKET_EXTENSIONS);
        let window = match common.compression {
            Compression::On(window) => window,
            Compression::Off => None,
        };
        let agreed = extensions::accepted(&extensions, window).map_err(|why| ("extension", why))?;
        if agreed.is_some() && common.compression == Compression::Off {
            return Err((
                "extension",
                "the server chose compression, which was not offered".into(),
            ));
        }
        Ok((subprotocol, agreed))
    }

    fn refused(&self, answer: Answer, body: Vec<u8>) -> Unwelcome {
        let said = match answer.reason.as_str() {
            "" => answer.status.to_string(),
            reason => format!("{} {}", answer.status, reason.escape_debug()),
        };
        Unwelcome {
            class: "HandshakeRefused",
            kind: "status",
            message: format!("{}: the server answered {said}", self.url),
            status: answer.status,
            headers: answer.headers,
            body,
        }
    }

    fn unreachable(&self, failure: &Failure) -> Error {
        let (kind, why) = failure.in_words();
        self.error(kind, why, "connect").because(failure.cause())
    }

    fn error(&self, kind: Kind, why: String, phase: &'static str) -> Error {
        let sent = self.headers.iter().filter(|(name, _)| !is_secret(name));
        Error::new(kind, why).about(About {
            method: "GET".into(),
            url: self.as_http().to_string(),
            headers: sent
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned()))
                .collect(),
            phase,
            attempt: 1,
            cause: None,
        })
    }
}

/// The request of a handshake.
struct Request {
    path: String,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

/// What a server says with its refusal, if it says how long that is.
async fn read_body(stream: &mut Stream, mut body: BytesMut, headers: &HeaderMap) -> Vec<u8> {
    let length = headers.get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length <= MOST_BODY) else {
        return Vec::new();
    };
    while body.len() < length {
        match stream.read_buf(&mut body).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    body.truncate(length);
    body.into()
}
