//! The body of a response that is read as it comes.
//!
//! Invariant: one reads at a time, with a [`Claim`]. What comes while somebody waits goes into the buffer, and
//! is taken from there by whoever reads; so a read that is cancelled, even after what it waited for has come,
//! loses nothing. The wait itself is tokio's, and looks at the reader under the lock; a wait whose claim is
//! gone does not look any more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::body::Body;
use super::reader::{Patience, Reader};
use crate::error::{Error, Result};
use crate::runtime;

/// How much is kept that came with the head, in bytes.
const AHEAD: usize = 64 * 1024;

/// How often the connection's task may go on before it is believed that no more is here.
const TURNS: u32 = 3;

/// What the longest mark of an encoding has, in bytes.
const BEGINNING: usize = 4;

#[derive(Debug)]
pub struct Stream {
    /// None once it was closed.
    source: Mutex<Option<Box<Source>>>,
    /// Somebody has the claim.
    claimed: AtomicBool,
    patience: Patience,
    /// How many bytes have come.
    received: AtomicU64,
    /// There is no more to read.
    over: AtomicBool,
    /// Which attempt at the request it is.
    attempt: u32,
    epoch: u32,
}

/// The reader, and what it has given that nobody has taken.
#[derive(Debug)]
struct Source {
    reader: Reader,
    buffer: VecDeque<Bytes>,
    buffered: usize,
    /// How far it was looked for the end of a line, and there is none.
    searched: usize,
    /// Why there is no more; whoever reads hears it each time.
    failure: Option<Error>,
    /// The number of the claim that may look.
    turn: u64,
    /// Who waits, to be told when it is closed.
    waker: Option<Waker>,
}

/// What a read is to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The first bytes, which stay.
    Beginning,
    /// Whatever there is next.
    Some,
    /// So many bytes, or what is left.
    Exactly(usize),
    /// Up to and with the next line feed, or what is left.
    Line(LineFeed),
    All,
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
    /// The length of the first line in `pieces` with its end, if it has one, and nothing before `searched`
    /// belongs to that.
    fn find<'a>(self, pieces: impl Iterator<Item = &'a [u8]>, searched: usize) -> Option<usize> {
        let mut before = 0;
        // How many bytes of a character are as they should be.
        let mut matched = 0;
        for piece in pieces {
            let skipped = searched.saturating_sub(before).min(piece.len());
            let rest = piece.get(skipped..).unwrap_or_default();
            if self.width == 1 {
                if let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
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

    /// The length of the first line in `bytes` with its end, or that of the last.
    pub fn line(self, bytes: &[u8]) -> usize {
        self.find(std::iter::once(bytes), 0).unwrap_or(bytes.len())
    }
}

impl Stream {
    /// `attempt`: which attempt at its request it is.
    pub fn new(reader: Reader, attempt: u32) -> Arc<Self> {
        let patience = reader.patience();
        Arc::new(Self {
            source: Mutex::new(Some(Box::new(Source {
                reader,
                buffer: VecDeque::new(),
                buffered: 0,
                searched: 0,
                failure: None,
                turn: 0,
                waker: None,
            }))),
            claimed: AtomicBool::new(false),
            patience,
            received: AtomicU64::new(0),
            over: AtomicBool::new(false),
            attempt,
            epoch: runtime::epoch(),
        })
    }

    /// The whole body, if all of it is here and nobody reads it.
    pub fn whole(self: &Arc<Self>) -> Option<Body> {
        let _claim = self.claim().ok()?;
        self.look(|source| {
            let complete = source.reader.has_ended() && source.failure.is_none();
            complete.then(|| source.take_all()).flatten()
        })
        .flatten()?
        .ok()
    }

    /// Takes in what came with the head, on tokio.
    pub async fn look_ahead(&self) {
        for _ in 0..=TURNS {
            let more = self.look(|source| {
                while source.buffered < AHEAD && !source.is_over() {
                    if !source.has_more_now() {
                        return true;
                    }
                }
                false
            });
            if more != Some(true) {
                return;
            }
            // The body of an answer is handed over just after its head.
            tokio::task::yield_now().await;
        }
    }

    /// The right to read. RuntimeError while somebody has it, once it is closed, and after a fork.
    pub fn claim(self: &Arc<Self>) -> Result<Claim> {
        if self.epoch != runtime::epoch() {
            return Err(Error::runtime(
                "this response is from before a fork, and its connection is the parent's",
            ));
        }
        if self.claimed.swap(true, Ordering::SeqCst) {
            return Err(Error::runtime("this response is being read already"));
        }
        let mut claim = Claim {
            stream: Arc::clone(self),
            turn: 0,
        };
        let turn = self.look(|source| {
            source.turn += 1;
            source.turn
        });
        claim.turn = turn.ok_or_else(closed)?;
        Ok(claim)
    }

    /// None once it was closed, and in a forked child.
    fn look<T>(&self, look: impl FnOnce(&mut Source) -> T) -> Option<T> {
        if self.epoch != runtime::epoch() {
            // Its lock may be held by a thread that is not in this process.
            return None;
        }
        let mut source = self.source.lock();
        let source = source.as_mut()?;
        let outcome = look(source);
        self.received.store(source.reader.received(), Ordering::Relaxed);
        let over = source.buffer.is_empty() && source.reader.has_ended();
        self.over.store(over, Ordering::Relaxed);
        Some(outcome)
    }

    /// What is here of the body, as far as it is in one piece.
    pub fn beginning(&self) -> Bytes {
        self.look(|source| source.buffer.front().cloned())
            .flatten()
            .unwrap_or_default()
    }

    /// How many bytes have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Gives the connection back, or closes it if there is more to come. Who waits for more fails.
    pub fn close(&self) {
        if self.epoch != runtime::epoch() {
            return;
        }
        let source = self.source.lock().take();
        self.over.store(true, Ordering::Relaxed);
        if let Some(waker) = source.and_then(|mut source| source.waker.take()) {
            waker.wake();
        }
    }

    /// Whether it was closed, or read to its end.
    pub fn is_over(&self) -> bool {
        self.epoch != runtime::epoch() || self.over.load(Ordering::Relaxed)
    }
}

fn closed() -> Error {
    Error::runtime("this response has been closed")
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.epoch != runtime::epoch() {
            std::mem::forget(self.source.get_mut().take());
        }
    }
}

/// The right to read a stream, given back when it is dropped.
#[derive(Debug)]
pub struct Claim {
    stream: Arc<Stream>,
    turn: u64,
}

impl Claim {
    /// What is wanted, if it is here already; `Some(Ok(None))` at the end. The outer None: it is not here.
    pub fn now(&self, want: Want) -> Option<Result<Option<Bytes>>> {
        let outcome = self.stream.look(|source| {
            while !source.has(want) && source.has_more_now() {}
            source.take(want)
        });
        self.outcome(outcome)
    }

    /// The same, all that is left of it, in the pieces that came.
    pub fn all_now(&self) -> Option<Result<Body>> {
        let outcome = self.stream.look(|source| {
            while !source.is_over() && source.has_more_now() {}
            source.take_all()
        });
        self.outcome(outcome)
    }

    fn outcome<T>(&self, found: Option<Option<Result<T>>>) -> Option<Result<T>> {
        let found = found.unwrap_or_else(|| Some(Err(closed())))?;
        Some(found.map_err(|error| error.attempt(self.stream.attempt)))
    }

    /// Ends when there is something that `now` gives; to be run on tokio.
    pub fn wait(&self, want: Want) -> impl Future<Output = ()> + Send + 'static {
        let (stream, turn) = (Arc::clone(&self.stream), self.turn);
        async move {
            loop {
                let look = std::future::poll_fn(|cx| stream.poll_more(turn, want, cx).map(Ok));
                match stream.patience.wait(look).await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => {
                        stream.look(|source| {
                            if source.turn == turn {
                                source.failure.get_or_insert(error);
                            }
                        });
                        return;
                    }
                }
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.stream.claimed.store(false, Ordering::SeqCst);
    }
}

impl Stream {
    /// Waits for one more frame; true if there is no need to wait for another.
    fn poll_more(&self, turn: u64, want: Want, cx: &mut Context<'_>) -> Poll<bool> {
        let outcome = self.look(|source| {
            if source.turn != turn {
                // Another reads now, and has its waker in the reader.
                return Poll::Ready(true);
            }
            source.decode(want);
            if source.has(want) {
                return Poll::Ready(true);
            }
            source.waker = Some(cx.waker().clone());
            if let Err(error) = ready!(source.reader.poll_frame(cx)) {
                source.failure = Some(error);
            }
            source.decode(want);
            Poll::Ready(source.has(want))
        });
        outcome.unwrap_or(Poll::Ready(true))
    }
}

impl Source {
    fn is_over(&self) -> bool {
        self.failure.is_some() || self.reader.has_ended()
    }

    /// Whether there is something for [`take`](Self::take).
    fn has(&mut self, want: Want) -> bool {
        self.is_over() || self.length(want).is_some()
    }

    /// Decodes what is here, as far as it is wanted.
    fn decode(&mut self, want: Want) {
        while !self.has(want) && self.has_decoded() {}
    }

    fn has_decoded(&mut self) -> bool {
        match self.reader.decode_next() {
            Ok(Some(piece)) => {
                self.buffered += piece.len();
                self.buffer.push_back(piece);
                return true;
            }
            Ok(None) => {}
            Err(error) => self.failure = Some(error),
        }
        false
    }

    /// Takes in one more piece, or the end; false if nothing is here.
    fn has_more_now(&mut self) -> bool {
        if self.is_over() {
            return false;
        }
        if self.has_decoded() || self.is_over() {
            return true;
        }
        match self.reader.poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => {
                self.failure = Some(error);
                true
            }
        }
    }

    /// Takes what is wanted out of the buffer. The outer None: more must come first.
    fn take(&mut self, want: Want) -> Option<Result<Option<Bytes>>> {
        if let Some(length) = self.length(want) {
            return Some(Ok(Some(match want {
                Want::Beginning => self.beginning(),
                _ => self.cut(length),
            })));
        }
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        if !self.reader.has_ended() {
            return None;
        }
        Some(Ok((self.buffered > 0).then(|| self.cut(self.buffered))))
    }

    fn take_all(&mut self) -> Option<Result<Body>> {
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        self.reader.has_ended().then(|| {
            self.buffered = 0;
            Ok(Body::of(self.buffer.drain(..).collect()))
        })
    }

    /// The length of what is wanted, if that is in the buffer.
    fn length(&mut self, want: Want) -> Option<usize> {
        match want {
            Want::Some => self.buffer.front().map(Bytes::len),
            Want::Beginning => {
                let enough = self.buffered >= BEGINNING || self.is_over();
                (enough && self.buffered > 0).then_some(self.buffered)
            }
            Want::Exactly(size) => (self.buffered >= size).then_some(size),
            Want::Line(feed) => {
                let found = feed.find(self.buffer.iter().map(|piece| &**piece), self.searched);
                if found.is_none() {
                    // A character may have come in part.
                    self.searched = self.buffered - self.buffered % feed.width;
                }
                found
            }
            Want::All => None,
        }
    }

    /// The first piece, or of small ones some.
    fn beginning(&self) -> Bytes {
        match self.buffer.front() {
            Some(first) if first.len() >= BEGINNING => first.clone(),
            _ => self.buffer.iter().take(BEGINNING).flatten().copied().collect(),
        }
    }

    fn cut(&mut self, length: usize) -> Bytes {
        self.searched = 0;
        self.buffered -= length.min(self.buffered);
        match self.buffer.front_mut() {
            Some(first) if first.len() > length => first.split_to(length),
            Some(first) if first.len() == length => self.buffer.pop_front().unwrap_or_default(),
            _ => {
                let mut whole = BytesMut::with_capacity(length);
                while whole.len() < length
                    && let Some(mut piece) = self.buffer.pop_front()
                {
                    let part = piece.split_to(piece.len().min(length - whole.len()));
                    whole.extend_from_slice(&part);
                    if !piece.is_empty() {
                        self.buffer.push_front(piece);
                    }
                }
                whole.freeze()
            }
        }
    }
}
