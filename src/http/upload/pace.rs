//! How a body is getting on, for whoever limits the time of a write.
//!
//! The body writes it on each poll and the limit reads it now and then, so these are relaxed atomics: a
//! value that is a moment old does no harm.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// See the head of this file.
#[derive(Debug)]
pub struct Pace {
    start: Instant,
    /// When the last frame was taken, or the body was asked for one and had none; in microseconds after
    /// `start`.
    last: AtomicU64,
    /// It is the body that is waited for: its file, or its iterator.
    starved: AtomicBool,
    ended: AtomicBool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }
}

impl Pace {
    /// For how long the peer has taken nothing: since the last frame, or since this was made. None while
    /// it is the body that is waited for, and when the body has ended.
    pub fn stalled(&self) -> Option<Duration> {
        if self.has_ended() || self.starved.load(Ordering::Relaxed) {
            return None;
        }
        let last = Duration::from_micros(self.last.load(Ordering::Relaxed));
        Some(self.start.elapsed().saturating_sub(last))
    }

    /// Whether the body has given its last frame, has failed, or was dropped.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn took(&self) {
        let now = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
        self.starved.store(false, Ordering::Relaxed);
    }

    pub(super) fn starves(&self) {
        self.starved.store(true, Ordering::Relaxed);
    }

    pub(super) fn ends(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
