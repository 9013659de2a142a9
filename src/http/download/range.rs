//! `Content-Range` (RFC 9110, section 14.4), of bytes.

use http::HeaderMap;
use http::header::CONTENT_RANGE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentRange {
    /// What came. `last` is the last byte of it; the complete length may not be known.
    Part {
        first: u64,
        last: u64,
        complete: Option<u64>,
    },
    /// Nothing of what was asked for is there; the complete length.
    Nothing { complete: u64 },
}

impl ContentRange {
    /// None where there is none, or none that makes sense.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_RANGE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (unit, rest) = value.to_str().ok()?.trim().split_once(' ')?;
        let (range, complete) = rest.trim_start().split_once('/')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        if range == "*" {
            let complete = number(complete)?;
            return Some(Self::Nothing { complete });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let complete = match complete {
            "*" => None,
            text => Some(number(text)?),
        };
        let holds = first <= last && complete.is_none_or(|complete| last < complete);
        holds.then_some(Self::Part {
            first,
            last,
            complete,
        })
    }
}

/// Digits and nothing else: no sign. The largest is left out, so that one more is a number too.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten()?;
    (number < u64::MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(value: &'static str) -> Option<ContentRange> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, HeaderValue::from_static(value));
        ContentRange::of(&headers)
    }

    #[test]
    fn what_is_one() {
        let part = |first, last, complete| {
            Some(ContentRange::Part {
                first,
                last,
                complete,
            })
        };
        assert_eq!(of("bytes 5-9/20"), part(5, 9, Some(20)));
        assert_eq!(of("bytes 0-0/*"), part(0, 0, None));
        assert_eq!(of("BYTES  19-19/20"), part(19, 19, Some(20)));
        assert_eq!(of("bytes */20"), Some(ContentRange::Nothing { complete: 20 }));
    }

    #[test]
    fn what_is_none() {
        for value in [
            "",
            "bytes",
            "bytes 5-9",
            "bytes 9-5/20",
            "bytes 5-20/20",
            "bytes +5-9/20",
            "bytes -9/20",
            "bytes 5-/20",
            "bytes 5-9/",
            "bytes */*",
            "lines 5-9/20",
            "bytes 0-18446744073709551615/*",
            "bytes 0-99999999999999999999/*",
        ] {
            assert_eq!(of(value), None, "{value}");
        }
    }
}
