//! Which path gets which answer. `python/aioxide/testing/__init__.py` has the same list, for users.

use std::convert::Infallible;
use std::future;
use std::sync::Arc;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use serde_json::json;

use super::exchange::{Body, Exchange};
use super::reply::{Refusal, Reply, html, json, text, with_headers};
use super::{Site, coding, delivery, file, mixed, reflection};

/// hyper's service: every request gets a response, or its connection ended first.
pub(super) async fn respond(
    site: Arc<Site>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut exchange = Exchange::begin(&site, &parts);
    let reply = match answer(&site, &parts, body, &exchange).await {
        Ok(reply) => reply,
        Err(refusal) => {
            match &refusal {
                Refusal::Broken(message) => site.faults.record(format!("{}: {message}", parts.uri)),
                Refusal::Gone => exchange.forsake(),
                _ => {}
            }
            refusal.into_reply()
        }
    };
    Ok(exchange.answer(reply))
}

async fn answer(site: &Site, parts: &Parts, body: Incoming, exchange: &Exchange) -> Result<Reply, Refusal> {
    let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    let path = path.as_slice();
    if path == ["hang"] {
        // Before the body is read: a client that is still sending it is to be stuck as well.
        return future::pending().await;
    }
    let (body, length) = exchange.read(body, matches!(path, ["echo", ..])).await?;
    match path {
        ["bytes", count] => Ok(delivery::bytes(number(count)?)),
        ["file", length] => file::file(number(length)?, &parts.headers, &query(parts)),
        [""] => Ok(html(INDEX.to_owned())),
        ["robots.txt"] => Ok(text(ROBOTS)),
        ["json"] => Ok(json(&delivery::sample(0))),
        ["json", count] => delivery::samples(number(count)?),

        ["delay", pause] => delivery::delayed(number(pause)?).await,
        ["hang", "body"] => Ok(delivery::hanging()),
        ["chunked", count, size] => delivery::chunks(number(count)?, number(size)?, 0),
        ["stream", count, size, pause] => delivery::chunks(number(count)?, number(size)?, number(pause)?),
        ["truncated", length] => Ok(delivery::truncated(number(length)?)),
        ["close"] => delivery::closing(),

        ["status", code] => delivery::status(code, &query(parts)),
        ["flaky", name, failures] => delivery::flaky(site, name, number(failures)?, &query(parts)),
        ["redirect", "loop"] => delivery::redirect_to("/redirect/loop", &[]),
        ["redirect", "to"] => delivery::redirect_by_query(&query(parts)),
        ["redirect", hops] => delivery::redirected(number(hops)?),

        ["broken", coding] | [coding @ ("gzip" | "br" | "zstd" | "deflate"), "broken"] => {
            coding::broken(coding)
        }
        [coding @ ("gzip" | "br" | "zstd" | "deflate"), length] => {
            coding::compressed(coding, number(length)?).await
        }
        ["mixed", page] => mixed::answer(number(page)?).await,
        ["charset", label] => coding::charset(label, &query(parts)),

        ["echo"] => Ok(reflection::echo(parts, &query(parts), &body)),
        ["echo", "body"] => Ok(reflection::echo_body(parts, body)),
        ["upload"] => Ok(json(&json!({"length": length}))),
        ["headers"] => with_headers(json(&json!({})), &query(parts)),
        ["cookies"] => Ok(reflection::cookies(parts)),
        ["cookies", "set"] => reflection::set_cookies(&query(parts)),
        ["statistics"] => Ok(reflection::statistics(site)),

        ["site", rest @ ..] => site.shop.answer(rest),
        _ => Err(Refusal::NotFound(format!(
            "this site has no route {}; see / for those it has",
            parts.uri.path()
        ))),
    }
}

/// A number in a path.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse()
        .map_err(|_| Refusal::bad(format!("{text:?} is not a number of the right size")))
}

/// The query, decoded, as pairs in their order.
fn query(parts: &Parts) -> Vec<(String, String)> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

const INDEX: &str = include_str!("index.html");

/// Where a robot would be caught.
const ROBOTS: &str = "User-agent: *\nDisallow: /hang\nDisallow: /redirect/loop\nDisallow: /site/private/\n";
