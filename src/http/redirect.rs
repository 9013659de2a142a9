//! Where a redirect leads, and what of the request goes there.

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE,
    COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

use super::headers::text;
use super::request::Outgoing;
use super::target;
use super::upload::Payload;
use crate::error::{Cause, Error, Kind, Result, What};

/// The request that follows `sent`, if the answer to it is a redirect that names its target.
///
/// `downgrade`: it may lead from https to http. RemoteProtocol or UnsupportedProtocol if the target cannot be requested.
pub fn next(
    sent: &Outgoing,
    status: StatusCode,
    headers: &HeaderMap,
    downgrade: bool,
) -> Option<Result<Outgoing>> {
    if !leads(status) {
        return None;
    }
    let location = named(headers)?;
    Some(follow(sent, status, &text(location), downgrade))
}

/// Whether a response with this status leads to the URL in its `Location`.
pub fn leads(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What `Location` names. Where it is empty it names nothing, as for curl: by the letter of RFC 3986 it would be the
/// same page again, which is no way out.
pub fn named(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(LOCATION).filter(|value| !value.is_empty())
}

/// Where the response would have led, without credentials.
pub fn location(headers: &HeaderMap) -> Option<Cause> {
    let location = text(named(headers)?).into_owned();
    Some(Cause::new(What::Location, target::without_credentials(&location)))
}

fn follow(sent: &Outgoing, status: StatusCode, location: &str, downgrade: bool) -> Result<Outgoing> {
    let next = target::join(&sent.url, location).map_err(|error| match error.kind() {
        Kind::UnsupportedProtocol => error,
        // It is the server that is wrong.
        _ => Error::new(
            Kind::RemoteProtocol,
            format!("the redirect cannot be followed: {error}"),
        ),
    })?;
    if !downgrade && sent.url.scheme() == "https" && next.url.scheme() == "http" {
        return Err(Error::new(
            Kind::RemoteProtocol,
            format!(
                "the redirect from https to {} is not followed; allow_downgrade=True allows it",
                next.url
            ),
        ));
    }
    let mut headers = sent.headers.clone();
    if origin_changes(&sent.url, &next.url) {
        for name in [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, HOST] {
            headers.remove(name);
        }
        let secret = |(name, value): (&HeaderName, &HeaderValue)| value.is_sensitive().then(|| name.clone());
        for name in headers.iter().filter_map(secret).collect::<Vec<_>>() {
            headers.remove(name);
        }
    }
    if let Some(authorization) = next.authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    let becomes_get = becomes_get(&sent.method, status);
    if !becomes_get && !sent.body.is_replayable() {
        return Err(Error::new(
            Kind::LocalProtocol,
            format!(
                "the body was a stream and cannot be sent again, as the redirect to {} wants it",
                next.url
            ),
        ));
    }
    if becomes_get {
        for name in [
            CONTENT_TYPE,
            CONTENT_LENGTH,
            CONTENT_ENCODING,
            CONTENT_LANGUAGE,
            CONTENT_LOCATION,
            TRANSFER_ENCODING,
        ] {
            headers.remove(name);
        }
    }
    Ok(Outgoing {
        method: if becomes_get {
            Method::GET
        } else {
            sent.method.clone()
        },
        url: next.url,
        target: None,
        headers,
        body: if becomes_get {
            Payload::Nothing
        } else {
            sent.body.clone()
        },
    })
}

/// RFC 9110, section 15.4: after 303 the target is to be fetched; 301 and 302 turn POST into GET,
/// because everybody does that; 307 and 308 change nothing.
fn becomes_get(method: &Method, status: StatusCode) -> bool {
    match status {
        StatusCode::SEE_OTHER => method != Method::GET && method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
        _ => false,
    }
}

/// Whether what was meant for one server would reach another. From http to https of the same host
/// there is nothing to fear (and everybody does it): only the default ports, so that it is one server.
pub fn origin_changes(from: &Url, to: &Url) -> bool {
    if from.host_str() != to.host_str() {
        return true;
    }
    let upgrade = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port_or_known_default() == Some(80)
        && to.port_or_known_default() == Some(443);
    let same = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    !same && !upgrade
}
