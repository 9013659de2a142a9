//! The head of an answer as the server wrote it, for who wants names in their own case and order.
//!
//! hyper tells names in lower case, and those that repeat together. So the bytes are heard where they are read
//! from the connection: from the moment a request is sent to the end of the head of its answer, and on to the end of a
//! body in chunks.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::chunks::{self, Chunks};

/// Longer heads are not kept, in bytes; hyper has its own limit.
const MOST: usize = 1024 * 1024;

/// What a connection hears, and the request on it asks for.
#[derive(Debug, Default)]
pub struct Heard {
    listening: AtomicBool,
    ear: Mutex<Ear>,
}

#[derive(Debug, Default)]
struct Ear {
    head: Vec<u8>,
    /// The head has come to its end.
    whole: bool,
    /// Of the body behind it, if that comes in chunks.
    chunks: Option<Chunks>,
}

impl Heard {
    /// A request is about to be sent: what comes is the head of its answer.
    pub fn begin(&self) {
        let mut ear = self.ear.lock();
        ear.head.clear();
        ear.whole = false;
        ear.chunks = None;
        self.listening.store(true, Ordering::Release);
    }

    /// These bytes came.
    pub fn hear(&self, bytes: &[u8]) {
        if !self.listening.load(Ordering::Acquire) || bytes.is_empty() {
            return;
        }
        let goes_on = self.ear.lock().hear(bytes);
        if !goes_on {
            self.listening.store(false, Ordering::Release);
        }
    }

    /// The names in the head that was heard; None if it has not come to its end.
    pub fn names(&self) -> Option<Names> {
        let mut ear = self.ear.lock();
        Names::of(ear.whole.then(|| std::mem::take(&mut ear.head))?)
    }

    /// Whether a chunk ends behind so many bytes of the body.
    pub fn chunk_ends_at(&self, read: u64) -> bool {
        let mut ear = self.ear.lock();
        ear.chunks.as_mut().is_some_and(|chunks| chunks.end_at(read))
    }
}

impl Ear {
    /// Whether there is more to hear.
    fn hear(&mut self, bytes: &[u8]) -> bool {
        if self.whole {
            return self.follow(bytes);
        }
        let mut searched = self.head.len();
        self.head.extend_from_slice(bytes);
        while let Some(end) = end_of_head(&self.head, searched) {
            if !is_interim(&self.head) {
                self.whole = true;
                let body = self.head.split_off(end);
                self.chunks = chunks::come_behind(&self.head).then(Chunks::default);
                return self.follow(&body);
            }
            // What is said before the answer.
            self.head.drain(..end);
            searched = 0;
        }
        self.head.len() <= MOST
    }

    fn follow(&mut self, body: &[u8]) -> bool {
        self.chunks.as_mut().is_some_and(|chunks| {
            chunks.follow(body);
            !chunks.are_over()
        })
    }
}

/// Where the first head ends, its blank line included. What is before `searched` has no end in it.
fn end_of_head(head: &[u8], searched: usize) -> Option<usize> {
    // The end may have come in two parts.
    let from = searched.saturating_sub(3);
    let rest = head.get(from..)?;
    let feeds = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in feeds {
        let after = rest.get(at + 1..).unwrap_or_default();
        let blank = match after {
            [b'\n', ..] => Some(1),
            [b'\r', b'\n', ..] => Some(2),
            _ => None,
        };
        if let Some(blank) = blank {
            return Some(from + at + 1 + blank);
        }
    }
    None
}

/// Whether it is of a status 1xx, which an answer follows; RFC 9110, section 15.2. After 101 comes none.
fn is_interim(head: &[u8]) -> bool {
    let line = head.trim_ascii_start();
    let status = line.iter().position(|byte| *byte == b' ').map(|space| space + 1);
    let status = status.and_then(|at| line.get(at..at + 3)).unwrap_or_default();
    status.starts_with(b"1") && status != b"101"
}

/// The names of an answer's headers, as they were written and in that order.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    head: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Names {
    fn of(head: Vec<u8>) -> Option<Self> {
        let mut places = Vec::with_capacity(16);
        let mut start = 0;
        for (number, line) in head.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let (begin, length) = (start, line.len());
            start += length;
            // The first is the status, and a folded line belongs to the one before.
            let folded = line.starts_with(b" ") || line.starts_with(b"\t");
            if number == 0 || folded {
                continue;
            }
            if let Some(colon) = line.iter().position(|byte| *byte == b':') {
                let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
                places.push(begin..begin + name.len());
            }
        }
        (!head.is_empty()).then_some(Self { head, places })
    }

    /// What stands beside the status: hyper has no words for one that is not ASCII.
    pub fn reason(&self) -> Option<&[u8]> {
        let line = self.head.trim_ascii_start();
        let line = line.split(|byte| *byte == b'\n').next()?;
        let reason = line.splitn(3, |byte| *byte == b' ').nth(2)?.trim_ascii();
        (!reason.is_empty()).then_some(reason)
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let each = self.places.iter();
        each.map(|place| self.head.get(place.clone()).unwrap_or_default())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn heard(pieces: &[&[u8]]) -> Option<Vec<String>> {
        let heard = Heard::default();
        heard.begin();
        for piece in pieces {
            heard.hear(piece);
        }
        let names = heard.names()?;
        let names = names.iter();
        Some(
            names
                .map(|name| String::from_utf8(name.to_vec()).unwrap())
                .collect(),
        )
    }

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nSeRver: x\r\nB: 1\r\nb: 2\r\nLong: a\r\n folded: x\r\n\r\n";

    #[test]
    fn names_are_as_they_were_written() {
        let names = ["SeRver", "B", "b", "Long"].map(String::from).to_vec();
        assert_eq!(heard(&[HEAD]), Some(names.clone()));
        assert_eq!(heard(&[HEAD, b"Body: none\r\n\r\n"]), Some(names.clone()));
        assert_eq!(heard(&[&[HEAD, b"Body: none\r\n"].concat()]), Some(names));
    }

    #[test]
    fn the_reason_is_what_stands_beside_the_status() {
        let reason = |line: &[u8]| {
            let names = Names::of([line, b"\r\nA: b\r\n\r\n"].concat()).unwrap();
            names.reason().map(<[u8]>::to_vec)
        };
        assert_eq!(reason(b"HTTP/1.1 404 Not Found"), Some(b"Not Found".to_vec()));
        assert_eq!(
            reason("\r\nHTTP/1.1 200 Zażółć".as_bytes()),
            Some("Zażółć".into())
        );
        assert_eq!(reason(b"HTTP/1.1 200 "), None);
        assert_eq!(reason(b"HTTP/1.1 200"), None);
    }

    #[test]
    fn a_head_may_come_byte_by_byte() {
        for end in 1..HEAD.len() {
            let (one, other) = HEAD.split_at(end);
            assert_eq!(heard(&[one, other]).unwrap().len(), 4, "{end}");
            assert_eq!(heard(&[one]), None);
        }
    }

    #[test]
    fn what_comes_before_the_answer_is_passed_over() {
        let early: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
        let whole = [early, early, b"HTTP/1.1 204 No Content\n Date: x\nA: y\n\n"].concat();
        assert_eq!(heard(&[&whole]), Some(vec!["A".into()]));
        for end in 1..whole.len() {
            let (one, other) = whole.split_at(end);
            assert_eq!(heard(&[one, other]), Some(vec!["A".into()]), "{end}");
        }
        let switch: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nA: b\r\n\r\n";
        assert_eq!(heard(&[switch]), Some(vec!["Upgrade".into()]));
    }
}
