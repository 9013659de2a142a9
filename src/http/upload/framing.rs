//! That the headers say of a body's length what is true.
//!
//! A length that is not the body's, or said in two ways, would let one request be read as two (RFC 9112,
//! section 6.3).

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method};

use super::payload::Payload;
use crate::error::{Error, Kind, Result};

/// The payload, with the length that the headers promise where it has none of its own. LocalProtocol if
/// the headers contradict it or each other.
///
/// An iterator without a promise goes in chunks over HTTP/1.1. hyper sees to that, except for a GET or HEAD,
/// where it has to be asked for them.
pub fn agree(method: &Method, headers: &mut HeaderMap, payload: Payload) -> Result<Payload> {
    let refuse = |why| Err(Error::new(Kind::LocalProtocol, why));
    let chunked = is_chunked(headers)?;
    let mut promised = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        if chunked {
            return refuse("a request has a Content-Length or a Transfer-Encoding, not both".to_owned());
        }
        let length = number(value);
        let known = payload.length().or(promised);
        if length.is_none() || known.is_some_and(|known| length != Some(known)) {
            return match payload.length() {
                Some(known) => refuse(format!(
                    "the Content-Length given is not that of the body, {known}"
                )),
                None => refuse("the Content-Length given is no length".to_owned()),
            };
        }
        promised = length;
    }
    if chunked && payload.length().is_some() {
        return refuse(
            "a body whose length is known is sent with a Content-Length, without a Transfer-Encoding"
                .to_owned(),
        );
    }
    if let Some(length) = promised {
        return Ok(payload.declared(length));
    }
    if payload.length().is_none() && [Method::GET, Method::HEAD].contains(method) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    Ok(payload)
}

/// Digits and nothing else: `+5` is no length to a server.
fn number(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    text.parse().ok()
}

/// Whether chunks are asked for. The one transfer coding that hyper can write.
fn is_chunked(headers: &HeaderMap) -> Result<bool> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(false),
        (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Error::new(
            Kind::LocalProtocol,
            "the only Transfer-Encoding that a request can be sent with is chunked",
        )),
    }
}
