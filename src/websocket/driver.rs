//! What keeps a connection going on tokio: one task that writes, reads, answers and waits for the end.
//!
//! It ends when the stream is closed, and then the state has an end: so nobody who waits is forgotten.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::time::{Sleep, sleep_until};

use super::incoming::{Incoming, Violation};
use super::keepalive::{Due, Keepalive};
use super::message::{ABNORMAL, By, CLOSE, INTERNAL_ERROR, Message, Outgoing, PING};
use super::shared::Shared;
use super::state::{Ping, State};
use super::wire::Wire;
use crate::net::failure::innermost;
use crate::sync::waiters::Woken;

/// How much room a read begins with; it doubles when a read fills it, and halves when little comes.
const LEAST_READ: usize = 8 * 1024;
const MOST_READ: usize = 128 * 1024;

/// Pings of its own that the driver remembers while no pong comes.
const MOST_PINGS: usize = 64;

/// How this side behaves.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// The server closes the stream first: RFC 6455, section 7.1.1.
    pub is_server: bool,
    /// Pings are answered here, and neither they nor pongs are received.
    pub autoping: bool,
    /// A close frame is answered here.
    pub autoclose: bool,
    pub ping_interval: Option<Duration>,
    pub ping_timeout: Option<Duration>,
    pub close_timeout: Option<Duration>,
}

#[derive(Debug)]
pub struct Driver {
    shared: Arc<Shared>,
    incoming: Incoming,
    manners: Manners,
    keepalive: Keepalive,
    sleep: Option<Pin<Box<Sleep>>>,
    room: usize,
    /// There may be a message in what was read, for which the inbox had no room. Nothing more is read then: an end
    /// would come before it.
    behind: bool,
    /// The peer has sent its close frame, or is not believed any more: what else comes is not looked at.
    deaf: bool,
    /// The stream takes nothing any more.
    mute: bool,
    /// This side's close frame is on the wire.
    said: bool,
    /// This side has said that it writes no more.
    shut: bool,
    /// When it stops to wait for the peer.
    deadline: Option<Instant>,
}

/// What a turn came to.
enum Turn {
    Again,
    Wait,
    Over(Option<String>),
}

impl Driver {
    pub fn new(shared: Arc<Shared>, incoming: Incoming, manners: Manners) -> Self {
        Self {
            shared,
            incoming,
            manners,
            keepalive: Keepalive::new(manners.ping_interval, manners.ping_timeout, Instant::now()),
            sleep: None,
            room: LEAST_READ,
            behind: true,
            deaf: false,
            mute: false,
            said: false,
            shut: false,
            deadline: None,
        }
    }

    pub async fn drive(mut self) {
        let how = poll_fn(|cx| self.poll(cx)).await;
        self.finish(how.unwrap_or_default());
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        {
            let mut state = self.shared.state.lock();
            if !state
                .driver
                .as_ref()
                .is_some_and(|known| known.will_wake(cx.waker()))
            {
                state.driver = Some(cx.waker().clone());
            }
        }
        loop {
            match self.turn(cx) {
                Turn::Again => {}
                Turn::Wait => return Poll::Pending,
                Turn::Over(how) => return Poll::Ready(how),
            }
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        let shared = Arc::clone(&self.shared);
        let mut wire = shared.wire.lock();
        let written = self.write(&mut wire, cx);
        let (closing, paused, woken) = {
            let mut state = shared.state.lock();
            if state.finished {
                return Turn::Over(None);
            }
            state.told = written && (self.said || self.mute);
            (state.closing.is_some(), state.paused, state.settle_closers())
        };
        woken.wake();
        if closing && self.deadline.is_none() {
            let limit = self.manners.close_timeout;
            self.deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        }
        // A client waits for the server to do that, unless it has broken the connection off.
        let leaves = self.manners.is_server || !self.is_answered();
        if written && self.said && self.deaf && !self.shut && leaves {
            match wire.poll_shutdown(cx) {
                Poll::Pending => {}
                // One that fails leaves the stream as it is, and the end will be seen.
                Poll::Ready(_) => self.shut = true,
            }
        }
        if self.shut && self.manners.is_server && self.is_answered() {
            return Turn::Over(None);
        }
        if self.behind {
            drop(wire);
            if paused && !closing {
                return self.look_at_clock(cx, false);
            }
            self.take_in();
            return Turn::Again;
        }
        let buffer = &mut self.incoming.buffer;
        let room = buffer.capacity() - buffer.len();
        // For a payload that has begun there is room already, and more would mean to copy it.
        let least = if buffer.is_empty() { self.room / 2 } else { 1 };
        if room < least {
            buffer.reserve(self.room);
        }
        let read = wire.poll_read(cx, &mut self.incoming.buffer);
        drop(wire);
        match read {
            Poll::Pending => {
                if self.incoming.buffer.is_empty() {
                    // While nothing comes no memory is held for it.
                    self.incoming.buffer = BytesMut::new();
                }
                self.look_at_clock(cx, closing)
            }
            Poll::Ready(Ok(0)) => Turn::Over(Some("the peer ended the stream".into())),
            Poll::Ready(Err(error)) => Turn::Over(Some(innermost(&error))),
            Poll::Ready(Ok(count)) => {
                if count >= self.room {
                    self.room = (self.room * 2).min(MOST_READ);
                } else if count < self.room / 8 {
                    self.room = (self.room / 2).max(LEAST_READ);
                }
                self.keepalive.heard();
                self.take_in();
                Turn::Again
            }
        }
    }

    /// Whether the peer's close frame has come, rather than something that it must not send.
    fn is_answered(&self) -> bool {
        let state = self.shared.state.lock();
        state.end.as_ref().is_some_and(|end| end.by == By::Peer)
    }

    /// Writes what can be written; true if nothing is left.
    fn write(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> bool {
        if self.mute {
            return true;
        }
        match self.try_write(wire, cx) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => {
                // What the peer has said before it left can still be read.
                self.mute = true;
                let mut state = self.shared.state.lock();
                state.closing.get_or_insert((ABNORMAL, String::new()));
                state.outbox.clear();
                state.queued = 0;
                let woken = state.settle_senders();
                drop(state);
                woken.wake();
                true
            }
        }
    }

    fn try_write(&mut self, wire: &mut Wire, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut is_empty = false;
            while wire.has_room() {
                let mut state = self.shared.state.lock();
                let Some(frame) = state.next_outgoing() else {
                    is_empty = true;
                    break;
                };
                let woken = state.settle_senders();
                drop(state);
                woken.wake();
                self.said |= frame.opcode == CLOSE;
                wire.put(frame)?;
            }
            match wire.poll_write(cx) {
                Poll::Ready(Ok(())) if !is_empty => {}
                other => return other,
            }
        }
    }

    /// Takes what was read apart, until more is needed or there is no room for it.
    fn take_in(&mut self) {
        self.behind = false;
        while !self.deaf {
            {
                let mut state = self.shared.state.lock();
                if state.is_full() && state.closing.is_none() {
                    state.paused = true;
                    self.behind = true;
                    self.keepalive.heard();
                    return;
                }
            }
            match self.incoming.next() {
                Ok(None) => return,
                Ok(Some(message)) => self.came(message).wake(),
                Err(violation) => self.fail(&violation),
            }
        }
        self.incoming.buffer.clear();
    }

    fn came(&mut self, message: Message) -> Woken {
        let mut state = self.shared.state.lock();
        match message {
            Message::Ping(payload) if self.manners.autoping => {
                if state.closing.is_none() {
                    state.answer(payload);
                }
                Woken::default()
            }
            Message::Pong(payload) => {
                answered(&mut state, &payload);
                match self.manners.autoping {
                    true => Woken::default(),
                    false => push(&mut state, Message::Pong(payload)),
                }
            }
            Message::Close(code, reason) => {
                self.deaf = true;
                let mut woken = state.push(Message::Close(code, reason.clone()));
                woken.extend(state.set_end(code, reason, By::Peer));
                if self.manners.autoclose {
                    woken.extend(state.begin_close(code, ""));
                }
                woken
            }
            other => push(&mut state, other),
        }
    }

    /// Breaks the connection off: RFC 6455, section 7.1.7.
    fn fail(&mut self, why: &Violation) {
        self.deaf = true;
        let mut state = self.shared.state.lock();
        let mut woken = state.begin_close(why.code, &why.reason);
        woken.extend(state.set_end(why.code, why.reason.clone().into_owned(), By::Us));
        drop(state);
        woken.wake();
    }

    fn look_at_clock(&mut self, cx: &mut Context<'_>, closing: bool) -> Turn {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Turn::Over(Some("the peer did not answer the close frame in time".into()));
        }
        let mut when = self.deadline;
        if !closing && !self.deaf {
            match self.keepalive.look(now) {
                Due::Nothing => {}
                Due::Ping => {
                    self.ping(now);
                    // A beat is what there is to tell a pause by.
                    self.shared.wire.lock().rest();
                    return Turn::Again;
                }
                Due::GiveUp => {
                    self.fail(&Violation {
                        code: INTERNAL_ERROR,
                        reason: "no answer to a ping".into(),
                    });
                    return Turn::Again;
                }
            }
            when = [when, self.keepalive.when()].into_iter().flatten().min();
        }
        let Some(when) = when else {
            self.sleep = None;
            return Turn::Wait;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(when.into())));
        if sleep.deadline() != when.into() {
            sleep.as_mut().reset(when.into());
        }
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Turn::Again,
            Poll::Pending => Turn::Wait,
        }
    }

    fn ping(&mut self, now: Instant) {
        let payload = Bytes::copy_from_slice(&fastrand::u32(..).to_be_bytes());
        let mut state = self.shared.state.lock();
        if state.paused {
            // A pong would not be read.
            self.keepalive.heard();
            return;
        }
        if state.pings.len() < MOST_PINGS {
            state.pings.push_back(Ping {
                payload: payload.clone(),
                since: now,
                promise: None,
            });
        }
        state.queue(Outgoing::control(PING, payload));
    }

    fn finish(&self, how: String) {
        self.shared.wire.lock().cut();
        let mut state = self.shared.state.lock();
        state.finished = true;
        state.outbox.clear();
        state.queued = 0;
        let mut woken = state.set_end(ABNORMAL, String::new(), By::Broken(how.into()));
        woken.extend(state.settle_closers());
        drop(state);
        woken.wake();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The runtime has stopped, or the Python object is gone.
        if !self.shared.state.lock().finished {
            self.finish("the runtime was stopped".into());
        }
    }
}

/// Puts a message in for a receiver. Once this side is closing there may be no room, and nobody to make some.
fn push(state: &mut State, message: Message) -> Woken {
    if state.end.is_some() || state.is_full() {
        return Woken::default();
    }
    state.push(message)
}

/// A pong answers the ping that it repeats, and those before it.
fn answered(state: &mut State, payload: &Bytes) {
    let Some(place) = state.pings.iter().position(|ping| ping.payload == payload) else {
        return;
    };
    for ping in state.pings.drain(..=place) {
        let took = ping.since.elapsed().as_secs_f64();
        state.latency = Some(took);
        if let Some(promise) = ping.promise {
            promise.report(Ok(Some(took)));
        }
    }
}
