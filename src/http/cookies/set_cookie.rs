//! From a `Set-Cookie` header to a cookie (RFC 6265bis, sections 5.6 and 5.7).
//!
//! What is decided here needs no jar. A header that breaks a rule gives no cookie; none is an error, since a
//! page must not fail for a cookie of it.

use super::cookie::{Cookie, Origin, SameSite, is_forbidden, is_public_suffix};
use super::date;
use crate::http::headers::text_of;

/// How many bytes name and value may have together.
const MOST: usize = 4096;
/// How many bytes the value of an attribute may have; a longer one is passed over.
const MOST_ATTRIBUTE: usize = 1024;
/// 400 days, in seconds: the longest that a server is remembered (RFC 6265bis, section 5.5).
const LONGEST: i64 = 400 * 86_400;

/// The attributes, the last of each name.
#[derive(Debug, Default)]
struct Attributes<'a> {
    /// In seconds since 1970, as `expires` is.
    max_age: Option<i64>,
    expires: Option<i64>,
    /// Without one leading dot.
    domain: Option<&'a [u8]>,
    /// The inner None: the default path.
    path: Option<Option<&'a [u8]>>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
}

/// The cookie that `header`, in a response from `origin`, asks to keep. It may be expired, which asks to forget.
pub fn parse(header: &[u8], origin: &Origin<'_>, now: i64) -> Option<Cookie> {
    parse_with(header, origin, now, is_allowed)
}

/// The same, with another say in what a cookie may claim of itself: told the origin, and whether it has a path.
pub fn parse_with(
    header: &[u8],
    origin: &Origin<'_>,
    now: i64,
    is_allowed: fn(&Cookie, &Origin<'_>, bool) -> bool,
) -> Option<Cookie> {
    if header.iter().copied().any(is_forbidden) {
        return None;
    }
    let mut parts = header.split(|byte| *byte == b';');
    let (name, value) = match split(parts.next()?) {
        (name, Some(value)) => (name, value),
        (value, None) => (&b""[..], value),
    };
    let length = name.len() + value.len();
    if length == 0 || length > MOST {
        return None;
    }
    let attributes = Attributes::parse(parts, now);
    let (domain, host_only) = domain(attributes.domain.unwrap_or_default(), origin)?;
    let path = match attributes.path.flatten() {
        Some(path) => text_of(path).into(),
        None => origin.default_path().into(),
    };
    let cookie = Cookie {
        name: name.into(),
        value: value.into(),
        domain,
        host_only,
        path,
        expires: attributes.max_age.or(attributes.expires),
        secure: attributes.secure,
        http_only: attributes.http_only,
        same_site: attributes.same_site,
    };
    is_allowed(&cookie, origin, attributes.path.is_some()).then_some(cookie)
}

impl<'a> Attributes<'a> {
    fn parse(parts: impl Iterator<Item = &'a [u8]>, now: i64) -> Self {
        let mut found = Self::default();
        for part in parts {
            let (name, value) = split(part);
            let value = value.unwrap_or_default();
            if value.len() > MOST_ATTRIBUTE {
                continue;
            }
            match name.to_ascii_lowercase().as_slice() {
                b"expires" => {
                    let date = date::parse(value).map(|date| date.min(now.saturating_add(LONGEST)));
                    found.expires = date.or(found.expires);
                }
                b"max-age" => {
                    let end = seconds(value).map(|seconds| match seconds {
                        ..=0 => 0,
                        _ => now.saturating_add(seconds.min(LONGEST)),
                    });
                    found.max_age = end.or(found.max_age);
                }
                b"domain" => found.domain = Some(value.strip_prefix(b".").unwrap_or(value)),
                b"path" => found.path = Some(Some(value).filter(|path| path.starts_with(b"/"))),
                b"secure" => found.secure = true,
                b"httponly" => found.http_only = true,
                b"samesite" => found.same_site = SameSite::parse(value),
                _ => {}
            }
        }
        found
    }
}

/// What stands before and after the first `=`, without spaces and tabs around.
fn split(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut halves = part.splitn(2, |byte| *byte == b'=');
    let name = trimmed(halves.next().unwrap_or_default());
    (name, halves.next().map(trimmed))
}

fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// RFC 6265bis, section 5.6.2: digits, perhaps after a minus; else there is no such attribute.
fn seconds(value: &[u8]) -> Option<i64> {
    let (digits, sign) = match value.strip_prefix(b"-") {
        Some(digits) => (digits, -1),
        None => (value, 1),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some(number * sign)
}

/// Steps 7 to 10 of section 5.7: the domain, and whether it is for that host only.
fn domain(asked: &[u8], origin: &Origin<'_>) -> Option<(Box<str>, bool)> {
    let asked = std::str::from_utf8(asked).ok().filter(|asked| asked.is_ascii())?;
    let asked = asked.to_ascii_lowercase();
    if asked.is_empty() {
        return Some((origin.host.into(), true));
    }
    if asked == origin.host {
        let host_only = origin.is_address || is_public_suffix(&asked);
        return Some((asked.into(), host_only));
    }
    (origin.is_below(&asked) && !is_public_suffix(&asked)).then(|| (asked.into(), false))
}

/// Steps 13 and 19 to 22 of section 5.7: what a cookie may claim of itself.
fn is_allowed(cookie: &Cookie, origin: &Origin<'_>, has_path: bool) -> bool {
    if cookie.secure && !origin.secure {
        return false;
    }
    if cookie.same_site == Some(SameSite::None) && !cookie.secure {
        return false;
    }
    keeps_prefix(cookie, has_path)
}

/// What its name promises of it (section 5.7, steps 20 to 22).
pub fn keeps_prefix(cookie: &Cookie, has_path: bool) -> bool {
    // A server that reads the header takes a nameless cookie's value for a name.
    let (name, named) = if cookie.name.is_empty() {
        (&cookie.value, false)
    } else {
        (&cookie.name, true)
    };
    let starts_with = |prefix: &[u8]| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts_with(b"__Secure-") {
        return named && cookie.secure;
    }
    if starts_with(b"__Host-") {
        return named && cookie.secure && cookie.host_only && has_path && *cookie.path == *"/";
    }
    true
}
