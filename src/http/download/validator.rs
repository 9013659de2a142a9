//! What tells one state of a file on a server from another: a strong `ETag`, or a date that is as good
//! (RFC 9110, sections 8.8 and 13.1.5). Pure: headers in, headers out.

use std::time::Duration;

use http::header::{DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Of this age at least, seconds by the server's own clock, a date is a strong validator: a file may change
/// twice in a second.
const SETTLED: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    Tag(String),
    Date(String),
}

impl Validator {
    /// None: parts of this file cannot be put together.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(ETAG) {
            // A date must not be used where there is a tag, even if that is weak.
            return Some(Self::Tag(only(headers, &ETAG)?)).filter(Self::is_sound);
        }
        let date = only(headers, &LAST_MODIFIED)?;
        let changed = httpdate::parse_http_date(&date).ok()?;
        let now = httpdate::parse_http_date(&only(headers, &DATE)?).ok()?;
        let age = now.duration_since(changed).ok()?;
        (age >= SETTLED).then_some(Self::Date(date))
    }

    /// The value for `If-Range`, unless it could not be one.
    pub fn if_range(&self) -> Option<HeaderValue> {
        let (Self::Tag(text) | Self::Date(text)) = self;
        HeaderValue::from_str(text).ok().filter(|_| self.is_sound())
    }

    /// Whether the headers are those of another state of the file. Servers that do not know `If-Range` send a
    /// part of whatever they have now.
    pub fn contradicts(&self, headers: &HeaderMap) -> bool {
        let (name, ours) = match self {
            Self::Tag(tag) => (ETAG, tag),
            Self::Date(date) => (LAST_MODIFIED, date),
        };
        headers.get_all(name).iter().any(|theirs| theirs != ours)
    }

    fn is_sound(&self) -> bool {
        match self {
            // A weak one begins with W.
            Self::Tag(tag) => tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"'),
            Self::Date(date) => httpdate::parse_http_date(date).is_ok(),
        }
    }
}

fn only(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::to_owned),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const A_SECOND_AGO: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_strong_tag_is_one() {
        let validator = Validator::of(&headers(&[(ETAG, "\"x\"")])).unwrap();
        assert_eq!(validator, Validator::Tag("\"x\"".into()));
        assert_eq!(validator.if_range().unwrap(), "\"x\"");
    }

    #[test]
    fn a_weak_tag_is_none_and_hides_the_date() {
        let dates = [(DATE, NOW), (LAST_MODIFIED, A_SECOND_AGO)];
        for tag in ["W/\"x\"", "x", "\"", ""] {
            let mut all = dates.to_vec();
            all.push((ETAG, tag));
            assert_eq!(Validator::of(&headers(&all)), None, "{tag}");
        }
        assert_eq!(
            Validator::of(&headers(&dates)),
            Some(Validator::Date(A_SECOND_AGO.into()))
        );
    }

    #[test]
    fn a_date_of_just_now_is_none() {
        for pairs in [
            &[(DATE, NOW), (LAST_MODIFIED, NOW)][..],
            &[(DATE, A_SECOND_AGO), (LAST_MODIFIED, NOW)],
            &[(LAST_MODIFIED, A_SECOND_AGO)],
            &[(DATE, NOW), (LAST_MODIFIED, "yesterday")],
        ] {
            assert_eq!(Validator::of(&headers(pairs)), None, "{pairs:?}");
        }
    }

    #[test]
    fn another_tag_contradicts_and_none_does_not() {
        let ours = Validator::Tag("\"x\"".into());
        assert!(ours.contradicts(&headers(&[(ETAG, "\"y\"")])));
        assert!(!ours.contradicts(&headers(&[(ETAG, "\"x\"")])));
        assert!(!ours.contradicts(&headers(&[(LAST_MODIFIED, NOW)])));
    }
}
