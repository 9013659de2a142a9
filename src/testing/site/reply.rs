//! What a route answers: a reply, or a refusal that says why.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::content::Content;

/// A response whose body has not been told yet to whom it belongs.
pub(super) type Reply = Response<Content>;

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Refusal {
    /// 404: no route has this path, or the route has nothing there.
    NotFound(String),
    /// 400: the sentence says what is wrong with the request.
    Bad(String),
    /// 413: more than so many bytes.
    TooLarge(usize),
    /// 500, and a fault of the site's.
    Broken(String),
    /// The client went away while it was being heard.
    Gone,
}

impl Refusal {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::Bad(message.into())
    }

    pub(super) fn into_reply(self) -> Reply {
        let (status, message) = match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, format!("not found: {what}\n")),
            Self::Bad(message) => (StatusCode::BAD_REQUEST, format!("bad request: {message}\n")),
            Self::TooLarge(limit) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {limit} bytes\n"),
            ),
            Self::Broken(message) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{message}\n")),
            Self::Gone => (StatusCode::BAD_REQUEST, String::new()),
        };
        with_status(status, text(message))
    }
}

pub(super) fn typed(content_type: &'static str, content: Content) -> Reply {
    let mut reply = Response::new(content);
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

pub(super) fn text(text: impl Into<Bytes>) -> Reply {
    typed("text/plain; charset=utf-8", Content::Whole(text.into()))
}

pub(super) fn html(page: String) -> Reply {
    typed("text/html; charset=utf-8", Content::Whole(page.into()))
}

pub(super) fn json(value: &Value) -> Reply {
    typed("application/json", Content::Whole(value.to_string().into()))
}

pub(super) fn with_status(status: StatusCode, mut reply: Reply) -> Reply {
    *reply.status_mut() = status;
    reply
}

/// A redirect: 302, or any other status.
pub(super) fn redirect(status: StatusCode, location: &str) -> Result<Reply, Refusal> {
    let mut reply = with_status(status, text(format!("see {location}\n")));
    reply.headers_mut().insert(LOCATION, value(location)?);
    Ok(reply)
}

/// Adds the headers to those it has; a name that it has already is replaced, one given twice is sent twice.
pub(super) fn with_headers(mut reply: Reply, pairs: &[(String, String)]) -> Result<Reply, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, given) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Refusal::bad(format!("{name:?} is no name of a header")))?;
        headers.append(name, value(given)?);
    }
    reply.headers_mut().extend(headers);
    Ok(reply)
}

pub(super) fn value(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| Refusal::bad(format!("{text:?} cannot be the value of a header")))
}
