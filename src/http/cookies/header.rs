//! The value of a `Cookie` header: pairs put together, and two values joined.

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::cookie::Cookie;

/// What is said after the cookies, where it is said last: of the body, and who we are. aiohttp has that order, and
/// some servers know a client by it.
const LAST: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    TRANSFER_ENCODING,
];

/// A value in the making: `name=value; name=value`.
#[derive(Default)]
pub struct Line(Vec<u8>);

impl Line {
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        self.begin();
        // RFC 6265bis, section 5.8.3, step 6: of a nameless one the value only.
        if !name.is_empty() {
            self.0.extend_from_slice(name);
            self.0.push(b'=');
        }
        self.0.extend_from_slice(value);
    }

    /// Adds cookies. One for every host gives way to those of its name that are for this one: the server has
    /// set it since.
    pub fn extend_with(&mut self, cookies: &[&Cookie]) {
        for cookie in cookies {
            let is_outdone = cookie.domain.is_empty()
                && cookies
                    .iter()
                    .any(|other| !other.domain.is_empty() && other.name == cookie.name);
            if !is_outdone {
                self.push(&cookie.name, &cookie.value);
            }
        }
    }

    /// None if nothing was put in. Not shown by `Debug`.
    pub fn into_value(self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_bytes(&self.0).ok()?;
        value.set_sensitive(true);
        (!self.0.is_empty()).then_some(value)
    }

    fn begin(&mut self) {
        if !self.0.is_empty() {
            self.0.extend_from_slice(b"; ");
        }
    }
}

/// The jar's cookies for a request, and those that the request brings itself, which win where names are equal.
pub fn join(jar: Option<HeaderValue>, own: Option<&HeaderValue>) -> Option<HeaderValue> {
    let Some(own) = own.filter(|own| !own.as_bytes().trim_ascii().is_empty()) else {
        return jar;
    };
    let mut line = Line::default();
    if let Some(jar) = &jar {
        let taken: Vec<&[u8]> = pairs(own).map(name).collect();
        for pair in pairs(jar).filter(|pair| !taken.contains(&name(pair))) {
            line.push(b"", pair);
        }
    }
    line.push(b"", own.as_bytes().trim_ascii());
    line.into_value()
}

/// Puts the header where it was, or else before what is said last.
pub fn put(headers: &mut HeaderMap, cookies: HeaderValue) {
    let names: Vec<&HeaderName> = headers.keys().collect();
    let last = names.iter().rev().take_while(|name| LAST.contains(name)).count();
    if last == 0 || headers.contains_key(COOKIE) {
        headers.insert(COOKIE, cookies);
        return;
    }
    let mut before = names.len() - last;
    let all = std::mem::replace(headers, HeaderMap::with_capacity(headers.len() + 1));
    let (mut cookies, mut current) = (Some(cookies), None);
    for (name, value) in all {
        // A value without a name has that of the one before it.
        if let Some(name) = name {
            if before == 0
                && let Some(cookies) = cookies.take()
            {
                headers.insert(COOKIE, cookies);
            }
            before = before.saturating_sub(1);
            current = Some(name);
        }
        if let Some(name) = &current {
            headers.append(name, value);
        }
    }
}

fn pairs(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let pairs = value.as_bytes().split(|byte| *byte == b';');
    pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

/// Without a `=` it has none.
fn name(pair: &[u8]) -> &[u8] {
    let equals = pair.iter().position(|byte| *byte == b'=');
    equals
        .and_then(|equals| pair.get(..equals))
        .unwrap_or_default()
        .trim_ascii()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn they_come_before_what_is_said_of_the_body() {
        for (names, placed) in [
            (&["host", "a"][..], &["host", "a", "cookie"][..]),
            (
                &["a", "content-length", "content-type"],
                &["a", "cookie", "content-length", "content-type"],
            ),
            (
                &["content-type", "a", "authorization"],
                &["content-type", "a", "cookie", "authorization"],
            ),
            (&["expect"], &["cookie", "expect"]),
            (&["cookie", "a", "expect"], &["cookie", "a", "expect"]),
            (&[], &["cookie"]),
        ] {
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(*name, HeaderValue::from_static("1"));
                headers.append(*name, HeaderValue::from_static("2"));
            }
            put(&mut headers, HeaderValue::from_static("x=y"));
            let found: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(found, placed);
            assert_eq!(headers.get(COOKIE).unwrap(), "x=y");
            let kept = names.iter().filter(|name| **name != "cookie");
            assert!(
                kept.into_iter()
                    .all(|name| headers.get_all(*name).iter().count() == 2)
            );
        }
    }

    #[test]
    fn own_cookies_win_over_the_jars() {
        for (jar, own, joined) in [
            (None, None, None),
            (Some("a=1"), None, Some("a=1")),
            (Some("a=1"), Some(""), Some("a=1")),
            (None, Some("a=1;b=2"), Some("a=1;b=2")),
            (Some("a=1; b=2; a=3"), Some("a=9"), Some("b=2; a=9")),
            (Some("a=1; A=2"), Some("a=9; c"), Some("A=2; a=9; c")),
            (Some("x; a=1"), Some("y"), Some("a=1; y")),
            (Some("a=1"), Some(" a = 2"), Some("a = 2")),
        ] {
            let value = |text| HeaderValue::from_str(text).unwrap();
            let got = join(jar.map(value), own.map(value).as_ref());
            assert_eq!(got.as_ref().map(|got| got.to_str().unwrap()), joined);
        }
    }
}
