//! A server's side of the handshake: RFC 6455, section 4.2.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use http::HeaderMap;
use http::header::{
    CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::extensions::{self, Agreed};
use super::head::{self, Asked, Fault};
use super::opening::Opened;
use super::options::{Common, Compression};
use super::socket::Facts;
use crate::net::stream::{Ends, Stream};

/// What a server lets in, and under which terms.
#[derive(Debug)]
pub struct Host {
    pub common: Common,
    pub origins: Option<Vec<String>>,
    pub secure: bool,
}

/// Why a request is not let in: a status, and a sentence for whoever reads it.
struct Refusal(&'static str, &'static str);

impl Host {
    /// Answers the request that comes on `stream`. None if that made no WebSocket.
    pub async fn welcome(&self, mut stream: Stream, ends: Ends) -> Option<Opened> {
        let mut rest = BytesMut::new();
        let parsed = match head::read(&mut stream, &mut rest).await {
            Ok(head) => head::parse_request(&head),
            Err(fault) => Err(fault),
        };
        let asked = match parsed {
            Ok(asked) => asked,
            Err(Fault::NotHttp) => {
                refuse(&mut stream, &Refusal("400 Bad Request", "this is not HTTP/1.1")).await;
                return None;
            }
            Err(Fault::TooLong) => {
                let why = "the head of the request is too long";
                refuse(&mut stream, &Refusal("431 Request Header Fields Too Large", why)).await;
                return None;
            }
            Err(Fault::Ended | Fault::Broken(_)) => return None,
        };
        let key = match self.check(&asked) {
            Ok(key) => key,
            Err(refusal) => {
                refuse(&mut stream, &refusal).await;
                return None;
            }
        };
        let (answer, headers, subprotocol, agreed) = self.answer(&asked, &key);
        stream.write_all(&answer).await.ok()?;
        stream.flush().await.ok()?;
        let scheme = if self.secure { "wss" } else { "ws" };
        let host = asked.headers.get(HOST).and_then(|host| host.to_str().ok());
        Some(Opened {
            stream,
            rest,
            facts: Facts {
                url: format!("{scheme}://{}{}", host.unwrap_or(""), asked.path),
                path: asked.path,
                request_headers: Arc::new(asked.headers),
                response_headers: Arc::new(headers),
                subprotocol,
                compression: agreed.is_some(),
                ends,
                is_server: true,
            },
            agreed,
            terms: self.common.terms,
            place: None,
        })
    }

    /// The key to answer.
    fn check(&self, asked: &Asked) -> Result<String, Refusal> {
        let headers = &asked.headers;
        if asked.method != "GET" {
            return Err(Refusal("405 Method Not Allowed", "a WebSocket is opened by GET"));
        }
        if !asked.is_recent || headers.get_all(HOST).iter().count() != 1 {
            return Err(Refusal("400 Bad Request", "HTTP/1.1 and one Host are needed"));
        }
        if !head::has_token(headers, UPGRADE, "websocket") || !head::has_token(headers, CONNECTION, "upgrade")
        {
            let why = "this is a WebSocket: 'Connection: Upgrade' and 'Upgrade: websocket' are needed";
            return Err(Refusal("426 Upgrade Required", why));
        }
        if headers.get(SEC_WEBSOCKET_VERSION).map(|value| value.as_bytes()) != Some(b"13") {
            return Err(Refusal(
                "426 Upgrade Required",
                "Sec-WebSocket-Version must be 13",
            ));
        }
        let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let key = keys.next().and_then(|key| key.to_str().ok()).unwrap_or("");
        if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 || keys.next().is_some() {
            return Err(Refusal(
                "400 Bad Request",
                "Sec-WebSocket-Key must be 16 bytes in base64",
            ));
        }
        if let Some(origins) = &self.origins {
            let mut origin = headers.get_all(ORIGIN).iter();
            let named = origin.next().and_then(|origin| origin.to_str().ok());
            let known = named.is_some_and(|named| origins.iter().any(|one| one == named));
            if !known || origin.next().is_some() {
                return Err(Refusal("403 Forbidden", "this origin is not let in"));
            }
        }
        Ok(key.to_owned())
    }

    #[allow(clippy::type_complexity, reason = "four parts of one answer")]
    fn answer(&self, asked: &Asked, key: &str) -> (Vec<u8>, HeaderMap, Option<String>, Option<Agreed>) {
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
        let offered: Vec<&str> = head::tokens(&asked.headers, &SEC_WEBSOCKET_PROTOCOL).collect();
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
        (text, headers, subprotocol, agreed)
    }
}

async fn refuse(stream: &mut Stream, Refusal(status, why): &Refusal) {
    let upgrade = match status.starts_with("426") {
        true => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        false => "",
    };
    let length = why.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\n{upgrade}Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\n\r\n{why}\n"
    );
    // One that is gone need not be told.
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}
