//! Where the chunks of a body end (RFC 9112, section 7.1), for who wants to know: hyper gives their bytes alone.
//!
//! The framing is read beside hyper, which judges it: what is no framing is not noticed here.

use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the line with the size, of which so much was read; None: the digits are over.
    Size(u64, bool),
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// Before the end of the line after a chunk.
    After,
    /// Behind the last chunk.
    Over,
}

/// The chunks of one body, as they are heard.
#[derive(Debug)]
pub struct Chunks {
    place: Place,
    /// Where the last chunk that was heard of ends, in bytes of the body.
    end: u64,
    /// Where chunks end that nobody has asked for yet.
    ends: VecDeque<u64>,
}

impl Default for Chunks {
    fn default() -> Self {
        Self {
            place: Place::Size(0, false),
            end: 0,
            ends: VecDeque::new(),
        }
    }
}

impl Chunks {
    /// These bytes came.
    pub fn follow(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            match self.place {
                Place::Size(size, over) => {
                    bytes = rest;
                    let digit = char::from(first).to_digit(16).filter(|_| !over);
                    self.place = match (first, digit) {
                        (_, Some(digit)) => {
                            Place::Size(size.saturating_mul(16).saturating_add(digit.into()), false)
                        }
                        (b'\n', None) if size == 0 => Place::Over,
                        (b'\n', None) => {
                            self.end = self.end.saturating_add(size);
                            self.ends.push_back(self.end);
                            Place::Chunk(size)
                        }
                        (_, None) => Place::Size(size, true),
                    };
                }
                Place::Chunk(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(here..).unwrap_or_default();
                    self.place = match left - here as u64 {
                        0 => Place::After,
                        left => Place::Chunk(left),
                    };
                }
                Place::After => {
                    bytes = rest;
                    if first == b'\n' {
                        self.place = Place::Size(0, false);
                    }
                }
                Place::Over => return,
            }
        }
    }

    pub fn are_over(&self) -> bool {
        matches!(self.place, Place::Over)
    }

    /// Whether a chunk ends behind so many bytes of the body. Asked for ever more.
    pub fn end_at(&mut self, read: u64) -> bool {
        while let Some(end) = self.ends.front().copied().filter(|end| *end <= read) {
            self.ends.pop_front();
            if end == read {
                return true;
            }
        }
        false
    }
}

/// Whether a head says that its body comes in chunks.
pub fn come_behind(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding")
            && last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"3\r\none\r\n1A;a=\"b\"\r\nabcdefghijklmnopqrstuvwxyz\r\n00f\r\n123456789012345\r\n0\r\nX: y\r\n\r\n";

    #[test]
    fn they_may_come_byte_by_byte() {
        for cut in 0..BODY.len() {
            let (one, other) = BODY.split_at(cut);
            let mut chunks = Chunks::default();
            chunks.follow(one);
            chunks.follow(other);
            assert!(chunks.are_over());
            let ends: Vec<u64> = (0..=50).filter(|read| chunks.end_at(*read)).collect();
            assert_eq!(ends, [3, 29, 44], "{cut}");
        }
        let mut chunks = Chunks::default();
        for byte in BODY {
            assert!(!chunks.are_over() || *byte != b'0');
            chunks.follow(&[*byte]);
        }
        // Who asks for some only.
        assert!(!chunks.end_at(10) && chunks.end_at(29) && !chunks.end_at(30));
    }

    #[test]
    fn a_head_says_that_they_come() {
        for (head, says) in [
            (
                &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"[..],
                true,
            ),
            (
                b"HTTP/1.1 200 OK\nA: b\ntransfer-encoding:gzip, Chunked \n\n",
                true,
            ),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
                false,
            ),
            (b"HTTP/1.1 200 OK\r\nX: chunked\r\n\r\n", false),
        ] {
            assert_eq!(come_behind(head), says);
        }
    }
}
