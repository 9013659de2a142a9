//! What has come of a body and nobody has taken, in the pieces that came.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::want::Want;

/// What the longest mark of an encoding has, in bytes.
const BEGINNING: usize = 4;

/// Invariant: no piece is empty, and `length` is that of all of them.
#[derive(Debug, Default)]
pub struct Buffer {
    pieces: VecDeque<Bytes>,
    length: usize,
    searched: Searched,
    /// How much was put in, and of that taken out, in bytes.
    pushed: u64,
    taken: u64,
    /// Where a chunk ends, of what was put in; none of them twice.
    marks: VecDeque<u64>,
}

/// How far it was looked for the end of what is wanted, and there is none. With it the place to go on from: to
/// begin with the first piece each time would take a long time with many small ones.
#[derive(Debug, Default, Clone, Copy)]
struct Searched {
    to: usize,
    /// The piece in which that is.
    piece: usize,
    /// How long those before that piece are.
    before: usize,
}

impl FromIterator<Bytes> for Buffer {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut buffer = Self::default();
        for piece in pieces {
            buffer.push(piece);
        }
        buffer
    }
}

impl Buffer {
    /// In bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn first(&self) -> Option<&Bytes> {
        self.pieces.front()
    }

    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pushed += piece.len() as u64;
            self.pieces.push_back(piece);
        }
    }

    /// A chunk ends with what was put in last.
    pub fn mark(&mut self) {
        if self.marks.back() != Some(&self.pushed) {
            self.marks.push_back(self.pushed);
        }
    }

    /// Whether a chunk ends with what was taken last.
    pub fn is_at_mark(&mut self) -> bool {
        while self.marks.front().is_some_and(|mark| *mark < self.taken) {
            self.marks.pop_front();
        }
        self.marks.front() == Some(&self.taken)
    }

    /// Puts back what was taken.
    pub fn unread(&mut self, piece: Bytes) {
        self.search_anew();
        if !piece.is_empty() {
            self.length += piece.len();
            self.taken = self.taken.saturating_sub(piece.len() as u64);
            self.pieces.push_front(piece);
        }
    }

    /// Something else is wanted than before.
    pub fn search_anew(&mut self) {
        self.searched = Searched::default();
    }

    /// There is no end before `to`, which is not far from the end of what is here.
    fn searched_to(&mut self, to: usize) {
        let (mut piece, mut before) = (self.pieces.len(), self.length);
        while before > to
            && let Some(last) = piece.checked_sub(1).and_then(|last| self.pieces.get(last))
        {
            piece -= 1;
            before -= last.len();
        }
        self.searched = Searched { to, piece, before };
    }

    /// The first piece, or of small ones some.
    pub fn beginning(&self) -> Bytes {
        match self.pieces.front() {
            Some(first) if first.len() >= BEGINNING => first.clone(),
            _ => self.pieces.iter().take(BEGINNING).flatten().copied().collect(),
        }
    }

    /// The pieces from this one on.
    fn from(&self, piece: usize) -> impl Iterator<Item = &[u8]> {
        let piece = piece.min(self.pieces.len());
        self.pieces.range(piece..).map(|piece| &**piece)
    }

    /// The length of what is wanted, if that is here. `over`: no more comes.
    pub fn find(&mut self, want: &Want, over: bool) -> Option<usize> {
        match want {
            Want::Some => self.pieces.front().map(Bytes::len),
            Want::UpTo(0) => Some(0),
            Want::UpTo(size) => (self.length > 0).then_some(self.length.min(*size)),
            Want::Beginning => {
                let enough = self.length >= BEGINNING || over;
                (enough && self.length > 0).then_some(self.length)
            }
            Want::Exactly(size) => (self.length >= *size).then_some(*size),
            Want::Line(feed) => {
                let Searched { to, piece, before } = self.searched;
                let found = feed.find(self.from(piece), before, to);
                if found.is_none() {
                    // A character may have come in part.
                    self.searched_to(self.length - self.length % feed.width);
                }
                found
            }
            Want::Until(separator) => {
                let Searched { to, piece, before } = self.searched;
                let found = separator.find(self.from(piece), before, to);
                if found.is_none() {
                    self.searched_to(self.length.saturating_sub(separator.overlap()));
                }
                found.or_else(|| (self.length > separator.limit).then_some(self.length))
            }
            Want::All | Want::End => None,
        }
    }

    /// What is wanted, if it is here.
    pub fn take(&mut self, want: &Want, over: bool) -> Option<Bytes> {
        let length = self.find(want, over)?;
        Some(match want {
            Want::Beginning => self.beginning(),
            _ => self.cut(length),
        })
    }

    /// What is wanted, or what is left in its place, since no more comes.
    pub fn take_last(&mut self, want: &Want) -> Option<Bytes> {
        self.take(want, true).or_else(|| self.take_rest(want))
    }

    /// What there is in place of what is wanted, since no more comes.
    pub fn take_rest(&mut self, want: &Want) -> Option<Bytes> {
        (*want != Want::End && self.length > 0).then(|| self.cut(self.length))
    }

    pub fn drain(&mut self) -> Vec<Bytes> {
        self.search_anew();
        self.length = 0;
        self.taken = self.pushed;
        self.marks.clear();
        self.pieces.drain(..).collect()
    }

    /// The same; what is between two marks is one piece.
    pub fn drain_by_marks(&mut self) -> Vec<Bytes> {
        let mut pieces = Vec::with_capacity(self.marks.len() + 1);
        while let Some(mark) = self.marks.pop_front() {
            let length = usize::try_from(mark.saturating_sub(self.taken)).unwrap_or(usize::MAX);
            if length > 0 {
                pieces.push(self.cut(length));
            }
        }
        pieces.append(&mut self.drain());
        pieces
    }

    fn cut(&mut self, length: usize) -> Bytes {
        self.search_anew();
        let length = length.min(self.length);
        self.length -= length;
        self.taken += length as u64;
        match self.pieces.front_mut() {
            Some(first) if first.len() > length => first.split_to(length),
            Some(first) if first.len() == length => self.pieces.pop_front().unwrap_or_default(),
            _ => {
                let mut whole = BytesMut::with_capacity(length);
                while whole.len() < length
                    && let Some(mut piece) = self.pieces.pop_front()
                {
                    let part = piece.split_to(piece.len().min(length - whole.len()));
                    whole.extend_from_slice(&part);
                    if !piece.is_empty() {
                        self.pieces.push_front(piece);
                    }
                }
                whole.freeze()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::http::want::{LineFeed, Separator};

    #[test]
    fn many_small_pieces_are_looked_through_once() {
        let separator = Arc::new(Separator::new(b"end", usize::MAX).unwrap());
        let utf16 = LineFeed { width: 2, at: 0 };
        for (want, end) in [
            (Want::Until(separator), &b"end"[..]),
            (Want::Line(LineFeed { width: 1, at: 0 }), b"\n"),
            (Want::Line(utf16), b"\n\0"),
        ] {
            let mut buffer = Buffer::default();
            // With a look at each piece for each that comes it would take minutes.
            for _ in 0..300_000 {
                buffer.push(Bytes::from_static(b"e"));
                assert_eq!(buffer.find(&want, false), None);
            }
            for byte in end {
                assert_eq!(buffer.find(&want, false), None);
                buffer.push(Bytes::copy_from_slice(&[*byte]));
            }
            let length = 300_000 + end.len();
            assert_eq!(buffer.find(&want, false), Some(length));
            assert_eq!(buffer.take(&want, false).unwrap().len(), length);
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn it_knows_where_chunks_end() {
        let mut buffer = Buffer::default();
        for piece in [&b"on"[..], b"e|", b"two|", b"thr"] {
            buffer.push(Bytes::from_static(piece));
            if piece.ends_with(b"|") {
                buffer.mark();
                buffer.mark();
            }
        }
        let mut found = Vec::new();
        for _ in 0..2 {
            found.push((buffer.take(&Want::Some, false).unwrap(), buffer.is_at_mark()));
        }
        assert_eq!(found, [(Bytes::from("on"), false), (Bytes::from("e|"), true)]);
        buffer.unread(Bytes::from_static(b"|"));
        assert_eq!(buffer.take(&Want::UpTo(3), false).as_deref(), Some(&b"|tw"[..]));
        assert!(!buffer.is_at_mark());
        assert_eq!(buffer.take(&Want::Some, false).as_deref(), Some(&b"o|"[..]));
        assert!(buffer.is_at_mark());
        buffer.push(Bytes::from_static(b"ee"));
        buffer.mark();
        buffer.push(Bytes::from_static(b"rest"));
        assert_eq!(buffer.drain_by_marks(), [&b"three"[..], b"rest"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn it_is_looked_on_where_it_was_left_off() {
        let separator = Arc::new(Separator::new(b"--x", 100).unwrap());
        let want = Want::Until(separator);
        let mut buffer = Buffer::default();
        for piece in [&b"a-"[..], b"-", b"-", b"x-", b"-x"] {
            buffer.push(Bytes::from_static(piece));
            buffer.find(&want, false);
        }
        assert_eq!(buffer.take(&want, false).as_deref(), Some(&b"a---x"[..]));
        assert_eq!(buffer.take(&want, false).as_deref(), Some(&b"--x"[..]));
        buffer.push(Bytes::from_static(b"ab"));
        assert_eq!(buffer.take(&want, false), None);
        buffer.unread(Bytes::from_static(b"-"));
        buffer.unread(Bytes::from_static(b"-"));
        buffer.push(Bytes::from_static(b"--x"));
        assert_eq!(buffer.take(&want, false).as_deref(), Some(&b"--ab--x"[..]));
    }
}
