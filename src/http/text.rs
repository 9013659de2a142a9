//! Which characters the bytes of a body are.
//!
//! A byte order mark says it best, then the `charset` of `Content-Type`, as in WHATWG's Encoding standard; then
//! the document itself (`meta.rs`). Then it is UTF-8 if it is valid as that, and at last it is guessed
//! (`detect.rs`). Labels mean what they mean to browsers: `iso-8859-1` is windows-1252. What cannot be decoded
//! becomes U+FFFD, so reading text never fails.

mod detect;
mod json;
mod meta;
mod named;

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use mime::Mime;

pub use self::json::Utf32;
pub use self::named::named;

/// The encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// One of those that browsers know.
    Web(&'static Encoding),
    /// They do not know this one; JSON was once allowed to be in it.
    Utf32(Utf32),
}

impl Charset {
    /// The name that it has in the Encoding standard.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web(encoding) => encoding.name(),
            Self::Utf32(order) => order.name(),
        }
    }

    /// The text of a body, without its mark.
    pub fn decode(self, body: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Web(encoding) => encoding.decode_with_bom_removal(body).0,
            Self::Utf32(order) => order.decode(body).into(),
        }
    }
}

impl From<&'static Encoding> for Charset {
    fn from(encoding: &'static Encoding) -> Self {
        Self::Web(encoding)
    }
}

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

/// The encoding of a body. `url`: where it is from, a hint where it must be guessed.
pub fn encoding(headers: &HeaderMap, body: &[u8], url: &str) -> Charset {
    let media = Media::of(headers);
    if media == Media::Json
        && let Some(order) = Utf32::for_mark(body)
    {
        return Charset::Utf32(order);
    }
    if let Some((marked, _)) = Encoding::for_bom(body) {
        return marked.into();
    }
    let label = charset(headers);
    // Labels of encodings that are unsafe in a browser mean "replacement" there, which decodes to nothing.
    let named = label
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| *encoding != REPLACEMENT);
    if let Some(named) = named {
        return named.into();
    }
    let named = match media {
        Media::Json => return json::encoding(body),
        Media::Html => meta::of_html(body),
        Media::Xml => meta::of_xml(body),
        Media::Unsaid if looks_like_markup(body) => meta::of_html(body),
        Media::Unsaid | Media::Other => None,
    };
    match named.filter(|encoding| *encoding != REPLACEMENT) {
        Some(named) => named.into(),
        None if detect::is_utf8(body) => UTF_8.into(),
        None => detect::guess(body, url).into(),
    }
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

/// What kind of thing a body is, as far as its encoding depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// It is UTF-8, or another UTF that its first bytes give away.
    Json,
    /// It may say its encoding in a `meta` element.
    Html,
    /// It may say its encoding in a declaration.
    Xml,
    /// There is no `Content-Type`.
    Unsaid,
    Other,
}

impl Media {
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Unsaid;
        };
        let essence = value.as_bytes().split(|byte| *byte == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii().to_ascii_lowercase();
        match essence.as_slice() {
            b"application/json" | b"text/json" | b"application/x-ndjson" | b"application/jsonl" => Self::Json,
            b"text/html" | b"application/xhtml+xml" => Self::Html,
            b"text/xml" | b"application/xml" => Self::Xml,
            other if other.ends_with(b"+json") => Self::Json,
            other if other.ends_with(b"+xml") => Self::Xml,
            b"" => Self::Unsaid,
            _ => Self::Other,
        }
    }
}

fn looks_like_markup(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<') || body.starts_with(b"\0<")
}
