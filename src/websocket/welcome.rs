//! A server's side of the handshake: RFC 6455, section 4.2.
//!
//! It has two halves, between which a program may be asked: a request is heard, and it is answered.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::header::{
    CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::extensions::{self, Agreed};
use super::head::{self, Asked, Fault};
use super::opening::Opened;
use super::options::{Common, Compression};
use super::refusal::{Refusal, Why};
use super::socket::Facts;
use crate::net::stream::{Ends, Stream};

/// What a server lets in, and under which terms.
#[derive(Debug)]
pub struct Host {
    pub common: Common,
    pub origins: Option<Vec<String>>,
    pub secure: bool,
}

/// One who has asked and was not answered. Nothing of Python in it.
#[derive(Debug)]
pub struct Knock {
    pub host: Arc<Host>,
    pub stream: Stream,
    /// What came behind the request.
    pub rest: BytesMut,
    pub asked: Asked,
    pub ends: Ends,
    /// When the handshake must be over.
    pub deadline: Option<Instant>,
    /// Its place among a server's connections.
    pub place: Option<OwnedSemaphorePermit>,
}

impl Host {
    /// Hears the request that comes on `stream`. None if it was none, or is one that nobody need be asked about.
    pub async fn hear(self: &Arc<Self>, mut stream: Stream, ends: Ends) -> Option<Knock> {
        let mut rest = BytesMut::new();
        let parsed = match head::read(&mut stream, &mut rest).await {
            Ok(head) => head::parse_request(&head),
            Err(fault) => Err(fault),
        };
        let why = match parsed {
            Ok(asked) => match check_http(&asked) {
                Ok(()) => {
                    return Some(Knock {
                        host: Arc::clone(self),
                        stream,
                        rest,
                        asked,
                        ends,
                        deadline: None,
                        place: None,
                    });
                }
                Err(why) => why,
            },
            Err(Fault::NotHttp) => Why(StatusCode::BAD_REQUEST, "this is not HTTP/1.1"),
            Err(Fault::TooLong) => Why(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "the head of the request is too long",
            ),
            Err(Fault::Ended | Fault::Broken(_)) => return None,
        };
        Refusal::because(&why).send(stream, &self.common.headers).await;
        None
    }

    pub fn url(&self, asked: &Asked) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        let host = asked.headers.get(HOST).and_then(|host| host.to_str().ok());
        format!("{scheme}://{}{}", host.unwrap_or(""), asked.path)
    }

    /// The key to answer.
    fn check_upgrade(&self, headers: &HeaderMap) -> Result<String, Why> {
        if !head::has_token(headers, UPGRADE, "websocket") || !head::has_token(headers, CONNECTION, "upgrade")
        {
            let why = "this is a WebSocket: 'Connection: Upgrade' and 'Upgrade: websocket' are needed";
            return Err(Why(StatusCode::UPGRADE_REQUIRED, why));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).map(|value| value.as_bytes()) != Some(b"13") {
            return Err(Why(
                StatusCode::UPGRADE_REQUIRED,
                "Sec-WebSocket-Version must be 13",
            ));
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let key = keys.next().and_then(|key| key.to_str().ok()).unwrap_or("");
        if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 || keys.next().is_some() {
            return Err(Why(
                StatusCode::BAD_REQUEST,
                "Sec-WebSocket-Key must be 16 bytes in base64",
            ));
        }
        if let Some(origins) = &self.origins {
            let mut origin = headers.get_all(ORIGIN).iter();
            let named = origin.next().and_then(|origin| origin.to_str().ok());
            let known = named.is_some_and(|named| origins.iter().any(|one| one == named));
            if !known || origin.next().is_some() {
                return Err(Why(StatusCode::FORBIDDEN, "this origin is not let in"));
            }
        }
        Ok(key.to_owned())
    }

    fn answer(&self, asked: &Asked, key: &str) -> Answer {
        let mut headers = HeaderMap::new();
        let mut text = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        let mut say = |name: &str, value: &[u8]| {
            head::add(&mut text, name, value);
            let name = http::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        };
        say("Upgrade", b"websocket");
        say("Connection", b"Upgrade");
        say(
            "Sec-WebSocket-Accept",
            derive_accept_key(key.as_bytes()).as_bytes(),
        );
        let offered: Vec<&str> = asked.subprotocols().collect();
        let ours = self.common.subprotocols.iter();
        let subprotocol = ours.clone().find(|one| offered.contains(&one.as_str())).cloned();
        if let Some(subprotocol) = &subprotocol {
            say("Sec-WebSocket-Protocol", subprotocol.as_bytes());
        }
        let mut agreed = None;
        if self.common.compression != Compression::Off
            && let Some((both, answer)) =
                extensions::choose(&head::joined(&asked.headers, &SEC_WEBSOCKET_EXTENSIONS))
        {
            say("Sec-WebSocket-Extensions", answer.as_bytes());
            agreed = Some(both);
        }
        for (name, value) in &self.common.headers {
            say(name.as_str(), value.as_bytes());
        }
        text.extend_from_slice(b"\r\n");
        Answer {
            text,
            headers,
            subprotocol,
            agreed,
        }
    }
}

/// What makes a WebSocket of it.
struct Answer {
    text: Vec<u8>,
    headers: HeaderMap,
    subprotocol: Option<String>,
    agreed: Option<Agreed>,
}

impl Asked {
    /// Those that the client offers.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        head::tokens(&self.headers, &SEC_WEBSOCKET_PROTOCOL)
    }
}

impl Knock {
    /// A WebSocket whose first bytes are the answer; or the stream, and why not.
    pub fn open(self) -> Result<Opened, Box<(Self, Refusal)>> {
        let key = match self.host.check_upgrade(&self.asked.headers) {
            Ok(key) => key,
            Err(why) => return Err(Box::new((self, Refusal::because(&why)))),
        };
        let answer = self.host.answer(&self.asked, &key);
        Ok(Opened {
            stream: self.stream,
            answer: answer.text,
            rest: self.rest,
            facts: Facts {
                url: self.host.url(&self.asked),
                path: self.asked.path,
                request_headers: self.asked.headers,
                response_headers: Arc::new(answer.headers),
                subprotocol: answer.subprotocol,
                compression: answer.agreed.is_some(),
                ends: self.ends,
                is_server: true,
            },
            agreed: answer.agreed,
            terms: self.host.common.terms,
            place: self.place,
        })
    }

    pub async fn refuse(self, refusal: Refusal) {
        refusal.send(self.stream, &self.host.common.headers).await;
    }
}

/// What every request must be, also one that asks for no WebSocket.
fn check_http(asked: &Asked) -> Result<(), Why> {
    if asked.method != "GET" {
        let why = "a WebSocket is opened by GET";
        return Err(Why(StatusCode::METHOD_NOT_ALLOWED, why));
    }
    if !asked.is_recent || asked.headers.get_all(HOST).iter().count() != 1 {
        let why = "HTTP/1.1 and one Host are needed";
        return Err(Why(StatusCode::BAD_REQUEST, why));
    }
    Ok(())
}
