//! How busy a client is, and so on which thread its requests are best polled.
//!
//! Few requests at a time are over sooner on the thread that waits for them: each trip to a thread of tokio's and
//! back takes longer than what it would do there. Of many the loop's thread has enough to do with their answers, and
//! tokio's threads are awake anyhow. It is one or the other: a mixture is slower than either.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::live::Live;

/// More than this at a time are many, until there are [`FEW`] again.
const MANY: usize = 32;
const FEW: usize = 8;

#[derive(Debug, Default)]
pub struct Load {
    /// Requests under way.
    count: AtomicUsize,
    many: AtomicBool,
}

impl Load {
    /// Whether a request is best polled where it is waited for.
    pub fn is_light(&self) -> bool {
        !self.many.load(Ordering::Relaxed)
    }
}

/// A request is under way.
#[derive(Debug)]
pub struct Busy(Arc<Live>);

impl Busy {
    pub fn with(live: &Arc<Live>) -> Self {
        let load = live.load();
        if load.count.fetch_add(1, Ordering::Relaxed) >= MANY {
            load.many.store(true, Ordering::Relaxed);
        }
        Self(Arc::clone(live))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let load = self.0.load();
        if load.count.fetch_sub(1, Ordering::Relaxed) <= FEW + 1 {
            load.many.store(false, Ordering::Relaxed);
        }
    }
}
