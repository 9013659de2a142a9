//! Who sleeps under which id.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::hub::Hub;
use super::mailbox::{Mailbox, OpWaker, WakeId};

/// What to do with the object of a sleeper on that hub; the `usize` is its tag.
pub type Action = fn(&Bound<'_, PyAny>, usize, &Hub) -> PyResult<()>;

/// Someone to call when an id comes out of the mailbox or a timer is due.
#[derive(Debug)]
pub struct Sleeper {
    /// Kept alive while it sleeps, as a selector keeps the transport of a pending read.
    pub object: Py<PyAny>,
    /// Which of several things the object sleeps for; its own business.
    pub tag: usize,
    /// Called on the loop thread, with no lock held.
    pub resume: Action,
    /// Called when the loop is gone and will never resume it: stop the work.
    pub abandon: Action,
}

impl Sleeper {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            object: self.object.clone_ref(py),
            ..*self
        }
    }
}

#[derive(Debug, Default)]
struct Slot {
    /// Odd while the slot is taken. An id is current if its generation is the slot's.
    generation: u32,
    sleeper: Option<Sleeper>,
    waker: Option<Arc<OpWaker>>,
    /// The id came while nobody was in the slot.
    missed: bool,
}

/// A slab whose ids are never mistaken for their successors'.
#[derive(Debug, Default)]
pub struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slots {
    /// Takes a slot, with nobody in it yet.
    pub fn reserve(&mut self) -> WakeId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // 2^32 operations suspended at once do not fit in memory.
            (self.slots.len() - 1) as u32
        });
        let mut id = WakeId { slot, generation: 0 };
        if let Some(taken) = self.slots.get_mut(slot as usize) {
            taken.generation = taken.generation.wrapping_add(1);
            taken.missed = false;
            id.generation = taken.generation;
        }
        id
    }

    /// The waker for `id`, made on first use.
    pub fn waker(&mut self, id: WakeId, mailbox: &Arc<Mailbox>) -> Option<Arc<OpWaker>> {
        let slot = self.current(id)?;
        let waker = slot
            .waker
            .get_or_insert_with(|| Arc::new(OpWaker::new(Arc::clone(mailbox), id)));
        Some(Arc::clone(waker))
    }

    /// Puts `sleeper` in. It comes back if the id is no longer current, or came before anybody was there:
    /// then nothing is going to wake it.
    pub fn occupy(&mut self, id: WakeId, sleeper: Sleeper) -> Result<(), Sleeper> {
        match self.current(id) {
            Some(slot) if !slot.missed => {
                slot.sleeper = Some(sleeper);
                Ok(())
            }
            _ => Err(sleeper),
        }
    }

    /// The sleeper to resume for an id that has come, which stays in its slot.
    pub fn woken(&mut self, id: WakeId, py: Python<'_>) -> Option<Sleeper> {
        let slot = self.current(id)?;
        if let Some(waker) = &slot.waker {
            waker.taken();
        }
        slot.missed = slot.sleeper.is_none();
        slot.sleeper.as_ref().map(|sleeper| sleeper.clone_ref(py))
    }

    /// Gives the slot back. What was in it is returned, to be dropped where no lock is held.
    pub fn release(&mut self, id: WakeId) -> Option<Sleeper> {
        let slot = self.current(id)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.waker = None;
        let sleeper = slot.sleeper.take();
        self.free.push(id.slot);
        sleeper
    }

    /// Whether the id still belongs to the one it was given to.
    pub fn is_current(&self, id: WakeId) -> bool {
        self.slots
            .get(id.slot as usize)
            .is_some_and(|slot| slot.generation == id.generation)
    }

    /// Releases every slot; no id given so far is current any more.
    pub fn clear(&mut self) -> Vec<Sleeper> {
        let mut sleepers = Vec::new();
        for (slot, index) in self.slots.iter_mut().zip(0..) {
            if slot.generation % 2 == 1 {
                slot.generation = slot.generation.wrapping_add(1);
                slot.waker = None;
                sleepers.extend(slot.sleeper.take());
                self.free.push(index);
            }
        }
        sleepers
    }

    /// How many slots are taken.
    pub fn taken(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for sleeper in self.slots.iter().filter_map(|slot| slot.sleeper.as_ref()) {
            visit.call(&sleeper.object)?;
        }
        Ok(())
    }

    fn current(&mut self, id: WakeId) -> Option<&mut Slot> {
        self.slots
            .get_mut(id.slot as usize)
            .filter(|slot| slot.generation == id.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_id_is_stale_though_its_slot_is_used_again() {
        let mut slots = Slots::default();
        let first = slots.reserve();
        assert!(slots.is_current(first));
        assert!(slots.release(first).is_none());
        let second = slots.reserve();
        assert_eq!(second.slot, first.slot);
        assert!(!slots.is_current(first));
        assert!(slots.is_current(second));
        assert_eq!(slots.taken(), 1);
    }

    #[test]
    fn releasing_twice_frees_once() {
        let mut slots = Slots::default();
        let id = slots.reserve();
        slots.release(id);
        slots.release(id);
        assert_ne!(slots.reserve().slot, slots.reserve().slot);
    }
}
