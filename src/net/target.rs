//! URLs as given: checked, joined to a base, and freed of credentials.
//!
//! The parser is WHATWG's, which repairs what it can. Repairs that would send the request somewhere
//! else than its author may think are refused: `http:///path` has no host, and a line break is an error.
//!
//! Invariant: a URL that leaves this file has the scheme http or https (ws or wss, for a WebSocket), a host that can be sent, and no
//! credentials; those became a header, so that no message, log or exception can show them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

use crate::error::{Error, Kind, Result};

/// A URL that can be requested.
#[derive(Debug, Clone)]
pub struct Target {
    pub url: Url,
    /// What the URL's user and password come to: the value of an `Authorization` header.
    pub authorization: Option<HeaderValue>,
}

/// Parses `text`; relative to `base`, if there is one.
pub fn parse(text: &str, base: Option<&Url>) -> Result<Target> {
    parse_any(text, base, &HTTP)
}

fn parse_any(text: &str, base: Option<&Url>, schemes: &Schemes) -> Result<Target> {
    if let Some(control) = text.bytes().find(u8::is_ascii_control) {
        return Err(invalid(
            text,
            &format!("it has a control character, {control:#04x}"),
        ));
    }
    match Url::parse(text) {
        Ok(url) => {
            has_authority(text, &url, schemes)?;
            checked(url, text, schemes)
        }
        Err(ParseError::RelativeUrlWithoutBase) => match base {
            Some(base) => checked(below(base, text)?, text, schemes),
            None => Err(invalid(text, schemes.missing)),
        },
        Err(error) => Err(invalid(text, &reason(error))),
    }
}

/// The URL of a WebSocket: ws or wss; http and https stand for them, as with browsers and aiohttp.
///
/// RFC 6455, section 3, has no place for a fragment; one is dropped, since it is never sent.
pub fn parse_websocket(text: &str) -> Result<Target> {
    let mut target = parse_any(text, None, &WEBSOCKET)?;
    let scheme = match target.url.scheme() {
        "https" => "wss",
        "http" => "ws",
        other => other,
    }
    .to_owned();
    // Both are special schemes to the parser, which changes one into the other.
    let _ = target.url.set_scheme(&scheme);
    target.url.set_fragment(None);
    Ok(target)
}

/// Which schemes will do, in words.
struct Schemes {
    known: &'static [&'static str],
    listed: &'static str,
    missing: &'static str,
}

const HTTP: Schemes = Schemes {
    known: &["http", "https"],
    listed: "only http and https",
    missing: "it has no scheme: http:// or https://",
};

const WEBSOCKET: Schemes = Schemes {
    known: &["ws", "wss", "http", "https"],
    listed: "only ws and wss",
    missing: "it has no scheme: ws:// or wss://",
};

impl Schemes {
    fn include(&self, url: &Url) -> bool {
        self.known.contains(&url.scheme())
    }
}

/// Parses a client's base: absolute, without query or fragment, its path ending in a slash.
pub fn parse_base(text: &str) -> Result<Target> {
    let mut target = parse(text, None)?;
    if target.url.query().is_some() || target.url.fragment().is_some() {
        return Err(invalid(text, "a base has no query and no fragment"));
    }
    if !target.url.path().ends_with('/') {
        let path = format!("{}/", target.url.path());
        target.url.set_path(&path);
    }
    Ok(target)
}

/// Where a `Location` leads. Resolved by RFC 3986, as links are, and unlike a base's paths.
pub fn join(from: &Url, location: &str) -> Result<Target> {
    match from.join(location) {
        Ok(mut url) => {
            // RFC 9110, section 10.2.2: the fragment goes along.
            if url.fragment().is_none() {
                url.set_fragment(from.fragment());
            }
            checked(url, location, &HTTP)
        }
        Err(error) => Err(invalid(location, &reason(error))),
    }
}

/// Adds an encoded query to what the URL has.
pub fn extend_query(url: &mut Url, query: &str) {
    if query.is_empty() {
        return;
    }
    let whole = match url.query() {
        Some(own) if !own.is_empty() => format!("{own}&{query}"),
        _ => query.to_owned(),
    };
    url.set_query(Some(&whole));
}

/// A path goes below the base's, whether or not it begins with a slash: with the base
/// `http://host/api`, both `users` and `/users` are `http://host/api/users`.
fn below(base: &Url, text: &str) -> Result<Url> {
    let joined = if text.starts_with("//") {
        base.join(text)
    } else if text.is_empty() || text.starts_with(['?', '#']) {
        Url::parse(&format!("{}{text}", base.as_str().trim_end_matches('/')))
    } else {
        Url::parse(&format!("{base}{}", text.trim_start_matches('/')))
    };
    joined.map_err(|error| invalid(text, &reason(error)))
}

/// Refuses `http:host` and `http:///path`, which the parser would repair.
fn has_authority(text: &str, url: &Url, schemes: &Schemes) -> Result<()> {
    let after_scheme = text
        .trim_start_matches(|c: char| c <= ' ')
        .get(url.scheme().len() + 1..)
        .unwrap_or("");
    let named = after_scheme
        .strip_prefix("//")
        .is_some_and(|rest| !rest.starts_with(['/', '\\', '?', '#']) && !rest.is_empty());
    if named || !schemes.include(url) {
        Ok(())
    } else {
        Err(invalid(text, "it has no host"))
    }
}

fn checked(mut url: Url, text: &str, schemes: &Schemes) -> Result<Target> {
    if !schemes.include(&url) {
        let scheme = url.scheme();
        return Err(Error::new(
            Kind::UnsupportedProtocol,
            format!(
                "the scheme '{scheme}' is not supported, {}: {}",
                schemes.listed,
                shown(text)
            ),
        ));
    }
    // What a URL may have in its host and an HTTP request may not.
    if url
        .host_str()
        .is_none_or(|host| host.contains(['"', '`', '{', '}']))
    {
        return Err(invalid(text, "its host is not valid"));
    }
    let authorization = take_credentials(&mut url);
    Ok(Target { url, authorization })
}

/// RFC 7617: user and password, decoded, joined by a colon, in base64.
fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or("")));
    // Both succeed on a URL with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn invalid(text: &str, why: &str) -> Error {
    Error::new(
        Kind::InvalidUrl,
        format!("{} is not a valid URL: {why}", shown(text)),
    )
}

/// The text without what stands before an `@`, which may be a password, and have a slash in it that should
/// have been escaped.
pub fn without_credentials(text: &str) -> String {
    let authority = text.find("://").map_or(0, |colon| colon + 3);
    let (scheme, rest) = text.split_at_checked(authority).unwrap_or(("", text));
    let rest = rest.rsplit('@').next().unwrap_or(rest);
    format!("{scheme}{rest}")
}

/// The same in quotes, and short.
fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let whole = without_credentials(text);
    let short: String = whole.chars().take(LONGEST).collect();
    let dots = if short.len() < whole.len() { "..." } else { "" };
    format!("'{}{dots}'", short.escape_debug())
}

fn reason(error: ParseError) -> String {
    match error {
        ParseError::EmptyHost => "it has no host".into(),
        ParseError::InvalidPort => "its port is not a number up to 65535".into(),
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => "its host is not valid".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        parse(text, None).unwrap_err().kind()
    }

    #[test]
    fn what_cannot_be_requested_is_refused() {
        for text in [
            "",
            "/path",
            "example.com/path",
            "http://",
            "http:///path",
            "http:example.com",
            "http://?q",
            "http://h/a\nb",
            "http://h\r\n/",
            "http://h:99999/",
            "http://{h}/",
            "//host/path",
        ] {
            assert_eq!(kind(text), Kind::InvalidUrl, "{text:?}");
        }
        for text in ["ftp://host/", "localhost:8080/x", "mailto:a@b", "file:///etc"] {
            assert_eq!(kind(text), Kind::UnsupportedProtocol, "{text:?}");
        }
    }

    #[test]
    fn credentials_become_a_header() {
        let target = parse("http://us%40er:p%3Ass@host/x", None).unwrap();
        assert_eq!(target.url.as_str(), "http://host/x");
        let value = target.authorization.unwrap();
        assert!(value.is_sensitive());
        assert_eq!(
            value.to_str().unwrap(),
            format!("Basic {}", STANDARD.encode("us@er:p:ss"))
        );
    }

    #[test]
    fn no_message_shows_credentials() {
        for text in [
            "ftp://user:secret@host/",
            "http://user:secret@/",
            "user:secret@host/path",
            "http://user:secret@host:x/",
            "http://user:sec/secret@host/",
            "//user:secret@host:x/",
            "http:\\\\user:secret@host:x/",
        ] {
            let message = parse(text, None).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn a_base_takes_paths_below_its_own() {
        let base = parse_base("http://host/api").unwrap().url;
        for (text, whole) in [
            ("users", "http://host/api/users"),
            ("/users", "http://host/api/users"),
            ("", "http://host/api"),
            ("?q=1", "http://host/api?q=1"),
            ("https://other/x", "https://other/x"),
            ("//other/x", "http://other/x"),
        ] {
            assert_eq!(parse(text, Some(&base)).unwrap().url.as_str(), whole, "{text:?}");
        }
    }
}
