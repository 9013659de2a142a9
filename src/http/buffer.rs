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
    /// How far it was looked for the end of what is wanted, and there is none.
    searched: usize,
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
            self.pieces.push_back(piece);
        }
    }

    /// Puts back what was taken.
    pub fn unread(&mut self, piece: Bytes) {
        self.searched = 0;
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_front(piece);
        }
    }

    /// Something else is wanted than before.
    pub fn search_anew(&mut self) {
        self.searched = 0;
    }

    /// The first piece, or of small ones some.
    pub fn beginning(&self) -> Bytes {
        match self.pieces.front() {
            Some(first) if first.len() >= BEGINNING => first.clone(),
            _ => self.pieces.iter().take(BEGINNING).flatten().copied().collect(),
        }
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
                let found = feed.find(self.pieces.iter().map(|piece| &**piece), self.searched);
                if found.is_none() {
                    // A character may have come in part.
                    self.searched = self.length - self.length % feed.width;
                }
                found
            }
            Want::Until(separator) => {
                let pieces = self.pieces.iter().map(|piece| &**piece);
                let found = separator.find(pieces, self.searched);
                if found.is_none() {
                    self.searched = self.length.saturating_sub(separator.overlap());
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
        self.searched = 0;
        self.length = 0;
        self.pieces.drain(..).collect()
    }

    fn cut(&mut self, length: usize) -> Bytes {
        self.searched = 0;
        self.length -= length.min(self.length);
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
