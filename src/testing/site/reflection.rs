//! Routes that answer with what was sent, or with what the site knows of itself.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::Site;
use super::content::Content;
use super::log::{authority, target};
use super::reply::{Refusal, Reply, json, redirect, with_headers};

/// The request as JSON.
pub(super) fn echo(parts: &Parts, query: &[(String, String)], body: &Bytes) -> Reply {
    let (content, encoding) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), "utf-8"),
        Err(_) => (base64(body), "base64"),
    };
    json(&json!({
        "method": parts.method.as_str(),
        "target": target(parts),
        "authority": authority(parts),
        "path": parts.uri.path(),
        "query": query,
        "version": format!("{:?}", parts.version),
        "headers": latin1_pairs(&parts.headers),
        "body": content,
        "body_encoding": encoding,
        "length": body.len(),
    }))
}

/// The body back, of the same type.
pub(super) fn echo_body(parts: &Parts, body: Bytes) -> Reply {
    let mut reply = Response::new(Content::Whole(body));
    if let Some(content_type) = parts.headers.get(CONTENT_TYPE) {
        reply.headers_mut().insert(CONTENT_TYPE, content_type.clone());
    }
    reply
}

/// The cookies that came, as an object.
pub(super) fn cookies(parts: &Parts) -> Reply {
    let mut cookies = Map::new();
    for header in parts.headers.get_all(COOKIE) {
        for pair in latin1(header.as_bytes()).split(';') {
            if let Some((name, value)) = pair.trim().split_once('=') {
                cookies.insert(name.to_owned(), value.into());
            }
        }
    }
    json(&Value::Object(cookies))
}

/// Sets the query's pairs as cookies of the whole site, and sends the client on to see them.
pub(super) fn set_cookies(query: &[(String, String)]) -> Result<Reply, Refusal> {
    let headers: Vec<_> = query
        .iter()
        .map(|(name, value)| ("set-cookie".to_owned(), format!("{name}={value}; Path=/")))
        .collect();
    with_headers(redirect(StatusCode::FOUND, "/cookies")?, &headers)
}

/// The counts, for whoever shares no process with the site.
pub(super) fn statistics(site: &Site) -> Reply {
    let mut counts: Map<String, Value> = site
        .statistics
        .counts()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    let paths = site.log.as_ref().map(super::log::Log::paths).unwrap_or_default();
    counts.insert("paths".to_owned(), json!(paths));
    json(&Value::Object(counts))
}

/// Names and values in their order; a value's bytes become the characters of the same numbers.
pub(super) fn latin1_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes())))
        .collect()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or(b'=');
            text.push(if place > group.len() {
                '='
            } else {
                char::from(digit)
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (&[0xfb, 0xff, 0xfe], "+//+"),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }
}
