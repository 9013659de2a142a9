//! Routes about how an answer arrives: its length, its pace, its status, where it sends the client.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use http::header::CONNECTION;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Site;
use super::content::{Content, Cut, PIECE, pattern, pieces};
use super::reply::{Refusal, Reply, json, redirect, text, typed, with_headers, with_status};

pub(super) const OCTETS: &str = "application/octet-stream";

/// The longest list that `/json/{n}` makes.
const LONGEST_LIST: usize = 1_000_000;

/// `length` bytes: the route of the benches, so it makes nothing.
pub(super) fn bytes(length: u64) -> Reply {
    typed(OCTETS, Content::Pattern(length))
}

/// An object with a value of each kind.
pub(super) fn sample(id: usize) -> Value {
    json!({
        "id": id,
        "name": format!("item {id}"),
        "price": id as f64 + 0.5,
        "tags": ["tin", "naïve", "日本"],
        "available": id.is_multiple_of(2),
        "parent": null,
    })
}

pub(super) fn samples(count: usize) -> Result<Reply, Refusal> {
    if count > LONGEST_LIST {
        return Err(Refusal::bad(format!("a list has at most {LONGEST_LIST} objects")));
    }
    Ok(json(&Value::Array((0..count).map(sample).collect())))
}

/// An answer after so many milliseconds.
pub(super) async fn delayed(milliseconds: u64) -> Result<Reply, Refusal> {
    sleep(Duration::from_millis(milliseconds)).await;
    Ok(json(&json!({"delay": milliseconds})))
}

/// A head that promises a body, a first byte of it, and no more.
pub(super) fn hanging() -> Reply {
    let frames = stream::iter([Ok(pattern(1))]).chain(stream::pending());
    typed(OCTETS, Content::stream(Some(2), frames))
}

/// `count` pieces of `size` bytes without a content-length, a pause before each but the first.
pub(super) fn chunks(count: u64, size: usize, milliseconds: u64) -> Result<Reply, Refusal> {
    if size == 0 || size > PIECE {
        return Err(Refusal::bad(format!("a piece has 1 to {PIECE} bytes")));
    }
    let pause = Duration::from_millis(milliseconds);
    let frames = stream::iter(0..count).then(move |index| async move {
        if index > 0 && !pause.is_zero() {
            sleep(pause).await;
        }
        Ok(pattern(size))
    });
    Ok(typed(OCTETS, Content::stream(None, frames)))
}

/// Half of the bytes that the head promises, then the end of the connection.
pub(super) fn truncated(length: u64) -> Reply {
    let frames = stream::iter(pieces(length / 2).map(Ok)).chain(stream::once(async {
        // Lets hyper write out what it has before it hears of the failure.
        tokio::task::yield_now().await;
        Err(Cut)
    }));
    typed(OCTETS, Content::stream(Some(length), frames))
}

/// An answer on a connection that takes no further request.
pub(super) fn closing() -> Result<Reply, Refusal> {
    let mut reply = text("closing\n");
    reply
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(reply)
}

/// That status, with the query's pairs as headers.
pub(super) fn status(code: &str, headers: &[(String, String)]) -> Result<Reply, Refusal> {
    let status = status_code(code)?;
    let reply = if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        // HTTP allows them no body.
        Response::new(Content::EMPTY)
    } else {
        text(format!("{status}\n"))
    };
    with_headers(with_status(status, reply), headers)
}

/// Fails the first `failures` times that this name is asked for: 503, or the query's `status`. The rest
/// of the query are headers of the failures.
pub(super) fn flaky(
    site: &Site,
    name: &str,
    failures: u64,
    query: &[(String, String)],
) -> Result<Reply, Refusal> {
    let attempt = {
        let mut attempts = site.flaky.lock();
        let attempt = attempts.entry(name.to_owned()).or_default();
        *attempt += 1;
        *attempt
    };
    if attempt > failures {
        return Ok(json(&json!({"attempt": attempt})));
    }
    let code = find(query, "status").unwrap_or("503");
    let headers: Vec<_> = query
        .iter()
        .filter(|(name, _)| name != "status")
        .cloned()
        .collect();
    status(code, &headers)
}

/// So many hops until an answer.
pub(super) fn redirected(hops: u32) -> Result<Reply, Refusal> {
    match hops.checked_sub(1) {
        Some(left) => redirect_to(&format!("/redirect/{left}"), &[]),
        None => Ok(text("landed\n")),
    }
}

/// To the query's `url`, with the query's `status`, or 302.
pub(super) fn redirect_by_query(query: &[(String, String)]) -> Result<Reply, Refusal> {
    let url = find(query, "url").ok_or_else(|| Refusal::bad("the query has no url"))?;
    redirect_to(url, query)
}

pub(super) fn redirect_to(url: &str, query: &[(String, String)]) -> Result<Reply, Refusal> {
    redirect(status_code(find(query, "status").unwrap_or("302"))?, url)
}

pub(super) fn find<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn status_code(text: &str) -> Result<StatusCode, Refusal> {
    // hyper has no way to make a final answer of the 1xx.
    StatusCode::from_bytes(text.as_bytes())
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or_else(|| Refusal::bad(format!("{text:?} is no status from 200 to 999")))
}
