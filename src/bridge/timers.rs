//! What is due when: one heap per loop, so that a timeout which does not fire costs the loop nothing.
//!
//! An entry is dead once its id is no longer current; dead entries leave when they come up, or all at
//! once when they are the majority, as asyncio does with its cancelled handles.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::mailbox::WakeId;

/// Fewer dead entries than this are not worth a sweep.
const SWEEP_FROM: usize = 100;

/// An id and the loop time at which it wakes. Equal times wake in the order they were added.
#[derive(Debug, PartialEq)]
struct Entry {
    when: f64,
    order: u64,
    id: WakeId,
}

impl Eq for Entry {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.when
            .total_cmp(&other.when)
            .then(self.order.cmp(&other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    added: u64,
    dead: usize,
}

impl Timers {
    /// `when` is in the loop's own time, in seconds.
    pub fn add(&mut self, when: f64, id: WakeId) {
        let order = self.added;
        self.added += 1;
        self.heap.push(Reverse(Entry { when, order, id }));
    }

    /// Notes that some entry's id was released before it was due.
    pub fn one_died(&mut self, is_current: impl Fn(WakeId) -> bool) {
        self.dead += 1;
        if self.dead > SWEEP_FROM && self.dead * 2 > self.heap.len() {
            self.heap.retain(|Reverse(entry)| is_current(entry.id));
            self.dead = 0;
        }
    }

    /// The next id due by `now`, dead ones included.
    pub fn pop_due(&mut self, now: f64) -> Option<WakeId> {
        let Reverse(first) = self.heap.peek()?;
        if first.when > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.id)
    }

    /// When the first live entry is due; drops the dead ones before it.
    pub fn earliest(&mut self, is_current: impl Fn(WakeId) -> bool) -> Option<f64> {
        while let Some(Reverse(first)) = self.heap.peek() {
            if is_current(first.id) {
                return Some(first.when);
            }
            self.heap.pop();
            self.dead = self.dead.saturating_sub(1);
        }
        None
    }

    /// Entries in the heap, the dead among them.
    pub fn entries(&self) -> usize {
        self.heap.len()
    }

    pub fn clear(&mut self) {
        self.heap.clear();
        self.dead = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(slot: u32) -> WakeId {
        WakeId { slot, generation: 1 }
    }

    #[test]
    fn entries_come_in_order_of_time_then_of_arrival() {
        let mut timers = Timers::default();
        for (when, slot) in [(2.0, 1), (1.0, 2), (2.0, 3), (0.5, 4)] {
            timers.add(when, id(slot));
        }
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(2.0))
            .map(|id| id.slot)
            .collect();
        assert_eq!(due, [4, 2, 1, 3]);
    }

    #[test]
    fn nothing_is_due_early() {
        let mut timers = Timers::default();
        timers.add(1.0, id(1));
        assert_eq!(timers.pop_due(0.999), None);
        assert_eq!(timers.earliest(|_| true), Some(1.0));
    }

    #[test]
    fn dead_entries_do_not_pile_up() {
        let mut timers = Timers::default();
        timers.add(1e9, id(0));
        for slot in 1..100_000 {
            timers.add(30.0, id(slot));
            timers.one_died(|id| id.slot == 0);
        }
        assert!(
            timers.entries() <= 2 * SWEEP_FROM + 2,
            "{} entries",
            timers.entries()
        );
        assert_eq!(timers.earliest(|id| id.slot == 0), Some(1e9));
    }
}
