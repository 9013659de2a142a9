//! What a watchdog counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What a watchdog has seen since it was made. Read without a lock, in a forked child too.
#[derive(Debug, Default)]
pub struct Seen {
    stalls: AtomicU64,
    /// The bits of a number of seconds.
    longest: AtomicU64,
}

impl Seen {
    pub fn stalls(&self) -> u64 {
        self.stalls.load(Relaxed)
    }

    /// In seconds.
    pub fn longest(&self) -> f64 {
        f64::from_bits(self.longest.load(Relaxed))
    }

    pub fn count_one(&self) {
        self.stalls.fetch_add(1, Relaxed);
    }

    /// Only the watching thread calls this.
    pub fn lasted(&self, length: Duration) {
        let longest = self.longest().max(length.as_secs_f64());
        self.longest.store(longest.to_bits(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_kept() {
        let seen = Seen::default();
        for milliseconds in [20, 300, 4] {
            seen.count_one();
            seen.lasted(Duration::from_millis(milliseconds));
        }
        assert_eq!((seen.stalls(), seen.longest()), (3, 0.3));
    }
}
