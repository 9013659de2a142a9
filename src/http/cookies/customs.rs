//! What aiohttp's cookie jar does in other ways than RFC 6265bis, for the jars of its drop-in.
//!
//! Programs see these: cookies of hosts that are addresses are ignored; a request has one cookie of each name, that
//! of the longest domain and path; values are quoted, or not; a Secure cookie may come in the clear, though it
//! leaves over TLS only; `localhost` is a host as any other. Where aiohttp is less safe, the RFC stays: public
//! suffixes, the prefixes of names, and that no clear response hides a secure cookie.

use std::borrow::Cow;
use std::collections::HashSet;

use url::Url;

use super::cookie::{Cookie, Origin, is_forbidden};
use super::set_cookie;

/// How many cookies a request may have, and how long its header may be, with its name.
const MOST: usize = 150;
const LONGEST: usize = 8190;

#[derive(Debug)]
pub struct Customs {
    /// Whether hosts that are addresses have cookies.
    pub addresses: bool,
    /// Whether values are sent in quotes if they need them; else without those they came in.
    pub quoted: bool,
    /// Origins to which secure cookies are sent although they do not speak TLS.
    pub trusted: Vec<Url>,
}

impl Customs {
    pub fn ignores(&self, origin: &Origin<'_>) -> bool {
        origin.is_address && !self.addresses
    }

    pub fn is_secure(&self, url: &Url) -> bool {
        matches!(url.scheme(), "https" | "wss") || self.trusted.iter().any(|one| one.origin() == url.origin())
    }

    /// The cookie that a header asks to keep.
    pub fn parse(&self, header: &[u8], origin: &Origin<'_>, now: i64) -> Option<Cookie> {
        let cookie = set_cookie::parse_with(header, origin, now, |cookie, _, has_path| {
            set_cookie::keeps_prefix(cookie, has_path)
        })?;
        let unquoted = unquoted(&cookie.value);
        // With a `;` out of its quotes it would be two.
        let breaks = |byte: &u8| is_forbidden(*byte) || *byte == b'\t' || (*byte == b';' && !self.quoted);
        let is_sound = !unquoted.iter().any(breaks) && is_name(&cookie.name);
        is_sound.then_some(cookie)
    }

    /// Of the cookies for a request, the closest last, those that go with it, with their values as they are sent.
    pub fn chosen<'a>(
        &self,
        mut cookies: Vec<&'a Cookie>,
        origin: &Origin<'_>,
    ) -> Vec<(&'a [u8], Cow<'a, [u8]>)> {
        if self.ignores(origin) {
            cookies.retain(|cookie| cookie.domain.is_empty());
        }
        let mut seen = HashSet::new();
        let mut left = LONGEST - "Cookie: ".len() + "; ".len();
        let mut chosen = Vec::new();
        for cookie in cookies.into_iter().rev() {
            if !seen.insert(&*cookie.name) || chosen.len() == MOST {
                continue;
            }
            let value = self.sent(&cookie.value);
            let length = cookie.name.len() + value.len() + "=; ".len();
            if length <= left {
                left -= length;
                chosen.push((&*cookie.name, value));
            }
        }
        chosen.reverse();
        chosen
    }

    fn sent<'a>(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        match (self.quoted, value.first()) {
            (true, Some(b'"')) => value.into(),
            (true, _) => quoted(value),
            (false, _) => unquoted(value),
        }
    }
}

/// What aiohttp takes for a name: printable ASCII, without some that have a meaning.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

/// Whether `http.cookies` sends it without quotes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte)
}

/// As `http.cookies` quotes: what is not plain is an octal escape, but for these. Characters beyond Latin-1 stay.
fn quoted(value: &[u8]) -> Cow<'_, [u8]> {
    const UNESCAPED: &[u8] = b" ()/<=>?@[]{}";
    if !value.is_empty() && value.iter().all(|byte| is_plain(*byte)) {
        return value.into();
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return value.into();
    };
    let mut line = String::from("\"");
    for letter in text.chars() {
        match u8::try_from(u32::from(letter)) {
            Ok(b'"') => line.push_str("\\\""),
            Ok(b'\\') => line.push_str("\\\\"),
            Ok(byte) if !is_plain(byte) && !UNESCAPED.contains(&byte) => {
                line.push_str(&format!("\\{byte:03o}"));
            }
            _ => line.push(letter),
        }
    }
    line.push('"');
    line.into_bytes().into()
}

/// Without quotes around it, and the escapes within them.
fn unquoted(value: &[u8]) -> Cow<'_, [u8]> {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let Some(inner) = inner else {
        return value.into();
    };
    if !inner.contains(&b'\\') {
        return inner.into();
    }
    let mut bare = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' || rest.is_empty() {
            bare.push(*first);
        } else if let Some(letter) = octal(rest) {
            bare.extend_from_slice(letter.encode_utf8(&mut [0; 2]).as_bytes());
            rest = rest.get(3..).unwrap_or_default();
        } else if let Some((escaped, after)) = rest.split_first() {
            bare.push(*escaped);
            rest = after;
        }
    }
    bare.into()
}

/// The character of three octal digits, up to 377.
fn octal(text: &[u8]) -> Option<char> {
    let digits = text.get(..3)?;
    let is_octal = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let number = digits.iter().fold(0_u32, |number, digit| {
        number * 8 + u32::from(digit.wrapping_sub(b'0'))
    });
    (is_octal && number <= 0o377)
        .then(|| char::from_u32(number))
        .flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_python_does() {
        for (bare, line) in [
            ("abc:1", "abc:1"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("{\"a\":1,2}", "\"{\\\"a\\\":1\\0542}\""),
            ("a;b", "\"a\\073b\""),
            ("\u{e4}\u{2713}", "\"\\344\u{2713}\""),
            ("a\\b", "\"a\\\\b\""),
        ] {
            assert_eq!(quoted(bare.as_bytes()), line.as_bytes());
            assert_eq!(unquoted(line.as_bytes()), bare.as_bytes());
        }
    }

    #[test]
    fn what_is_not_in_quotes_stays() {
        for text in ["", "\"", "a\\054", "\"a", "a\""] {
            assert_eq!(unquoted(text.as_bytes()), text.as_bytes());
        }
        assert_eq!(&*unquoted(b"\"\\477\\x\\\""), b"477x\\");
    }
}
