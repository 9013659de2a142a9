//! A bounded pipe between who feeds an iterator's chunks, on the loop, and the body that sends them.
//!
//! ```text
//! feeder: room? -> pull a chunk -> put       body: poll_take -> a piece of the first chunk
//!         ... end | fail                           ... None | Error
//! ```
//!
//! Invariants:
//! - At most [`AHEAD`] chunks that are not sent yet; one of them may be sent in part. So the iterator is
//!   never further ahead of the socket, and nothing is pulled before the body was asked for the first time.
//! - A pipe ends well only by [`end`](Pipe::end). However else it is left, the body fails, so that nobody
//!   takes a part for the whole.
//!
//! Nothing here touches the interpreter. Wakers are called with the lock given back.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use super::body::Error;
use crate::runtime;

/// See the head of this file.
const AHEAD: usize = 2;

#[derive(Debug)]
pub struct Pipe {
    state: Mutex<State>,
    /// The process, counted in forks, whose threads may hold the lock.
    epoch: u32,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Bytes>,
    stage: Stage,
    /// A body reads it.
    open: bool,
    /// A body has asked for a chunk: the iterator is needed.
    wanted: bool,
    /// Something was sent, and is not here any more.
    touched: bool,
    body: Option<Waker>,
    feeder: Option<Waker>,
    /// The operation that the feeder belongs to.
    owner: Option<Waker>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Feeding,
    Ended,
    /// The iterator has raised.
    Failed,
    /// Nobody wants the rest.
    Stopped,
}

/// Who is to be woken, once the lock is given back.
#[must_use]
struct Woken([Option<Waker>; 3]);

impl Woken {
    fn wake(self) {
        self.0.into_iter().flatten().for_each(Waker::wake);
    }
}

impl State {
    fn room(&self) -> Option<bool> {
        match self.stage {
            Stage::Feeding => (self.wanted && self.queue.len() < AHEAD).then_some(true),
            Stage::Ended | Stage::Failed | Stage::Stopped => Some(false),
        }
    }

    fn all(&mut self) -> Woken {
        Woken([self.body.take(), self.feeder.take(), self.owner.take()])
    }
}

impl Pipe {
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            epoch: runtime::epoch(),
        }
    }

    // ---- the body's side ----

    /// False if it is being read, or something of it is gone.
    pub fn open(&self) -> bool {
        let mut state = self.state.lock();
        let free = !state.open && !state.touched && matches!(state.stage, Stage::Feeding | Stage::Ended);
        state.open |= free;
        free
    }

    pub fn is_untouched(&self) -> bool {
        let state = self.state.lock();
        !state.touched && matches!(state.stage, Stage::Feeding | Stage::Ended)
    }

    /// The body is dropped. What was touched and is not at its end is of no use to another.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.open = false;
        state.body = None;
        let over = state.stage == Stage::Ended && state.queue.is_empty();
        if !state.touched || over {
            return;
        }
        state.stage = Stage::Stopped;
        state.queue.clear();
        let woken = state.all();
        drop(state);
        woken.wake();
    }

    /// The next piece, of at most `most` bytes.
    pub fn poll_take(&self, most: usize, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut state = self.state.lock();
        match state.stage {
            Stage::Failed => return Poll::Ready(Some(Err(Error::Source))),
            Stage::Stopped => return Poll::Ready(Some(Err(Error::Stopped))),
            Stage::Feeding | Stage::Ended => {}
        }
        let first_time = !std::mem::replace(&mut state.wanted, true);
        let Some(chunk) = state.queue.front_mut() else {
            if state.stage == Stage::Ended {
                return Poll::Ready(None);
            }
            state.body = Some(cx.waker().clone());
            let feeder = state.feeder.take_if(|_| first_time);
            drop(state);
            Woken([None, feeder, None]).wake();
            return Poll::Pending;
        };
        let piece = chunk.split_to(chunk.len().min(most));
        let feeder = if chunk.is_empty() {
            state.queue.pop_front();
            state.feeder.take()
        } else {
            None
        };
        state.touched = true;
        drop(state);
        Woken([None, feeder, None]).wake();
        Poll::Ready(Some(Ok(piece)))
    }

    // ---- the feeder's side ----

    /// True if a chunk is wanted, False if none will be any more; None: not now.
    pub fn room(&self) -> Option<bool> {
        self.state.lock().room()
    }

    /// The same, and who is to be woken when it is known.
    pub fn poll_room(&self, waker: &Waker) -> Poll<bool> {
        let mut state = self.state.lock();
        match state.room() {
            Some(room) => Poll::Ready(room),
            None => {
                state.feeder = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// One more chunk. Dropped if nobody wants it; one without bytes is none.
    pub fn put(&self, chunk: Bytes) {
        let mut state = self.state.lock();
        if state.stage != Stage::Feeding || chunk.is_empty() {
            return;
        }
        state.queue.push_back(chunk);
        let body = state.body.take();
        drop(state);
        Woken([body, None, None]).wake();
    }

    /// The iterator has come to its end.
    pub fn end(&self) {
        let mut state = self.state.lock();
        if state.stage != Stage::Feeding {
            return;
        }
        state.stage = Stage::Ended;
        let body = state.body.take();
        drop(state);
        Woken([body, None, None]).wake();
    }

    /// The iterator has raised; false if that comes too late to matter.
    pub fn fail(&self) -> bool {
        let mut state = self.state.lock();
        if state.stage != Stage::Feeding {
            return false;
        }
        state.stage = Stage::Failed;
        state.queue.clear();
        let woken = state.all();
        drop(state);
        woken.wake();
        true
    }

    // ---- the operation's side ----

    /// Nobody wants the rest, of which the body must not make an end.
    pub fn stop(&self) {
        if self.epoch != runtime::epoch() {
            return;
        }
        let mut state = self.state.lock();
        let over = state.stage == Stage::Ended && state.queue.is_empty();
        if over || matches!(state.stage, Stage::Failed | Stage::Stopped) {
            return;
        }
        state.stage = Stage::Stopped;
        state.queue.clear();
        let woken = state.all();
        drop(state);
        woken.wake();
    }

    /// Whether nobody wants the rest.
    pub fn is_stopped(&self) -> bool {
        self.state.lock().stage == Stage::Stopped
    }

    /// Wakes `owner` when the iterator fails or nobody reads it any more.
    pub fn tell(&self, owner: &Waker) {
        let mut state = self.state.lock();
        match &mut state.owner {
            Some(known) => known.clone_from(owner),
            place => *place = Some(owner.clone()),
        }
    }

    /// Wakes the owner, if it waits.
    pub fn call_owner(&self) {
        let owner = self.state.lock().owner.take();
        if let Some(owner) = owner {
            owner.wake();
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn take(pipe: &Pipe) -> Poll<Option<Result<Bytes, Error>>> {
        pipe.poll_take(4, &mut Context::from_waker(Waker::noop()))
    }

    fn taken(pipe: &Pipe) -> Bytes {
        match take(pipe) {
            Poll::Ready(Some(Ok(piece))) => piece,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_wanted_before_a_body_asks_and_then_two_chunks() {
        let pipe = Pipe::new();
        assert_eq!(pipe.room(), None);
        assert!(pipe.open());
        assert!(take(&pipe).is_pending());
        assert_eq!(pipe.room(), Some(true));
        pipe.put(Bytes::from_static(b"123456"));
        pipe.put(Bytes::new());
        assert_eq!(pipe.room(), Some(true));
        pipe.put(Bytes::from_static(b"7"));
        assert_eq!(pipe.room(), None);
        // What is sent in part is still there.
        assert_eq!(taken(&pipe), "1234");
        assert_eq!(pipe.room(), None);
        assert_eq!(taken(&pipe), "56");
        assert_eq!(pipe.room(), Some(true));
        pipe.end();
        assert_eq!(pipe.room(), Some(false));
        assert_eq!(taken(&pipe), "7");
        assert!(matches!(take(&pipe), Poll::Ready(None)));
    }

    #[test]
    fn what_nobody_has_taken_from_can_be_opened_again() {
        let pipe = Pipe::new();
        assert!(pipe.open());
        assert!(!pipe.open(), "it is being read");
        assert!(take(&pipe).is_pending());
        pipe.put(Bytes::from_static(b"12345"));
        pipe.release();
        assert!(pipe.is_untouched());
        assert!(pipe.open());
        assert_eq!(taken(&pipe), "1234");
        assert!(!pipe.is_untouched());
        pipe.release();
        assert!(!pipe.open());
        assert!(pipe.is_stopped());
        assert_eq!(pipe.room(), Some(false));
    }

    #[test]
    fn only_an_end_is_an_end() {
        let stopped = Pipe::new();
        stopped.stop();
        stopped.end();
        assert!(matches!(take(&stopped), Poll::Ready(Some(Err(Error::Stopped)))));
        assert!(!stopped.fail(), "nobody hears of it");
        let failed = Pipe::new();
        failed.put(Bytes::from_static(b"1"));
        assert!(failed.fail());
        assert!(matches!(take(&failed), Poll::Ready(Some(Err(Error::Source)))));
        let ended = Pipe::new();
        ended.end();
        ended.stop();
        assert!(matches!(take(&ended), Poll::Ready(None)));
    }
}
