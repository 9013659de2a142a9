//! A connection: its state, its wire, and what was said in the handshake.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};

use super::message::{ABNORMAL, By, End, GOING_AWAY, Outgoing};
use super::payload::Given;
use super::state::{Bounds, State};
use super::wire::Wire;
use crate::error::{Error, Result};
use crate::runtime;
use crate::sync::waiters::Woken;

/// What is longer is compressed on tokio, rather than on the loop's thread.
const QUICK_COMPRESSED: usize = 1024;

/// What is longer is masked and written there too. To wake the other thread costs as much as to write some 100 KiB.
const QUICK: usize = 256 * 1024;

/// Shared by the driver and the Python object. Lock order: the wire, then the state.
#[derive(Debug)]
pub struct Shared {
    pub state: Mutex<State>,
    pub wire: Mutex<Wire>,
    epoch: u32,
}

impl Shared {
    pub fn new(wire: Wire, bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(bounds)),
            wire: Mutex::new(wire),
            epoch: runtime::epoch(),
        })
    }

    /// Whether it was opened before a fork: its locks may be held by threads that are not here.
    pub fn is_forked(&self) -> bool {
        self.epoch != runtime::epoch()
    }

    /// The state, on a thread that has the interpreter.
    pub fn open(&self) -> Result<MutexGuard<'_, State>> {
        if self.is_forked() {
            return Err(Error::runtime(
                "this WebSocket was opened before a fork and belongs to the parent process",
            ));
        }
        Ok(self.state.lock())
    }

    /// Sends `frame` at once if that can be done: by this thread if the wire is idle and the frame small, else by
    /// leaving it to the driver. None if there is no room; then it stays where it is.
    pub fn try_send(&self, frame: &mut Option<Given>) -> Option<(std::result::Result<(), Arc<End>>, Woken)> {
        let weight = frame.as_ref().map_or(0, Given::weight);
        if let Some(mut wire) = self.wire.try_lock()
            && wire.is_idle()
            && let Some(given) = &*frame
            && weight <= QUICK
            && (weight <= QUICK_COMPRESSED || !wire.compresses(given.compress))
        {
            let state = self.state.lock();
            if let Some(end) = state.refusal() {
                return Some((Err(end), Woken::default()));
            }
            if state.outbox.is_empty() && state.pong.is_none() && state.senders.is_quiet() {
                let driver = state.driver.clone();
                drop(state);
                let frame = frame.take()?;
                let written = wire.send(&frame, &mut Context::from_waker(Waker::noop()));
                let mut woken = Woken::default();
                if !matches!(written, Poll::Ready(Ok(()))) {
                    // The driver goes on, or finds that it is broken.
                    woken.add(driver);
                }
                return Some((Ok(()), woken));
            }
        }
        let mut state = self.state.lock();
        if let Some(end) = state.refusal() {
            return Some((Err(end), Woken::default()));
        }
        if !state.has_room() || !state.senders.is_quiet() {
            return None;
        }
        state.queue(frame.take()?.into_outgoing());
        let mut woken = Woken::default();
        woken.add(state.driver.clone());
        Some((Ok(()), woken))
    }

    /// Closes the stream without a word; `how` is why, in words.
    pub fn abort(&self, how: &'static str) -> Result<Woken> {
        let mut state = self.open()?;
        state.finished = true;
        let mut woken = state.set_end(ABNORMAL, String::new(), By::Broken(how.into()));
        woken.add(state.driver.clone());
        drop(state);
        // If the driver has it, it cuts it itself, in its next turn.
        if let Some(mut wire) = self.wire.try_lock() {
            wire.cut();
        }
        Ok(woken)
    }

    /// Nobody has the Python object any more: says goodbye, if that can be done at once, and closes the stream.
    pub fn abandon(&self) {
        let Some(mut wire) = self.wire.try_lock() else {
            // The driver has it, and is about to be stopped.
            return;
        };
        let woken = {
            let mut state = self.state.lock();
            if !state.finished {
                if state.closing.is_none() && state.end.is_none() {
                    state.queue(Outgoing::close(GOING_AWAY, ""));
                }
                // What the system takes now goes out, and nobody waits for more.
                while wire.has_room()
                    && let Some(frame) = state.next_outgoing()
                    && wire.put(frame).is_ok()
                {}
                let _tried = wire.poll_write(&mut Context::from_waker(Waker::noop()));
            }
            state.finished = true;
            state.set_end(
                ABNORMAL,
                String::new(),
                By::Broken("this side has dropped it".into()),
            )
        };
        wire.cut();
        drop(wire);
        woken.wake();
    }
}
