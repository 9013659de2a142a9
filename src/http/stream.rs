//! The body of a response that is read as it comes.
//!
//! Invariant: one reads at a time, with a [`Claim`]. What comes while somebody waits goes into the buffer, and
//! is taken from there by whoever reads; so a read that is cancelled, even after what it waited for has come,
//! loses nothing. The wait itself is tokio's, and looks at the reader under the lock; a wait whose claim is
//! gone does not look any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use parking_lot::Mutex;

use super::body::Body;
use super::buffer::Buffer;
use super::reader::{Patience, Reader, SHORT};
use super::want::Want;
use crate::error::{Error, Result};
use crate::runtime;

/// How much is kept that came with the head, in bytes.
const AHEAD: usize = 64 * 1024;

/// How much is put together for who takes what is here, in bytes.
const TOGETHER: usize = 256 * 1024;

/// How often the connection's task may go on before it is believed that no more is here.
const TURNS: u32 = 3;

#[derive(Debug)]
pub struct Stream {
    /// None once it was closed.
    source: Mutex<Option<Box<Source>>>,
    /// Somebody has the claim.
    claimed: AtomicBool,
    patience: Patience,
    /// How many bytes have come.
    received: AtomicU64,
    /// How many bytes came of that, decoded.
    decoded: AtomicU64,
    /// There is no more to read.
    over: AtomicBool,
    /// Everything has come.
    whole: AtomicBool,
    /// Which attempt at the request it is.
    attempt: u32,
    epoch: u32,
}

/// The reader, and what it has given that nobody has taken.
#[derive(Debug)]
struct Source {
    reader: Reader,
    buffer: Buffer,
    /// Why there is no more; whoever reads hears it each time.
    failure: Option<Error>,
    /// The number of the claim that may look.
    turn: u64,
    /// Who waits, to be told when it is closed.
    waker: Option<Waker>,
}

impl Stream {
    /// `attempt`: which attempt at its request it is.
    pub fn new(reader: Reader, attempt: u32) -> Arc<Self> {
        let patience = reader.patience();
        Arc::new(Self {
            source: Mutex::new(Some(Box::new(Source {
                reader,
                buffer: Buffer::default(),
                failure: None,
                turn: 0,
                waker: None,
            }))),
            claimed: AtomicBool::new(false),
            patience,
            received: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            over: AtomicBool::new(false),
            whole: AtomicBool::new(false),
            attempt,
            epoch: runtime::epoch(),
        })
    }

    /// Takes in what came with the head, on tokio.
    pub async fn look_ahead(&self) {
        self.gather(AHEAD, |_| true).await;
    }

    /// Goes on taking in what comes, on tokio, until somebody reads, as much waits as is kept, or all has come: a
    /// response that nobody reads yet then has given its connection back.
    pub fn read_on(self: &Arc<Self>) {
        let stream = Arc::downgrade(self);
        tokio::spawn(std::future::poll_fn(move |cx| {
            let Some(stream) = stream.upgrade() else {
                return Poll::Ready(());
            };
            let outcome = stream.look(|source| {
                while source.turn == 0 && source.buffer.len() < TOGETHER && !source.is_over() {
                    if source.has_decoded() {
                        continue;
                    }
                    source.waker = Some(cx.waker().clone());
                    if let Err(error) = ready!(source.reader.poll_frame(cx)) {
                        source.failure = Some(error);
                    }
                }
                Poll::Ready(())
            });
            outcome.unwrap_or(Poll::Ready(()))
        }));
    }

    /// Takes in what comes just now, up to so many bytes, on tokio; only while it `may`.
    async fn gather(&self, most: usize, may: impl Fn(&Source) -> bool) {
        for _ in 0..=TURNS {
            let more = self.look(|source| {
                while may(source) && source.buffer.len() < most && !source.is_over() {
                    if !source.has_more_now() {
                        return true;
                    }
                }
                false
            });
            if more != Some(true) {
                return;
            }
            // What is in the connection's buffer is handed over one piece a turn.
            tokio::task::yield_now().await;
        }
    }

    /// The body, if it is all here and nothing of it was read; this is closed then.
    pub fn whole(&self) -> Option<Body> {
        let mut held = self.source.lock();
        let source = held
            .as_mut()
            .filter(|source| source.failure.is_none() && source.reader.has_ended())?;
        let pieces = source
            .buffer
            .drain_by_marks()
            .into_iter()
            .map(|piece| match piece.len() {
                // A part of the connection's buffer keeps all of it.
                ..=SHORT => Bytes::copy_from_slice(&piece),
                _ => piece,
            });
        let body = Body::of(pieces.collect());
        *held = None;
        self.over.store(true, Ordering::Relaxed);
        Some(body)
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
            source.buffer.search_anew();
            (source.turn, source.waker.take())
        });
        let (turn, before) = turn.ok_or_else(closed)?;
        claim.turn = turn;
        if let Some(waker) = before {
            // Whose turn it was has to end: nothing wakes it from now on.
            waker.wake();
        }
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
        self.decoded.store(source.reader.decoded(), Ordering::Relaxed);
        let whole = source.reader.has_ended();
        self.whole.store(whole, Ordering::Relaxed);
        self.over
            .store(whole && source.buffer.is_empty(), Ordering::Relaxed);
        Some(outcome)
    }

    /// What is here of the body, as far as it is in one piece.
    pub fn beginning(&self) -> Bytes {
        self.look(|source| source.buffer.first().cloned())
            .flatten()
            .unwrap_or_default()
    }

    /// How many bytes have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// How many bytes came of that, decoded.
    pub fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }

    /// Whether everything has come, taken or not; true after a close, too, if it had.
    pub fn is_whole(self: &Arc<Self>) -> bool {
        self.look_on(|source| source.buffer.len() < AHEAD);
        self.whole.load(Ordering::Relaxed)
    }

    /// Whether everything has come and was taken.
    pub fn is_drained(self: &Arc<Self>) -> bool {
        let empty = self.look_on(|source| source.buffer.is_empty());
        empty.unwrap_or(true) && self.whole.load(Ordering::Relaxed)
    }

    /// Takes in what is here while `more` is true, unless somebody waits for it; what it says at last.
    fn look_on(self: &Arc<Self>, more: impl Fn(&Source) -> bool) -> Option<bool> {
        // Without the claim it would take the place of who waits, who would not be woken then.
        let claim = self.claim();
        self.look(|source| {
            while claim.is_ok() && more(source) && source.has_more_now() {}
            more(source)
        })
    }

    /// Puts back what was taken. RuntimeError once it is closed.
    pub fn unread(&self, piece: Bytes) -> Result<()> {
        let done = self.look(|source| source.buffer.unread(piece));
        done.ok_or_else(closed)
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
        } else if let Some(waker) = self
            .source
            .get_mut()
            .take()
            .and_then(|mut source| source.waker.take())
        {
            waker.wake();
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
    pub fn now(&self, want: &Want) -> Option<Result<Option<Bytes>>> {
        let outcome = self.stream.look(|source| {
            source.end_if_late();
            while source.is_short_of(want) && source.has_more_now() {}
            source.take(want)
        });
        self.outcome(outcome)
    }

    /// Whether what was taken last was the end of a chunk.
    pub fn ends_chunk(&self) -> bool {
        let outcome = self.stream.look(|source| source.buffer.is_at_mark());
        outcome.unwrap_or(false)
    }

    /// The same, all that is left of it, in the pieces that came.
    pub fn all_now(&self) -> Option<Result<Body>> {
        let outcome = self.stream.look(|source| {
            source.end_if_late();
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
                let look = std::future::poll_fn(|cx| stream.poll_more(turn, &want, cx).map(Ok));
                match stream.patience.wait(look).await {
                    Ok(true) => break,
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
            if let Want::UpTo(most) = want {
                // One trip to the loop for what comes in many pieces.
                stream
                    .gather(most.min(TOGETHER), |source| source.turn == turn)
                    .await;
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
    fn poll_more(&self, turn: u64, want: &Want, cx: &mut Context<'_>) -> Poll<bool> {
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
    fn has(&mut self, want: &Want) -> bool {
        self.is_over() || self.buffer.find(want, false).is_some()
    }

    /// Whether more is to be taken in, if it is here.
    fn is_short_of(&mut self, want: &Want) -> bool {
        match want {
            Want::UpTo(most) => self.buffer.len() < TOGETHER.min(*most) && !self.is_over(),
            _ => !self.has(want),
        }
    }

    /// Decodes what is here, as far as it is wanted.
    fn decode(&mut self, want: &Want) {
        while !self.has(want) && self.has_decoded() {}
    }

    fn has_decoded(&mut self) -> bool {
        match self.reader.decode_next() {
            Ok(Some(piece)) => {
                self.buffer.push(piece);
                if self.reader.takes_end_of_chunk() {
                    self.buffer.mark();
                }
                return true;
            }
            Ok(None) if self.reader.takes_end_of_chunk() => self.buffer.mark(),
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

    /// Once the request's time is over and not all has come, nothing of it is given: who reads slowly never waits,
    /// and would not be told.
    fn end_if_late(&mut self) {
        let Some(late) = self.reader.late() else {
            return;
        };
        while !self.is_over() && self.buffer.len() < TOGETHER && self.has_more_now() {}
        if !self.is_over() {
            self.buffer.drain();
            self.failure = Some(late);
        }
    }

    /// Takes what is wanted out of the buffer. The outer None: more must come first.
    fn take(&mut self, want: &Want) -> Option<Result<Option<Bytes>>> {
        let over = self.is_over();
        if let Some(piece) = self.buffer.take(want, over) {
            return Some(Ok(Some(piece)));
        }
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        let ended = self.reader.has_ended();
        ended.then(|| Ok(self.buffer.take_rest(want)))
    }

    fn take_all(&mut self) -> Option<Result<Body>> {
        if let Some(failure) = &self.failure {
            return Some(Err(failure.clone()));
        }
        let ended = self.reader.has_ended();
        ended.then(|| Ok(Body::of(self.buffer.drain())))
    }
}
