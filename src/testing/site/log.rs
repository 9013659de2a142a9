//! What the server saw of each request: the last ones in full, all of them counted by path.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::{HeaderMap, Method, Version, request::Parts};
use parking_lot::Mutex;

/// How many requests are kept. The tests look at fewer; the bound is there for a site left running.
const KEPT: usize = 10_000;

/// In [`Seen::body`]: not read to its end.
const UNREAD: u64 = u64::MAX;

#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    recent: VecDeque<Arc<Seen>>,
    paths: HashMap<String, u64>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) authority: String,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    body: AtomicU64,
}

impl Seen {
    fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            target: target(parts),
            authority: authority(parts),
            version: parts.version,
            headers: parts.headers.clone(),
            body: AtomicU64::new(UNREAD),
        }
    }

    /// The body was read to its end, and was so long.
    pub(super) fn read(&self, length: u64) {
        self.body.store(length, Relaxed);
    }

    /// The body's length in bytes; `None` if it was not read to its end.
    pub(super) fn body_length(&self) -> Option<u64> {
        Some(self.body.load(Relaxed)).filter(|&length| length != UNREAD)
    }
}

impl Log {
    pub(super) fn record(&self, parts: &Parts) -> Arc<Seen> {
        let seen = Arc::new(Seen::of(parts));
        let mut lists = self.0.lock();
        match lists.paths.get_mut(parts.uri.path()) {
            Some(count) => *count += 1,
            None => drop(lists.paths.insert(parts.uri.path().to_owned(), 1)),
        }
        if lists.recent.len() == KEPT {
            lists.recent.pop_front();
        }
        lists.recent.push_back(seen.clone());
        seen
    }

    /// The last requests, the oldest first.
    pub(super) fn recent(&self) -> Vec<Arc<Seen>> {
        self.0.lock().recent.iter().cloned().collect()
    }

    pub(super) fn paths(&self) -> HashMap<String, u64> {
        self.0.lock().paths.clone()
    }
}

/// The target as the request line had it. HTTP/2 has none: there it is path and query.
pub(super) fn target(parts: &Parts) -> String {
    match parts.uri.path_and_query() {
        Some(target) if parts.version == Version::HTTP_2 => target.to_string(),
        _ => parts.uri.to_string(),
    }
}

/// Whom the client asked for: HTTP/2's `:authority`, or the Host header, or nothing.
pub(super) fn authority(parts: &Parts) -> String {
    match (parts.uri.authority(), parts.headers.get(http::header::HOST)) {
        (Some(authority), _) => authority.to_string(),
        (None, Some(host)) => String::from_utf8_lossy(host.as_bytes()).into_owned(),
        (None, None) => String::new(),
    }
}
