//! The body of a response that is read as it comes.
//!
//! Invariant: at most one read is under way. It has the reader, and puts it back when it ends or is
//! dropped, so a cancelled read loses nothing: what came meanwhile is in the buffer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use super::body::Body;
use super::reader::Reader;
use crate::error::{Error, Result};
use crate::runtime;

/// How much is kept that came with the head, in bytes.
const AHEAD: usize = 64 * 1024;

/// How often the connection's task may go on before it is believed that no more is here.
const TURNS: u32 = 3;

#[derive(Debug)]
pub struct Stream {
    state: Mutex<State>,
    epoch: u32,
}

#[derive(Debug)]
enum State {
    /// Nobody reads.
    Here(Box<Source>),
    Reading,
    /// Somebody reads, and it is to be closed then.
    Closing,
    Closed,
}

/// The reader, and what it has given that nobody has taken.
#[derive(Debug)]
struct Source {
    reader: Reader,
    buffer: VecDeque<Bytes>,
    buffered: usize,
    /// So many of the pieces have no line feed in them, and are so long: a line may come in many.
    searched: (usize, usize),
    /// Why there is no more; whoever reads hears it each time.
    failure: Option<Error>,
}

/// What a read is to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Whatever there is next.
    Some,
    /// So many bytes, or what is left.
    Exactly(usize),
    /// Up to and with the next line feed, or what is left.
    Line,
    All,
}

impl Stream {
    pub fn new(reader: Reader) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::Here(Box::new(Source {
                reader,
                buffer: VecDeque::new(),
                buffered: 0,
                searched: (0, 0),
                failure: None,
            }))),
            epoch: runtime::epoch(),
        })
    }

    /// Takes in what came with the head, on tokio.
    pub async fn look_ahead(&self) {
        let Ok(mut held) = self.hold() else { return };
        let Some(source) = held.source.as_mut() else {
            return;
        };
        let mut turns = TURNS;
        while source.buffered < AHEAD {
            match source.reader.next_now() {
                Ok(Poll::Ready(Some(piece))) => source.add(piece),
                Ok(Poll::Ready(None)) => break,
                Err(error) => {
                    source.failure = Some(error);
                    break;
                }
                Ok(Poll::Pending) => {
                    // The body of an answer is handed over just after its head.
                    let Some(left) = turns.checked_sub(1) else { break };
                    turns = left;
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// What is wanted, if it is here already. The outer None: it is not.
    pub fn now(&self, want: Want) -> Option<Result<Option<Bytes>>> {
        let mut held = match self.hold() {
            Ok(held) => held,
            Err(error) => return Some(Err(error)),
        };
        let source = held.source.as_mut()?;
        loop {
            if let Some(found) = source.take(want) {
                return Some(Ok(found));
            }
            if let Some(failure) = &source.failure {
                return Some(Err(failure.clone()));
            }
            match source.reader.next_now() {
                Ok(Poll::Ready(Some(piece))) => source.add(piece),
                // `take` sees that it is the end.
                Ok(Poll::Ready(None)) => {}
                Ok(Poll::Pending) => return None,
                Err(error) => source.failure = Some(error),
            }
        }
    }

    /// What is wanted; None at the end.
    pub async fn read(self: Arc<Self>, want: Want) -> Result<Option<Bytes>> {
        let mut held = self.hold()?;
        let Some(source) = held.source.as_mut() else {
            return Err(closed());
        };
        loop {
            if let Some(found) = source.take(want) {
                return Ok(found);
            }
            source.more().await?;
        }
    }

    /// All that is left.
    pub async fn read_all(self: Arc<Self>) -> Result<Body> {
        let mut held = self.hold()?;
        let Some(source) = held.source.as_mut() else {
            return Err(closed());
        };
        while !source.reader.has_ended() {
            source.more().await?;
        }
        source.buffered = 0;
        Ok(Body::of(source.buffer.drain(..).collect()))
    }

    /// What is here of the body, as far as it is in one piece.
    pub fn beginning(&self) -> Bytes {
        match &*self.state.lock() {
            State::Here(source) => source.buffer.front().cloned().unwrap_or_default(),
            _ => Bytes::new(),
        }
    }

    /// How many bytes have come; None while somebody reads, or once it was closed.
    pub fn received(&self) -> Option<u64> {
        match &*self.state.lock() {
            State::Here(source) => Some(source.reader.received()),
            _ => None,
        }
    }

    /// Gives the connection back, or closes it if there is more to come.
    pub fn close(&self) {
        let before = {
            let mut state = self.state.lock();
            let next = match &*state {
                State::Reading | State::Closing => State::Closing,
                State::Here(_) | State::Closed => State::Closed,
            };
            std::mem::replace(&mut *state, next)
        };
        drop(before);
    }

    pub fn is_closed(&self) -> bool {
        matches!(*self.state.lock(), State::Closed | State::Closing)
    }

    fn hold(&self) -> Result<Held<'_>> {
        if self.epoch != runtime::epoch() {
            return Err(Error::runtime(
                "this response is from before a fork, and its connection is the parent's",
            ));
        }
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Reading) {
            State::Here(source) => Ok(Held {
                stream: self,
                source: Some(source),
            }),
            State::Reading => Err(Error::runtime("this response is being read already")),
            other => {
                *state = other;
                Err(closed())
            }
        }
    }
}

fn closed() -> Error {
    Error::runtime("this response has been closed")
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.epoch != runtime::epoch() {
            std::mem::forget(std::mem::replace(self.state.get_mut(), State::Closed));
        }
    }
}

/// The source, for the length of a read.
struct Held<'a> {
    stream: &'a Stream,
    source: Option<Box<Source>>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let dropped = {
            let mut state = self.stream.state.lock();
            match (&*state, self.source.take()) {
                (State::Reading, Some(source)) => {
                    *state = State::Here(source);
                    None
                }
                (_, source) => {
                    *state = State::Closed;
                    source
                }
            }
        };
        drop(dropped);
    }
}

impl Source {
    /// Waits for the next piece, or the end.
    async fn more(&mut self) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.reader.next().await {
            Ok(piece) => {
                if let Some(piece) = piece {
                    self.add(piece);
                }
                Ok(())
            }
            Err(error) => {
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    fn add(&mut self, piece: Bytes) {
        self.buffered += piece.len();
        self.buffer.push_back(piece);
    }

    /// Takes what is wanted out of the buffer. The outer None: more must come first.
    fn take(&mut self, want: Want) -> Option<Option<Bytes>> {
        let over = self.reader.has_ended();
        let length = match want {
            Want::Some => self.buffer.front().map(Bytes::len),
            Want::Exactly(size) => (self.buffered >= size).then_some(size),
            Want::Line => self.line(),
            Want::All => None,
        };
        match length {
            Some(length) => Some(Some(self.cut(length))),
            None if over && self.buffered > 0 => Some(Some(self.cut(self.buffered))),
            None if over => Some(None),
            None => None,
        }
    }

    /// The length of the first line, with its end.
    fn line(&mut self) -> Option<usize> {
        let (mut pieces, mut before) = self.searched;
        for piece in self.buffer.iter().skip(pieces) {
            if let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
                return Some(before + at + 1);
            }
            pieces += 1;
            before += piece.len();
        }
        self.searched = (pieces, before);
        None
    }

    fn cut(&mut self, length: usize) -> Bytes {
        self.searched = (0, 0);
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
