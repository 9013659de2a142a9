//! An answer to a handshake that makes no WebSocket: a status, headers, a body. The connection ends with it.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, StatusCode};
use tokio::io::AsyncWriteExt;

use super::head;
use crate::net::stream::Stream;

#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    /// Without those that say how the body is sent.
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a request is not let in: a status, and a sentence for whoever reads it.
#[derive(Debug)]
pub struct Why(pub StatusCode, pub &'static str);

impl Refusal {
    pub fn because(&Why(status, why): &Why) -> Self {
        let mut headers = HeaderMap::new();
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        Self {
            status,
            headers,
            body: format!("{why}\n").into(),
        }
    }

    /// What goes over the wire; `common` are headers of every answer, which its own replace.
    fn into_bytes(self, common: &HeaderMap) -> Vec<u8> {
        let reason = self.status.canonical_reason().unwrap_or("");
        let mut text = format!("HTTP/1.1 {} {reason}\r\n", self.status.as_u16()).into_bytes();
        let others = common
            .iter()
            .filter(|(name, _)| !self.headers.contains_key(*name));
        for (name, value) in self.headers.iter().chain(others) {
            head::add(&mut text, name.as_str(), value.as_bytes());
        }
        head::add(&mut text, "Connection", b"close");
        if may_have_body(self.status) {
            head::add(
                &mut text,
                "Content-Length",
                self.body.len().to_string().as_bytes(),
            );
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&self.body);
        text
    }

    pub async fn send(self, mut stream: Stream, common: &HeaderMap) {
        // One that is gone need not be told.
        let _gone = stream.write_all(&self.into_bytes(common)).await;
        let _gone = stream.shutdown().await;
    }
}

/// RFC 9110, section 6.4.1.
fn may_have_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}
