//! What a read of a body is to bring, and how the end of that is found in the pieces that are here.

use std::sync::Arc;

/// What a read is to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// The first bytes, which stay.
    Beginning,
    /// Whatever there is next.
    Some,
    /// Up to so many bytes of what is here, and one at the least.
    UpTo(usize),
    /// So many bytes, or what is left.
    Exactly(usize),
    /// Up to and with the next line feed, or what is left.
    Line(LineFeed),
    /// Up to and with the next separator, or what is left; more than its limit, if it is not within that.
    Until(Arc<Separator>),
    All,
    /// That everything has come; nothing of it.
    End,
}

/// What a line feed looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineFeed {
    /// The bytes of a character of its kind: 1, 2 or 4.
    pub width: usize,
    /// Which of them is not zero.
    pub at: usize,
}

impl LineFeed {
    /// Where the first line ends, if it does in `pieces`, before which there are `before` bytes; nothing before
    /// `searched` belongs to that end.
    pub fn find<'a>(
        self,
        pieces: impl Iterator<Item = &'a [u8]>,
        mut before: usize,
        searched: usize,
    ) -> Option<usize> {
        // How many bytes of a character are as they should be.
        let mut matched = 0;
        for piece in pieces {
            let skipped = searched.saturating_sub(before).min(piece.len());
            let rest = piece.get(skipped..).unwrap_or_default();
            if self.width == 1 {
                if let Some(at) = memchr::memchr(b'\n', rest) {
                    return Some(before + skipped + at + 1);
                }
            } else {
                for (at, byte) in (before + skipped..).zip(rest) {
                    let place = at % self.width;
                    let wanted = if place == self.at { b'\n' } else { 0 };
                    let fits = *byte == wanted && matched == place;
                    matched = if fits { matched + 1 } else { 0 };
                    if matched == self.width {
                        return Some(at + 1);
                    }
                }
            }
            before += piece.len();
        }
        None
    }
}

/// What ends a part of a body: some bytes, at least one.
#[derive(Debug, PartialEq, Eq)]
pub struct Separator {
    bytes: Vec<u8>,
    /// How long a part may be with its end, in bytes.
    pub limit: usize,
}

impl Separator {
    /// None for no bytes.
    pub fn new(bytes: &[u8], limit: usize) -> Option<Self> {
        let bytes = bytes.to_vec();
        (!bytes.is_empty()).then_some(Self { bytes, limit })
    }

    /// How many bytes before its end may be the beginning of one.
    pub fn overlap(&self) -> usize {
        self.bytes.len() - 1
    }

    /// Where the first part ends, if it does in `pieces`, before which there are `before` bytes; no end begins
    /// before `searched`.
    pub fn find<'a>(
        &self,
        pieces: impl Iterator<Item = &'a [u8]>,
        mut before: usize,
        searched: usize,
    ) -> Option<usize> {
        let finder = memchr::memmem::Finder::new(&self.bytes);
        // The last bytes before the piece, in which a separator may begin.
        let mut tail: Vec<u8> = Vec::new();
        for piece in pieces {
            let skipped = searched.saturating_sub(before).min(piece.len());
            let rest = piece.get(skipped..).unwrap_or_default();
            let start = before + skipped;
            if !tail.is_empty() {
                let from = start - tail.len();
                let head = rest.get(..self.overlap()).unwrap_or(rest);
                tail.extend_from_slice(head);
                if let Some(at) = finder.find(&tail) {
                    return Some(from + at + self.bytes.len());
                }
                tail.truncate(tail.len() - head.len());
            }
            if let Some(at) = finder.find(rest) {
                return Some(start + at + self.bytes.len());
            }
            tail.extend_from_slice(
                rest.get(rest.len().saturating_sub(self.overlap())..)
                    .unwrap_or_default(),
            );
            tail.drain(..tail.len().saturating_sub(self.overlap()));
            before += piece.len();
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_separator_is_found_wherever_the_pieces_are_cut() {
        let text = b"aab-aabab-ab";
        for separator in [
            &b"a"[..],
            b"-",
            b"ab",
            b"aab",
            b"aabab-",
            b"ab-ab",
            b"-a",
            b"x",
            b"ba-",
        ] {
            let whole = Separator::new(separator, 0).unwrap();
            let wanted = text
                .windows(separator.len())
                .position(|window| window == separator);
            let wanted = wanted.map(|at| at + separator.len());
            for cuts in 0_u32..1 << (text.len() - 1) {
                let mut pieces = vec![Vec::new()];
                for (at, byte) in text.iter().enumerate() {
                    if at > 0 && cuts & (1 << (at - 1)) != 0 {
                        pieces.push(Vec::new());
                    }
                    pieces.last_mut().unwrap().push(*byte);
                }
                let found = |searched| whole.find(pieces.iter().map(Vec::as_slice), 0, searched);
                assert_eq!(found(0), wanted, "{separator:?} in {pieces:?}");
                let begin = wanted.map_or(text.len() - whole.overlap(), |end| end - separator.len());
                assert_eq!(found(begin), wanted, "{separator:?} in {pieces:?} from {begin}");
            }
        }
    }

    #[test]
    fn nothing_separates_nothing() {
        assert_eq!(Separator::new(b"", 9), None);
        let found = Separator::new(b"\n", 9)
            .unwrap()
            .find([&b""[..], b""].into_iter(), 0, 0);
        assert_eq!(found, None);
    }
}
