//! What the head of an answer means for a download. Pure.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};

use super::range::ContentRange;
use super::validator::Validator;
use crate::http::reader::Reader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the file, from its beginning. Its length, if that is known.
    Begin { length: Option<u64> },
    /// It is what follows on what is here: up to `end`, of a file that is so long.
    GoOn { end: u64, complete: Option<u64> },
    /// All of it is here.
    Complete,
    /// It does not go with what is here: the whole is to be asked for.
    AskAnew,
    /// It is a part that nobody has asked for.
    Unasked,
    /// It is not the file.
    Refused,
}

impl Verdict {
    /// `asked`: from where on it was asked for, and of what; None: the whole. `coded`: what comes is not what
    /// is to be written.
    pub fn of(
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<&(u64, Validator)>,
        coded: bool,
    ) -> Self {
        match (status, asked) {
            (StatusCode::PARTIAL_CONTENT, None) => Self::Unasked,
            (StatusCode::PARTIAL_CONTENT, Some((from, ours))) if !coded && !ours.contradicts(headers) => {
                match ContentRange::of(headers) {
                    Some(ContentRange::Part {
                        first,
                        last,
                        complete,
                    }) if first == *from && has_length(headers, last - first + 1) => Self::GoOn {
                        end: last + 1,
                        complete,
                    },
                    _ => Self::AskAnew,
                }
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some((from, ours))) => match ContentRange::of(headers) {
                Some(ContentRange::Nothing { complete })
                    if complete == *from && !ours.contradicts(headers) =>
                {
                    Self::Complete
                }
                _ => Self::AskAnew,
            },
            (StatusCode::PARTIAL_CONTENT, Some(_)) => Self::AskAnew,
            _ if status.is_success() => Self::Begin {
                length: Reader::promised(headers).filter(|_| !coded),
            },
            _ => Self::Refused,
        }
    }
}

fn has_length(headers: &HeaderMap, length: u64) -> bool {
    !headers.contains_key(CONTENT_LENGTH) || Reader::promised(headers) == Some(length)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{CONTENT_RANGE, ETAG};

    use super::*;

    fn of(status: u16, range: &'static str, tag: &'static str, asked: bool, coded: bool) -> Verdict {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, HeaderValue::from_static(range));
        headers.insert(ETAG, HeaderValue::from_static(tag));
        let ours = (10, Validator::Tag("\"x\"".into()));
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Verdict::of(status, &headers, asked.then_some(&ours), coded)
    }

    #[test]
    fn a_part_must_be_the_one_that_follows() {
        let (end, complete) = (30, Some(30));
        assert_eq!(
            of(206, "bytes 10-29/30", "\"x\"", true, false),
            Verdict::GoOn { end, complete }
        );
        assert_eq!(of(206, "bytes 9-29/30", "\"x\"", true, false), Verdict::AskAnew);
        assert_eq!(of(206, "bytes 10-29/30", "\"y\"", true, false), Verdict::AskAnew);
        assert_eq!(of(206, "bytes 10-29/30", "\"x\"", true, true), Verdict::AskAnew);
        assert_eq!(of(206, "", "\"x\"", true, false), Verdict::AskAnew);
        assert_eq!(of(206, "bytes 0-29/30", "\"x\"", false, false), Verdict::Unasked);
    }

    #[test]
    fn what_is_complete_is_as_long_as_what_is_here() {
        assert_eq!(of(416, "bytes */10", "\"x\"", true, false), Verdict::Complete);
        assert_eq!(of(416, "bytes */9", "\"x\"", true, false), Verdict::AskAnew);
        assert_eq!(of(416, "bytes */10", "\"y\"", true, false), Verdict::AskAnew);
        assert_eq!(of(416, "", "\"x\"", true, false), Verdict::AskAnew);
        assert_eq!(of(416, "bytes */10", "\"x\"", false, false), Verdict::Refused);
    }

    #[test]
    fn other_successes_are_the_file_and_nothing_else_is() {
        for asked in [true, false] {
            assert_eq!(of(200, "", "", asked, false), Verdict::Begin { length: None });
            for status in [302, 304, 404, 503] {
                assert_eq!(of(status, "", "", asked, false), Verdict::Refused);
            }
        }
    }
}
