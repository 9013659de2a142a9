//! A file that can be had in parts (RFC 9110, section 14): what downloads are resumed from.
//!
//! One range at a time. `Range` is heeded where `If-Range` is absent or names what the file is now.

use std::ops::Range;

use futures_util::stream::{self, StreamExt};
use http::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, StatusCode};

use super::content::{Content, Cut, pieces_from};
use super::delivery::{OCTETS, find};
use super::reply::{Refusal, Reply, typed, value, with_status};

/// What the query says beside the file's length, which is the path's.
struct Wishes<'a> {
    etag: &'a str,
    modified: Option<&'a str>,
    /// After how many bytes of an answer it breaks off.
    cut: Option<u64>,
    /// After how many bytes of an answer no more comes.
    stall: Option<u64>,
}

/// `length` bytes of the pattern, or the part of them that is asked for.
pub(super) fn file(length: u64, headers: &HeaderMap, query: &[(String, String)]) -> Result<Reply, Refusal> {
    let usual = format!("\"{length}\"");
    let wishes = Wishes {
        etag: find(query, "etag").unwrap_or(&usual),
        modified: find(query, "last-modified"),
        cut: count(query, "cut")?,
        stall: count(query, "stall")?,
    };
    let mut reply = match asked(headers, &wishes) {
        None => answer(&wishes, 0..length),
        Some(text) => match range(text, length) {
            None => {
                let nothing = with_status(StatusCode::RANGE_NOT_SATISFIABLE, typed(OCTETS, Content::EMPTY));
                with_content_range(nothing, &format!("bytes */{length}"))?
            }
            Some(part) => {
                let range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                let part = with_status(StatusCode::PARTIAL_CONTENT, answer(&wishes, part));
                with_content_range(part, &range)?
            }
        },
    };
    let headers = reply.headers_mut();
    headers.insert(ACCEPT_RANGES, value("bytes")?);
    if !wishes.etag.is_empty() {
        headers.insert(ETAG, value(wishes.etag)?);
    }
    if let Some(modified) = wishes.modified {
        headers.insert(LAST_MODIFIED, value(modified)?);
    }
    Ok(reply)
}

/// The range that is asked for, of the file as it is now.
fn asked<'a>(headers: &'a HeaderMap, wishes: &Wishes<'_>) -> Option<&'a str> {
    let range = headers.get(RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let holds = headers.get(IF_RANGE).is_none_or(|condition| {
        let is_weak = wishes.etag.starts_with("W/");
        condition == wishes.etag && !is_weak || wishes.modified.is_some_and(|modified| condition == modified)
    });
    holds.then_some(range)
}

/// None: nothing of it is there.
fn range(text: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) => (first, length),
        (Err(_), Ok(suffix)) => (length.saturating_sub(suffix), length),
        (Err(_), Err(_)) => return None,
    };
    (start < end).then_some(start..end)
}

fn answer(wishes: &Wishes<'_>, part: Range<u64>) -> Reply {
    let length = part.end - part.start;
    let until = |limit: Option<u64>| limit.filter(|limit| *limit < length);
    let content = if let Some(limit) = until(wishes.cut) {
        let frames = stream::iter(pieces_from(part.start, limit).map(Ok)).chain(stream::once(async {
            // Lets hyper write out what it has before it hears of the failure.
            tokio::task::yield_now().await;
            Err(Cut)
        }));
        Content::stream(Some(length), frames)
    } else if let Some(limit) = until(wishes.stall) {
        let frames = stream::iter(pieces_from(part.start, limit).map(Ok)).chain(stream::pending());
        Content::stream(Some(length), frames)
    } else {
        Content::stream(
            Some(length),
            stream::iter(pieces_from(part.start, length).map(Ok)),
        )
    };
    typed(OCTETS, content)
}

fn with_content_range(mut reply: Reply, range: &str) -> Result<Reply, Refusal> {
    reply.headers_mut().insert(CONTENT_RANGE, value(range)?);
    Ok(reply)
}

fn count(query: &[(String, String)], name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = find(query, name) else {
        return Ok(None);
    };
    let count = text.parse();
    count
        .map(Some)
        .map_err(|_| Refusal::bad(format!("{name} must be a number, not {text:?}")))
}
