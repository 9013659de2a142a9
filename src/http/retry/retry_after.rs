//! `Retry-After`: when the server wants to be asked again (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// How long the server wants to be left alone; None if it does not say so in a way that can be understood.
///
/// A number of seconds, or a date in any of the three forms of RFC 9110, section 5.6.7. A date is taken by
/// the server's own clock where the response has a `Date`: that of this machine may be wrong.
pub fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they are no number of ours: for ever.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let now = date(headers, &DATE).unwrap_or(now);
    // Past already: at once.
    Some(until.duration_since(now).unwrap_or_default())
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of the RFC.
    const EXAMPLE: u64 = 784_111_777;

    fn seconds(pairs: &[(HeaderName, &str)], now: u64) -> Option<u64> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        wait(&headers, UNIX_EPOCH + Duration::from_secs(now)).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_number_is_seconds() {
        for (value, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("007", Some(7)),
            (" 5 ", Some(5)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1 2", None),
            ("soon", None),
        ] {
            assert_eq!(seconds(&[(RETRY_AFTER, value)], 0), expected, "{value:?}");
        }
        assert_eq!(seconds(&[], 0), None);
    }

    #[test]
    fn the_first_of_several_counts() {
        assert_eq!(seconds(&[(RETRY_AFTER, "3"), (RETRY_AFTER, "5")], 0), Some(3));
    }

    #[test]
    fn a_date_has_three_forms() {
        for value in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(
                seconds(&[(RETRY_AFTER, value)], EXAMPLE - 30),
                Some(30),
                "{value:?}"
            );
            assert_eq!(
                seconds(&[(RETRY_AFTER, value)], EXAMPLE + 30),
                Some(0),
                "{value:?}"
            );
        }
        for value in [
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 46 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds(&[(RETRY_AFTER, value)], EXAMPLE), None, "{value:?}");
        }
    }

    #[test]
    fn a_date_is_by_the_clock_of_the_server() {
        let retry = (RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT");
        let date = (DATE, "Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(seconds(&[retry.clone(), date], 0), Some(30));
        assert_eq!(seconds(&[retry, (DATE, "today")], EXAMPLE - 7), Some(7));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let base = b"Sunday, 06-Nov-94 08:49:37 GMT";
        for at in 0..base.len() {
            for byte in [0x80, b'9', b' ', b'Z', b'-'] {
                let mut value = base.to_vec();
                value[at] = byte;
                for value in [&value[..], &value[..at]] {
                    let value = http::HeaderValue::from_bytes(value).unwrap();
                    let headers = [(RETRY_AFTER, value.clone()), (DATE, value)]
                        .into_iter()
                        .collect();
                    let _any = wait(&headers, UNIX_EPOCH);
                }
            }
        }
    }
}
