//! The head of an HTTP/1.1 message, as it is read before the stream is a WebSocket's.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, header};
use tokio::io::AsyncReadExt;

use crate::error::{Cause, What};
use crate::net::failure::{innermost, of_io};
use crate::net::stream::Stream;

/// How long a head may be, in bytes, and how many headers it may have.
const LONGEST: usize = 64 * 1024;
const MOST_HEADERS: usize = 256;

/// Why there is none.
#[derive(Debug)]
pub enum Fault {
    /// The stream ended before it.
    Ended,
    Broken(io::Error),
    TooLong,
    NotHttp,
}

impl Fault {
    pub fn in_words(&self) -> String {
        match self {
            Self::Ended => "the connection was closed".into(),
            Self::Broken(error) => innermost(error),
            Self::TooLong => format!("a head of more than {LONGEST} bytes"),
            Self::NotHttp => "what came is not HTTP/1.1".into(),
        }
    }
}

impl Fault {
    /// What lies under it.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Ended => Cause::new(What::Ended, self.in_words()),
            Self::Broken(error) => of_io(error),
            Self::TooLong | Self::NotHttp => Cause::new(What::Said, self.in_words()),
        }
    }
}

/// Reads up to the blank line. What came behind it stays in `buffer`.
pub async fn read(stream: &mut Stream, buffer: &mut BytesMut) -> Result<BytesMut, Fault> {
    let mut seen = 0_usize;
    loop {
        let from = seen.saturating_sub(3);
        let new = buffer.get(from..).unwrap_or_default();
        if let Some(end) = new.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(buffer.split_to(from + end + 4));
        }
        seen = buffer.len();
        if seen > LONGEST {
            return Err(Fault::TooLong);
        }
        buffer.reserve(4096);
        match stream.read_buf(buffer).await {
            Ok(0) => return Err(Fault::Ended),
            Ok(_) => {}
            Err(error) => return Err(Fault::Broken(error)),
        }
    }
}

/// The status line of an answer, and its headers.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    pub headers: HeaderMap,
}

pub fn parse_answer(head: &[u8]) -> Result<Answer, Fault> {
    let mut room = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut room);
    match (parsed.parse(head), parsed.code) {
        (Ok(httparse::Status::Complete(_)), Some(status)) => Ok(Answer {
            status,
            reason: parsed.reason.unwrap_or("").to_owned(),
            headers: collect(parsed.headers)?,
        }),
        _ => Err(Fault::NotHttp),
    }
}

/// The request line of a client, and its headers.
#[derive(Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Whether it is HTTP/1.1, which the upgrade needs.
    pub is_recent: bool,
    pub headers: Arc<HeaderMap>,
}

pub fn parse_request(head: &[u8]) -> Result<Asked, Fault> {
    let mut room = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut room);
    match (parsed.parse(head), parsed.method, parsed.path) {
        (Ok(httparse::Status::Complete(_)), Some(method), Some(path)) => Ok(Asked {
            method: method.to_owned(),
            path: path.to_owned(),
            is_recent: parsed.version == Some(1),
            headers: Arc::new(collect(parsed.headers)?),
        }),
        _ => Err(Fault::NotHttp),
    }
}

fn collect(parsed: &[httparse::Header<'_>]) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::with_capacity(parsed.len());
    for one in parsed {
        let name = HeaderName::from_bytes(one.name.as_bytes()).map_err(|_| Fault::NotHttp)?;
        let mut value = HeaderValue::from_bytes(one.value.trim_ascii()).map_err(|_| Fault::NotHttp)?;
        value.set_sensitive(crate::net::headers::is_secret(&name));
        headers.append(name, value);
    }
    Ok(headers)
}

/// What is behind the question mark of a path as it was sent; empty if there is none.
pub fn query(path: &str) -> &str {
    path.split_once('?').map_or("", |(_, query)| query)
}

/// Whether one of the values of `name`, a list, is `token`, whatever its case.
pub fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, &name).any(|one| one.eq_ignore_ascii_case(token))
}

/// The entries of a header that is a list, over all its lines.
pub fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let entries = texts.flat_map(|text| text.split(','));
    entries.map(str::trim).filter(|entry| !entry.is_empty())
}

/// All lines of a header that is a list, as one.
pub fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    texts.join(", ")
}

/// What a WebSocket's handshake itself says, and nobody else may.
pub fn is_reserved(name: &HeaderName) -> bool {
    [
        header::UPGRADE,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::SEC_WEBSOCKET_ACCEPT,
        header::SEC_WEBSOCKET_EXTENSIONS,
        header::SEC_WEBSOCKET_KEY,
        header::SEC_WEBSOCKET_PROTOCOL,
        header::SEC_WEBSOCKET_VERSION,
    ]
    .contains(name)
}

/// Adds `name: value` and a line's end.
pub fn add(text: &mut Vec<u8>, name: &str, value: &[u8]) {
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}
