//! What a connection's driver and those who use it share: under one lock, for some instructions at a time.
//!
//! ```text
//! receive <- inbox  <- driver <- stream        the driver stops reading when the inbox is full
//! send    -> outbox -> driver -> stream        a sender waits when the outbox is full
//! ```
//!
//! Invariants:
//! - An item of the inbox that is promised to a receiver is there until that one fetches it or gives up.
//! - Once there is an end, nothing goes into the inbox or the outbox, and nobody waits: what is in the inbox can
//!   still be received.
//! - Who is woken is woken when the lock is free.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;

use super::message::{By, End, Message, Outgoing};
use crate::runtime::Promise;
use crate::sync::waiters::{Waiters, Woken};

/// So many answers to pings wait at most: a flood of pings fills no memory.
const MOST_PONGS: usize = 64;

/// How much is kept on either side.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Messages that came and were not received.
    pub most_messages: usize,
    /// Bytes that were sent and not taken by the system.
    pub most_bytes: usize,
}

#[derive(Debug)]
pub struct State {
    pub bounds: Bounds,
    pub inbox: VecDeque<Message>,
    /// How many of them are promised.
    pub granted: usize,
    pub receivers: Waiters,
    /// The driver does not read, since the inbox is full.
    pub paused: bool,
    pub outbox: VecDeque<Outgoing>,
    /// The weight of what is in it, and of what those will put in who were let through.
    pub queued: usize,
    pub promised: usize,
    pub senders: Waiters,
    /// Answers to pings. If more come than are taken, the first need none (RFC 6455, section 5.5.3).
    pub pongs: VecDeque<Bytes>,
    pub pings: VecDeque<Ping>,
    /// Seconds that the last ping took.
    pub latency: Option<f64>,
    /// The code and the reason of the close frame that this side has sent, or is about to.
    pub closing: Option<(u16, String)>,
    pub end: Option<Arc<End>>,
    /// The system has taken this side's close frame, or takes nothing any more.
    pub told: bool,
    /// The stream is closed.
    pub finished: bool,
    pub closers: Waiters,
    pub driver: Option<Waker>,
}

/// A ping that was not answered.
#[derive(Debug)]
pub struct Ping {
    pub payload: Bytes,
    pub since: Instant,
    /// Who wants to know how long it took; None: the driver itself.
    pub promise: Option<Promise<Option<f64>>>,
}

impl State {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            inbox: VecDeque::new(),
            granted: 0,
            receivers: Waiters::new(),
            paused: false,
            outbox: VecDeque::new(),
            queued: 0,
            promised: 0,
            senders: Waiters::new(),
            pongs: VecDeque::new(),
            pings: VecDeque::new(),
            latency: None,
            closing: None,
            end: None,
            told: false,
            finished: false,
            closers: Waiters::new(),
            driver: None,
        }
    }

    // ---- what came ----

    pub fn is_full(&self) -> bool {
        self.inbox.len() >= self.bounds.most_messages
    }

    /// Puts a message in for the next receiver.
    pub fn push(&mut self, message: Message) -> Woken {
        self.inbox.push_back(message);
        self.settle_receivers()
    }

    /// Lets receivers through for what is there; sends the others away if nothing will come.
    pub fn settle_receivers(&mut self) -> Woken {
        let mut woken = Woken::default();
        while self.inbox.len() > self.granted && !self.receivers.is_empty() {
            woken.add(self.receivers.grant_first());
            self.granted += 1;
        }
        if self.end.is_some() {
            woken.extend(self.receivers.dismiss_all());
        }
        woken
    }

    /// The first message that is promised to nobody.
    pub fn take_free(&mut self) -> Option<Message> {
        self.inbox.remove(self.granted)
    }

    /// A message that was promised.
    pub fn take_granted(&mut self) -> Option<Message> {
        self.granted = self.granted.saturating_sub(1);
        self.inbox.pop_front()
    }

    /// Has the driver read on if there is room for a while.
    pub fn resume_reading(&mut self, woken: &mut Woken) {
        if self.paused && self.inbox.len() <= self.bounds.most_messages / 4 {
            self.paused = false;
            woken.add(self.driver.clone());
        }
    }

    // ---- what is to go ----

    /// Why nothing can be sent any more.
    pub fn refusal(&self) -> Option<Arc<End>> {
        if let Some(end) = &self.end {
            return Some(Arc::clone(end));
        }
        let (code, reason) = self.closing.clone()?;
        let by = By::Closing;
        Some(Arc::new(End { code, reason, by }))
    }

    pub fn has_room(&self) -> bool {
        self.queued + self.promised < self.bounds.most_bytes
    }

    pub fn queue(&mut self, frame: Outgoing) {
        self.queued += frame.weight();
        self.outbox.push_back(frame);
    }

    /// Answers a ping, before anything else is sent.
    pub fn answer(&mut self, payload: Bytes) {
        if self.pongs.len() >= MOST_PONGS {
            self.pongs.pop_front();
        }
        self.pongs.push_back(payload);
    }

    /// The next frame to be put on the wire. A pong goes first.
    pub fn next_outgoing(&mut self) -> Option<Outgoing> {
        if let Some(payload) = self.pongs.pop_front() {
            return Some(Outgoing::control(super::message::PONG, payload));
        }
        let frame = self.outbox.pop_front()?;
        self.queued = self.queued.saturating_sub(frame.weight());
        Some(frame)
    }

    /// Lets senders through for whom there is room; sends all away if nothing can be sent.
    pub fn settle_senders(&mut self) -> Woken {
        if self.end.is_some() || self.closing.is_some() {
            return self.senders.dismiss_all();
        }
        let mut woken = Woken::default();
        while self.has_room()
            && let Some(weight) = self.senders.first_want()
        {
            self.promised += weight;
            woken.add(self.senders.grant_first());
        }
        woken
    }

    // ---- the end ----

    /// Queues a close frame, unless there was one; nothing is sent after it.
    pub fn begin_close(&mut self, code: u16, reason: &str) -> Woken {
        if self.closing.is_some() || self.finished {
            return Woken::default();
        }
        self.closing = Some((code, reason.to_owned()));
        self.queue(Outgoing::close(code, reason));
        let mut woken = self.settle_senders();
        woken.add(self.driver.clone());
        woken
    }

    /// It is over, though the stream may not be closed yet. The first end stays.
    pub fn set_end(&mut self, code: u16, reason: String, by: By) -> Woken {
        if self.end.is_none() {
            self.end = Some(Arc::new(End { code, reason, by }));
        }
        let mut woken = self.settle_receivers();
        woken.extend(self.settle_senders());
        woken.extend(self.settle_closers());
        for ping in self.pings.drain(..) {
            if let Some(promise) = ping.promise {
                promise.report(Ok(None));
            }
        }
        woken
    }

    /// Whether `close` has nothing to wait for: the stream is closed, or the peer has been told why it was broken
    /// off, and what it makes of that is not waited for.
    pub fn is_over(&self) -> bool {
        let broken_off = || self.end.as_ref().is_some_and(|end| end.by == By::Us);
        self.finished || (self.told && broken_off())
    }

    pub fn settle_closers(&mut self) -> Woken {
        if self.is_over() {
            self.closers.grant_all()
        } else {
            Woken::default()
        }
    }
}
