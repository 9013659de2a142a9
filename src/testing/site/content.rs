//! What a response's body is made of.
//!
//! Wherever a route answers "n bytes", byte `i` of them is byte `i % 64` of one alphabet, so that whoever
//! reads them can tell a lost piece from a short one, and the server copies nothing to send them.

use std::fmt;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use http_body::SizeHint;

/// What [`pattern`] repeats. Its length divides [`PIECE`], so pieces join without a seam.
const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-\n";

/// The largest piece of a long body, in bytes: hyper takes it whole, and asks for the next when the
/// socket has taken it.
pub(super) const PIECE: usize = 256 * 1024;

static PATTERN: LazyLock<Bytes> = LazyLock::new(|| ALPHABET.repeat(PIECE / ALPHABET.len()).into());

/// The first `length` bytes of the pattern, at most [`PIECE`] of them. Shared, not copied.
pub(super) fn pattern(length: usize) -> Bytes {
    PATTERN.slice(..length.min(PIECE))
}

/// The pieces of `length` bytes of the pattern.
pub(super) fn pieces(length: u64) -> impl Iterator<Item = Bytes> {
    let mut left = length;
    std::iter::from_fn(move || {
        let piece = pattern(usize::try_from(left).unwrap_or(PIECE));
        left -= piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The pieces of the pattern from byte `start` on, `length` bytes of them.
pub(super) fn pieces_from(start: u64, length: u64) -> impl Iterator<Item = Bytes> {
    let into = usize::try_from(start % ALPHABET.len() as u64).unwrap_or(0);
    let first = PATTERN.slice(into..);
    let first = first.slice(..first.len().min(usize::try_from(length).unwrap_or(PIECE)));
    // The first piece ends where the alphabet does.
    let rest = pieces(length - first.len() as u64);
    std::iter::once(first)
        .filter(|piece| !piece.is_empty())
        .chain(rest)
}

/// The connection is to end here, with the body unfinished: what `/truncated` is for.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off on purpose")
    }
}

impl std::error::Error for Cut {}

/// The rest of a body that is being sent.
pub(super) enum Content {
    /// Sent in one piece.
    Whole(Bytes),
    /// So many bytes of the pattern, from its beginning.
    Pattern(u64),
    /// Sent as it comes.
    Stream(Frames),
}

/// A body in pieces, with its length if it is to be declared.
pub(super) struct Frames {
    pieces: BoxStream<'static, Result<Bytes, Cut>>,
    declared: Option<u64>,
    ended: bool,
}

impl Content {
    pub(super) const EMPTY: Self = Self::Whole(Bytes::new());

    pub(super) fn stream(
        declared: Option<u64>,
        pieces: impl Stream<Item = Result<Bytes, Cut>> + Send + 'static,
    ) -> Self {
        Self::Stream(Frames {
            pieces: pieces.boxed(),
            declared,
            ended: false,
        })
    }

    /// The next piece, or the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let piece = match self {
            Self::Whole(whole) => std::mem::take(whole),
            Self::Pattern(left) => {
                let piece = pattern(usize::try_from(*left).unwrap_or(PIECE));
                *left -= piece.len() as u64;
                piece
            }
            Self::Stream(frames) => {
                let piece = ready!(Pin::new(&mut frames.pieces).poll_next(cx));
                frames.ended = piece.is_none();
                return Poll::Ready(piece);
            }
        };
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }

    /// Whether there is nothing left to send.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_empty(),
            Self::Pattern(left) => *left == 0,
            Self::Stream(frames) => frames.ended,
        }
    }

    /// What hyper declares as the content-length, if it is exact.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.len() as u64),
            Self::Pattern(left) => SizeHint::with_exact(*left),
            Self::Stream(frames) => frames
                .declared
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => write!(f, "Whole({} bytes)", whole.len()),
            Self::Pattern(left) => write!(f, "Pattern({left} bytes)"),
            Self::Stream(frames) => write!(f, "Stream({:?} bytes)", frames.declared),
        }
    }
}
