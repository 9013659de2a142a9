//! How many retries there may be, all requests of a `Retry` together.
//!
//! Retries help against what fails now and then, and do harm to a server that is down: it gets several times
//! the load it could not bear. So they are held to a share of the requests of the last ten seconds, and a few
//! more, so that a program that asks seldom may retry too. Finagle's and tower's budgets do the same.
//!
//! Invariant: retries granted in the window <= share * requests in the window + `FLOOR`. There is no lock: a
//! fork could leave one locked. A retry is counted first and taken back if it was too many, so that threads
//! that come at once may get less than there is, and never more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seconds that are looked at, one slot each.
const WINDOW: u64 = 10;

/// Retries that are granted in a window whatever the share: one a second.
const FLOOR: u64 = WINDOW;

/// The retries of all requests of a policy.
#[derive(Debug)]
pub struct Budget {
    share: f64,
    start: Instant,
    /// By second, modulo `WINDOW`: a [`Slot`] each, packed.
    slots: [AtomicU64; WINDOW as usize],
}

/// What happened in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slot {
    second: u64,
    requests: u64,
    retries: u64,
}

impl Slot {
    /// A million in a second are more than anybody sends, and 2^24 seconds are half a year.
    const COUNT: u32 = 20;
    const MOST: u64 = (1 << Self::COUNT) - 1;
    const SECONDS: u64 = (1 << 24) - 1;

    fn unpack(packed: u64) -> Self {
        Self {
            second: packed >> (2 * Self::COUNT),
            requests: (packed >> Self::COUNT) & Self::MOST,
            retries: packed & Self::MOST,
        }
    }

    fn pack(self) -> u64 {
        (self.second << (2 * Self::COUNT))
            | (self.requests.min(Self::MOST) << Self::COUNT)
            | self.retries.min(Self::MOST)
    }

    fn is_within_window(self, second: u64) -> bool {
        second.wrapping_sub(self.second) & Self::SECONDS < WINDOW
    }
}

impl Budget {
    /// `share`: retries for each request, in the long run.
    pub fn new(share: f64) -> Self {
        Self {
            share,
            start: Instant::now(),
            slots: Default::default(),
        }
    }

    /// Counts a request, which is not a retry.
    pub fn request(&self, now: Instant) {
        self.change(self.second(now), |slot| slot.requests += 1);
    }

    /// Whether one more retry is within the budget; counts it then.
    pub fn retry(&self, now: Instant) -> bool {
        let second = self.second(now);
        self.change(second, |slot| slot.retries += 1);
        let (requests, retries) = self.sum(second);
        let granted = retries as f64 <= self.share * requests as f64 + FLOOR as f64;
        if !granted {
            self.forgo(now);
        }
        granted
    }

    /// Takes back a retry that was counted a moment ago.
    pub fn forgo(&self, now: Instant) {
        self.change(self.second(now), |slot| {
            slot.retries = slot.retries.saturating_sub(1)
        });
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs() & Slot::SECONDS
    }

    /// Changes the slot of a second, which is empty if it was another second's. Nothing is changed where it
    /// is a later one's already: then the thread was stopped for ten seconds between two instructions.
    fn change(&self, second: u64, change: impl Fn(&mut Slot)) {
        let Some(slot) = self.slots.get((second % WINDOW) as usize) else {
            return;
        };
        let changed = |packed| {
            let mut slot = Slot::unpack(packed);
            if slot.second != second {
                let later = slot.second.wrapping_sub(second) & Slot::SECONDS;
                if later <= 10 * WINDOW {
                    return None;
                }
                slot = Slot {
                    second,
                    ..Slot::default()
                };
            }
            change(&mut slot);
            Some(slot.pack())
        };
        let _unless_late = slot.fetch_update(Ordering::SeqCst, Ordering::SeqCst, changed);
    }

    /// Requests and retries of the window that ends with this second.
    fn sum(&self, second: u64) -> (u64, u64) {
        let slots = self
            .slots
            .iter()
            .map(|slot| Slot::unpack(slot.load(Ordering::SeqCst)));
        slots
            .filter(|slot| slot.is_within_window(second))
            .fold((0, 0), |(requests, retries), slot| {
                (requests + slot.requests, retries + slot.retries)
            })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use super::*;

    fn granted(budget: &Budget, now: Instant, tries: usize) -> usize {
        (0..tries).filter(|_| budget.retry(now)).count()
    }

    #[test]
    fn the_floor_is_there_without_requests() {
        let budget = Budget::new(0.2);
        assert_eq!(granted(&budget, budget.start, 100), 10);
    }

    #[test]
    fn a_share_of_the_requests_is_granted() {
        let budget = Budget::new(0.2);
        (0..1000).for_each(|_| budget.request(budget.start));
        assert_eq!(granted(&budget, budget.start, 1000), 210);
        // What was refused is not counted.
        (0..5).for_each(|_| budget.request(budget.start));
        assert_eq!(granted(&budget, budget.start, 1000), 1);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let budget = Budget::new(0.5);
        let at = |seconds| budget.start + Duration::from_secs(seconds);
        (0..100).for_each(|_| budget.request(at(0)));
        assert_eq!(granted(&budget, at(0), 20), 20);
        assert_eq!(granted(&budget, at(9), 100), 40);
        // The requests of second 0 are gone, and its 20 retries too; the 40 of second 9 are not.
        assert_eq!(granted(&budget, at(10), 100), 0);
        assert_eq!(granted(&budget, at(18), 100), 0);
        assert_eq!(granted(&budget, at(19), 100), 10);
    }

    #[test]
    fn a_long_time_and_a_clock_that_goes_back_do_no_harm() {
        let budget = Budget::new(0.5);
        let year = budget.start + Duration::from_secs(400 * 86_400);
        assert_eq!(granted(&budget, year, 100), 10);
        budget.request(budget.start);
        assert!(budget.retry(year + Duration::from_secs(10)));
    }

    #[test]
    fn counts_do_not_run_into_each_other() {
        let budget = Budget::new(1.0);
        (0..Slot::MOST + 10).for_each(|_| budget.request(budget.start));
        assert_eq!(budget.sum(0), (Slot::MOST, 0));
    }

    #[test]
    fn threads_together_get_no_more_than_there_is() {
        let budget = Budget::new(0.1);
        let now = budget.start;
        let all: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..1000)
                            .filter(|_| {
                                budget.request(now);
                                budget.retry(now)
                            })
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!((10..=410).contains(&all), "{all}");
        assert_eq!(budget.sum(0), (4000, all as u64));
    }
}
