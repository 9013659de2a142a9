//! The ends of children one by one: what `as_completed` and `amap` wait for, and take.
//!
//! Invariant: who waits is in `waiting`, or has been woken and will look here. One that was woken and
//! leaves without an end wakes the next, so no end is left lying while somebody waits.

use std::collections::VecDeque;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::child::{Child, Ended, Started, classify};
use super::children::{Children, Inner, stop};
use super::running::TIME_LIMIT;
use super::start::Starter;
use crate::bridge::mailbox::WakeId;
use crate::bridge::{Hub, Turn};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Ends {
    /// Children that have ended and were not taken, in the order of their ends.
    pub(super) ended: VecDeque<usize>,
    /// Who waits for an end, in order.
    waiting: VecDeque<WakeId>,
    /// Which end they wait for.
    wanted: Wanted,
    pub(super) uses: Uses,
    /// For `amap`: what ended it.
    pub(super) failure: Option<Py<PyAny>>,
    /// For `as_completed`: its timer, until it has fired or is not needed.
    timer: Option<WakeId>,
    pub(super) time_is_over: bool,
    /// Numbers of children that are gone, to be given again.
    free: Vec<usize>,
}

/// Whose ends they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uses {
    /// `as_completed`: the Tasks are shown, and keep their results.
    Shown,
    /// `amap`: results are taken in the order of their ends, or of their starts; the first failure has
    /// the others cancelled.
    Results { ordered: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Any,
    /// This child's, or a failure.
    Child(usize),
    /// The last one.
    Last,
}

impl Ends {
    pub(super) fn new(uses: Uses) -> Self {
        Self {
            ended: VecDeque::new(),
            waiting: VecDeque::new(),
            wanted: Wanted::Any,
            uses,
            failure: None,
            timer: None,
            time_is_over: false,
            free: Vec::new(),
        }
    }

    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.failure)
    }
}

impl Inner {
    /// Whether the user sees the Tasks.
    pub(super) fn shows_tasks(&self) -> bool {
        self.ends.as_ref().is_some_and(|ends| ends.uses == Uses::Shown)
    }

    /// Whether nothing more is to be started for a map.
    pub(super) fn has_failed(&self) -> bool {
        self.ends.as_ref().is_none_or(|ends| ends.failure.is_some())
    }

    /// Takes what became of a child; None if it has not ended with a result of ours.
    pub(super) fn take_ended(&mut self, index: usize) -> Option<Ended> {
        let child = self.children.get_mut(index)?;
        if !matches!(child, Child::Ended(_)) {
            return None;
        }
        let Child::Ended(ended) = std::mem::replace(child, Child::Gone) else {
            return None;
        };
        if let Some(ends) = &mut self.ends {
            ends.free.push(index);
        }
        Some(ended)
    }

    /// Takes the child that has ended first.
    pub(super) fn take_first(&mut self) -> Option<Child> {
        let index = self.ends.as_mut()?.ended.pop_front()?;
        let child = self.children.get_mut(index)?;
        Some(std::mem::replace(child, Child::Gone))
    }
}

impl Children {
    /// A child has ended: notes it, and wakes who waits for it.
    pub(super) fn note_end(slf: &Bound<'_, Self>, index: usize, failed: Option<Py<PyAny>>) -> PyResult<()> {
        let py = slf.py();
        let mut inner = slf.get().inner.lock();
        let Inner {
            ends: Some(ends),
            left,
            hub,
            ..
        } = &mut *inner
        else {
            return Ok(());
        };
        if ends.time_is_over {
            return Ok(());
        }
        let last = *left == 0;
        if ends.uses != (Uses::Results { ordered: true }) {
            ends.ended.push_back(index);
        }
        let stops = failed.is_some() && ends.uses != Uses::Shown && ends.failure.is_none();
        let wakes = match ends.wanted {
            Wanted::Any => true,
            Wanted::Child(wanted) => wanted == index || stops,
            Wanted::Last => last,
        };
        if stops {
            ends.failure = failed;
        }
        let woken = if wakes { ends.waiting.pop_front() } else { None };
        let timer = if last { ends.timer.take() } else { None };
        let hub = Arc::clone(hub);
        drop(inner);
        if let Some(timer) = timer {
            hub.release_timer(py, timer)?;
            hub.disarm_if_idle(py)?;
        }
        if stops {
            Self::cancel(slf, None)?;
        }
        wake(py, &hub, woken)
    }

    /// Wakes whoever waits, whatever for: something else has happened.
    pub(super) fn wake_all(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (hub, woken) = {
            let mut inner = slf.get().inner.lock();
            let hub = Arc::clone(&inner.hub);
            match &mut inner.ends {
                Some(ends) => (hub, std::mem::take(&mut ends.waiting)),
                None => return Ok(()),
            }
        };
        wake(slf.py(), &hub, woken)
    }

    /// Has the turn's sleeper woken when there is an end of that kind.
    pub(super) fn wait_for(&self, py: Python<'_>, turn: &mut Turn<'_>, wanted: Wanted) {
        // A waker, because the id is put in the mailbox.
        drop(turn.waker(py));
        let id = turn.id(py);
        if let Some(ends) = &mut self.inner.lock().ends {
            ends.wanted = wanted;
            if !ends.waiting.contains(&id) {
                ends.waiting.push_back(id);
            }
        }
    }

    /// One that waited leaves without an end.
    pub(super) fn give_up(&self, py: Python<'_>, id: WakeId) -> PyResult<()> {
        let mut inner = self.inner.lock();
        let hub = Arc::clone(&inner.hub);
        if hub.is_closed() {
            return Ok(());
        }
        let Some(ends) = &mut inner.ends else {
            return Ok(());
        };
        let known = ends.waiting.len();
        ends.waiting.retain(|waiting| *waiting != id);
        let was_woken = ends.waiting.len() == known;
        let woken = if was_woken && !ends.ended.is_empty() {
            ends.waiting.pop_front()
        } else {
            None
        };
        drop(inner);
        wake(py, &hub, woken)
    }

    /// Starts one more child, at once, and gives its number.
    pub(super) fn add(slf: &Bound<'_, Self>, aw: &Bound<'_, PyAny>) -> PyResult<usize> {
        let child = Child::adopt(aw, classify(aw)?);
        let waits = child.is_waiting();
        let mut inner = slf.get().inner.lock();
        let place = inner.ends.as_mut().and_then(|ends| ends.free.pop());
        let index = place.unwrap_or(inner.children.len());
        match inner.children.get_mut(index) {
            Some(place) => *place = child,
            None => inner.children.push(child),
        }
        inner.left += 1;
        let has_starter = inner.starter.is_some();
        let hub = Arc::clone(&inner.hub);
        drop(inner);
        if !has_starter {
            let starter = Starter::on(&hub.event_loop(slf.py())?)?;
            slf.get().inner.lock().starter = Some(starter);
        }
        if waits {
            Self::start_child(slf, index)?;
        } else {
            // An operation that had been awaited before: its error is its end.
            Self::child_ended(slf, index, None)?;
        }
        Ok(index)
    }

    /// Ends the wait for children after `seconds` of the loop's clock.
    pub(super) fn limit_time(slf: &Bound<'_, Self>, seconds: f64) -> PyResult<()> {
        let hub = Arc::clone(&slf.get().inner.lock().hub);
        let py = slf.py();
        let id = hub.reserve(py);
        hub.occupy(py, id, Self::sleeper(slf, TIME_LIMIT));
        hub.wake_after(py, seconds, id)?;
        if let Some(ends) = &mut slf.get().inner.lock().ends {
            ends.timer = Some(id);
        }
        Ok(())
    }

    /// The hub's call: nobody waits for the others any more.
    pub(super) fn time_is_over(slf: &Bound<'_, Self>) -> PyResult<()> {
        let mut inner = slf.get().inner.lock();
        let hub = Arc::clone(&inner.hub);
        let timer = inner.ends.as_mut().and_then(|ends| {
            ends.time_is_over = true;
            ends.timer.take()
        });
        drop(inner);
        if let Some(timer) = timer {
            hub.release(slf.py(), timer);
        }
        slf.get().forsake(slf.py())?;
        Self::wake_all(slf)
    }

    /// Nobody will take another end: stops what is ours alone, and starts nothing more. Tasks and Futures
    /// go on, as with asyncio.
    pub(super) fn forsake(&self, py: Python<'_>) -> PyResult<()> {
        let mut inner = self.inner.lock();
        let hub = Arc::clone(&inner.hub);
        if hub.is_closed() {
            return Ok(());
        }
        inner.waiting.clear();
        inner.next_turn.clear();
        let afar = inner.afar.take();
        let timer = inner.ends.as_mut().and_then(|ends| ends.timer.take());
        let ours = inner.children.iter_mut().filter(|child| {
            matches!(
                child,
                Child::Waiting(_) | Child::Started(Started::Native { .. } | Started::Afar)
            )
        });
        let stopped = ours.map(|child| std::mem::replace(child, Child::Gone)).collect();
        drop(inner);
        if let Some(timer) = timer {
            hub.release_timer(py, timer)?;
            hub.disarm_if_idle(py)?;
        }
        stop(py, &hub, afar, stopped)
    }
}

/// Wakes sleepers of `hub` in the loop's next turn.
pub(super) fn wake(py: Python<'_>, hub: &Hub, ids: impl IntoIterator<Item = WakeId>) -> PyResult<()> {
    let mut ids = ids.into_iter().peekable();
    if ids.peek().is_none() {
        return Ok(());
    }
    Hub::waking(py, || ids.for_each(|id| hub.waker(py, id).wake()))
}
