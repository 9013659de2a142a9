//! A body as reqwest takes it.

use bytes::Bytes;

use super::payload::Payload;
use crate::error::Result;

/// What fits into one piece needs no pieces.
const SMALL: usize = super::body::PIECE;

/// The body to send for these bytes.
pub fn body(whole: &Bytes) -> reqwest::Body {
    if whole.len() <= SMALL {
        whole.clone().into()
    } else {
        reqwest::Body::wrap(super::body::Body::whole(whole.clone()))
    }
}

/// The body to send for this payload; None if there is none.
pub fn body_of(payload: &Payload) -> Result<Option<reqwest::Body>> {
    match payload {
        Payload::Nothing => Ok(None),
        Payload::Whole(whole) => Ok(Some(body(whole))),
        Payload::Streamed(_) => Ok(Some(reqwest::Body::wrap(payload.open()?))),
    }
}
