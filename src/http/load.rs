//! How busy a client is, and so on which thread its requests are best polled.
//!
//! Few requests at a time are over sooner on the thread that waits for them: each trip to a thread of tokio's and
//! back takes longer than what it would do there. Of many the loop's thread has enough to do with their answers, and
//! tokio's threads are awake anyhow. It is one or the other: a mixture is slower than either.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::live::Live;

/// More than this at a time are many.
const MANY: usize = 32;

/// To send, encrypt or take in a body of more bytes would hold up who waits.
pub const LITTLE: usize = 16 * 1024;

/// For so long after there were many there are taken to be: between two waves there are none for a moment.
const WAVE: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Load {
    /// Requests under way.
    count: AtomicUsize,
    start: Instant,
    /// Until when there are many, in milliseconds from the start.
    many_until: AtomicU64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            count: AtomicUsize::new(0),
            start: Instant::now(),
            many_until: AtomicU64::new(0),
        }
    }
}

impl Load {
    /// Whether a request is best polled where it is waited for.
    pub fn is_light(&self) -> bool {
        self.at(Duration::ZERO) >= self.many_until.load(Ordering::Relaxed)
    }

    fn at(&self, later: Duration) -> u64 {
        u64::try_from((self.start.elapsed() + later).as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request is under way.
#[derive(Debug)]
pub struct Busy(Arc<Live>);

impl Busy {
    pub fn with(live: &Arc<Live>) -> Self {
        let load = live.load();
        if load.count.fetch_add(1, Ordering::Relaxed) >= MANY {
            load.many_until.store(load.at(WAVE), Ordering::Relaxed);
        }
        Self(Arc::clone(live))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.load().count.fetch_sub(1, Ordering::Relaxed);
    }
}
