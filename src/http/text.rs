//! Which characters the bytes of a body are.
//!
//! A byte order mark says it best, then the `charset` of `Content-Type`, then it is UTF-8. Labels mean
//! what they mean to browsers (WHATWG Encoding): `iso-8859-1` is windows-1252. What cannot be decoded
//! becomes U+FFFD, so reading text never fails.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use mime::Mime;

/// The `charset` that the headers name, in lower case, whether or not there is such an encoding.
pub fn charset(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if let Ok(mime) = value.parse::<Mime>() {
        return Some(mime.get_param(mime::CHARSET)?.as_str().to_ascii_lowercase());
    }
    // A type that is no type may still have a usable parameter: `charset=utf-8` alone.
    let parameter = value.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    })?;
    Some(parameter.trim().trim_matches(['"', '\'']).to_ascii_lowercase())
}

/// The encoding of a body.
pub fn encoding(headers: &HeaderMap, body: &[u8]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(body) {
        return marked;
    }
    charset(headers)
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .unwrap_or(UTF_8)
}

/// The text of a body, without its mark.
pub fn decode<'a>(headers: &HeaderMap, body: &'a [u8]) -> Cow<'a, str> {
    encoding(headers, body).decode_with_bom_removal(body).0
}

/// The name of an encoding as Python's codecs have it.
pub fn python_name(name: &str) -> String {
    match name {
        // What browsers call by names of their own.
        "windows-874" => "cp874".into(),
        "x-mac-cyrillic" => "mac-cyrillic".into(),
        "ISO-8859-8-I" => "iso-8859-8".into(),
        _ => name.to_ascii_lowercase(),
    }
}
