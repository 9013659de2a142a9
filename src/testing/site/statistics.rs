//! What is counted, and waiting until a count is reached.
//!
//! A count changes on the server's threads and is waited for on the client's, so that a test needs no
//! sleep. Invariant: who changes a count looks for waiters after the change, who waits announces
//! itself before it looks at the count; both orders are `SeqCst`, so one of the two sees the other.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use tokio::sync::Notify;

use crate::error::{Error, Result};

#[derive(Debug, Default)]
pub(super) struct Statistics {
    /// Connections accepted so far.
    pub(super) opened: Count,
    /// Connections that are open now.
    pub(super) open: Count,
    /// Requests whose head was read.
    pub(super) begun: Count,
    /// Requests whose answer was handed over to its last byte.
    pub(super) finished: Count,
    /// Requests that ended in any other way: the client went away, the server was stopped.
    pub(super) aborted: Count,
    /// Body bytes, without heads and framing.
    pub(super) sent: Count,
    pub(super) received: Count,
    /// Set when no count will change any more.
    stopped: AtomicBool,
    /// How many wait. Zero nearly always, so that a request pays for a load and not for a lock.
    waiting: AtomicU64,
    changed: Notify,
}

/// A number that any thread may change.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// Counts what nobody waits for.
    pub(super) fn grow(&self, by: u64) {
        self.0.fetch_add(by, SeqCst);
    }
}

/// What a test waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    /// At least so many.
    Begun(u64),
    Finished(u64),
    Aborted(u64),
    /// Exactly so many connections.
    Open(u64),
}

impl Statistics {
    /// Counts one up, and tells those who wait.
    pub(super) fn up(&self, count: &Count) {
        count.0.fetch_add(1, SeqCst);
        self.tell();
    }

    /// Counts one down, and tells those who wait.
    pub(super) fn down(&self, count: &Count) {
        count.0.fetch_sub(1, SeqCst);
        self.tell();
    }

    /// No count will change any more: those who wait for one wait in vain.
    pub(super) fn stop(&self) {
        self.stopped.store(true, SeqCst);
        self.tell();
    }

    fn tell(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Begun(count) => self.begun.get() >= count,
            Goal::Finished(count) => self.finished.get() >= count,
            Goal::Aborted(count) => self.aborted.get() >= count,
            Goal::Open(count) => self.open.get() == count,
        }
    }

    /// Every count under its name.
    pub(super) fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("connections_opened", self.opened.get()),
            ("connections_open", self.open.get()),
            ("requests_begun", self.begun.get()),
            ("requests_finished", self.finished.get()),
            ("requests_aborted", self.aborted.get()),
            ("bytes_sent", self.sent.get()),
            ("bytes_received", self.received.get()),
        ]
    }

    /// Returns when the goal is reached; fails when it no longer can be.
    pub(super) async fn reach(&self, goal: Goal) -> Result<()> {
        let _waiting = Waiting::among(&self.waiting);
        loop {
            let mut change = pin!(self.changed.notified());
            // Before the look at the count: a change between the look and the await must not be lost.
            change.as_mut().enable();
            // Read before the count, which may be reached by the last change of all.
            let stopped = self.stopped.load(SeqCst);
            if self.reached(goal) {
                return Ok(());
            }
            if stopped {
                return Err(Error::runtime(format!(
                    "the site stopped before {goal:?}; it saw {self}"
                )));
            }
            change.await;
        }
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} begun, {} finished, {} aborted, {} open",
            self.begun.get(),
            self.finished.get(),
            self.aborted.get(),
            self.open.get()
        )
    }
}

/// Is among the waiting while it lives.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn among(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, SeqCst);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
