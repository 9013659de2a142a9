//! The loop's side of the bridge: who sleeps, what is due, and where wake-ups arrive.
//!
//! One hub per loop, made by the first operation that suspends there. The loop owns it, through the
//! [`Drain`](super::drain::Drain) it was given to call; when the loop is closed it drops that, and the
//! hub closes: whatever still sleeps is abandoned, and its work stops.
//!
//! A hub is found by the loop's address, which CPython gives to the next loop at once; so an address
//! alone proves nothing, and every find checks the weak reference to the loop and `closed` as well.
//!
//! `state` is never kept open while Python is called or a Python object is dropped, because either may run
//! code that comes back here.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{PyTraverseError, PyVisit};

use super::bell::Bell;
use super::clock;
use super::drain::{self, Soon, Tick};
use super::mailbox::{Mailbox, WakeId};
use super::slots::{Sleeper, Slots};
use super::timers::Timers;
use crate::error::Error;
use crate::python::attached::Attached;
use crate::python::imports;
use crate::runtime;

/// After so many wake-ups the loop gets its turn, for fairness to its other callbacks.
const DRAIN_CAP: usize = 512;

/// See the head of this file.
#[derive(Debug)]
pub struct Hub {
    mailbox: Arc<Mailbox>,
    event_loop: Py<PyWeakrefReference>,
    /// How far ahead of its deadline a timer counts as due, in seconds: asyncio's own rule.
    resolution: f64,
    /// Whether somebody else drives the loop's clock, and is to be told of every deadline.
    driven: bool,
    /// Whether the loop can be run again inside one of its own callbacks, as nest_asyncio makes it.
    nests: AtomicBool,
    state: Attached<State>,
}

#[derive(Debug, Default)]
struct State {
    slots: Slots,
    /// Ids taken from the mailbox and not yet woken.
    carry: VecDeque<WakeId>,
    timers: Timers,
    /// The one timer the loop knows of: when it is due, and its handle.
    armed: Option<(f64, Py<PyAny>)>,
    /// Where the clock is driven, the loop knows of every timer instead.
    handles: HashMap<WakeId, Py<PyAny>>,
    /// What the loop is given to call in its next turn. It does not keep the hub alive.
    soon: Option<Py<Soon>>,
}

/// What the tests count; see `aioxide.testing.bridge_statistics`.
#[derive(Debug, Clone, Copy)]
pub struct Statistics {
    pub rings: u64,
    pub sleeping: usize,
    pub timers: usize,
}

static HUBS: Mutex<Option<HashMap<usize, Weak<Hub>>>> = Mutex::new(None);

thread_local! {
    /// The hub this thread used last: nearly always the one it needs next.
    static LAST: RefCell<(usize, Weak<Hub>)> = const { RefCell::new((0, Weak::new())) };
}

impl Hub {
    /// The hub of the running loop. RuntimeError where none runs.
    pub fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        let event_loop = imports::get_running_loop(py)?.call0()?;
        Self::of(&event_loop)
    }

    /// The hub of `event_loop`, made if it has none. Only on that loop's thread.
    pub fn of(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let hub = match Self::known(event_loop) {
            Some(hub) => hub,
            None => Self::open(event_loop)?,
        };
        Ok(hub)
    }

    fn known(event_loop: &Bound<'_, PyAny>) -> Option<Arc<Self>> {
        let address = event_loop.as_ptr() as usize;
        let last = LAST.with_borrow(|(of, hub)| if *of == address { hub.upgrade() } else { None });
        if let Some(hub) = last.filter(|hub| hub.belongs_to(event_loop)) {
            return Some(hub);
        }
        let known = HUBS
            .lock()
            .as_ref()
            .and_then(|hubs| hubs.get(&address)?.upgrade());
        let hub = known.filter(|hub| hub.belongs_to(event_loop))?;
        LAST.set((address, Arc::downgrade(&hub)));
        Some(hub)
    }

    /// Calls `wake`, which wakes sleepers of any loop, thread or runtime. Those of the loop that runs here go
    /// on in its next turn, in the order they were woken, as with asyncio; it takes no bell for that, and one
    /// callback for all of them.
    pub fn waking(py: Python<'_>, wake: impl FnOnce()) -> PyResult<()> {
        let event_loop = imports::running_loop_or_none(py)?.call0()?;
        let here = if event_loop.is_none() {
            None
        } else {
            Self::known(&event_loop)
        };
        let Some(hub) = here else {
            wake();
            return Ok(());
        };
        if !hub.mailbox.without_bell(wake) {
            return Ok(());
        }
        let known = hub.state.open(py).soon.as_ref().map(|soon| soon.clone_ref(py));
        let soon = match known {
            Some(soon) => soon,
            None => {
                let soon = Soon::of(py, Arc::downgrade(&hub))?;
                hub.state.open(py).soon = Some(soon.clone_ref(py));
                soon
            }
        };
        let scheduled = event_loop.call_method1(intern!(py, "call_soon"), (soon,));
        if scheduled.is_err() {
            hub.mailbox.ring();
        }
        scheduled.map(drop)
    }

    fn open(event_loop: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let hub = Self::watched(event_loop)?.map_or_else(|| drain::call_from_thread(event_loop), Ok)?;
        let mut hubs = HUBS.lock();
        let hubs = hubs.get_or_insert_default();
        hubs.retain(|_, hub| hub.strong_count() > 0);
        hubs.insert(event_loop.as_ptr() as usize, Arc::downgrade(&hub));
        Ok(hub)
    }

    /// A hub whose bell the loop watches; None where the loop watches no fds.
    #[cfg(unix)]
    fn watched(event_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Self>>> {
        use pyo3::exceptions::{PyAttributeError, PyNotImplementedError};
        let py = event_loop.py();
        let hub = Self::new(event_loop, Bell::fd()?)?;
        let fd = hub.mailbox.bell().watched();
        match event_loop.call_method1(intern!(py, "add_reader"), (fd, drain::of(py, &hub)?)) {
            Ok(_) => Ok(Some(hub)),
            Err(error)
                if error.is_instance_of::<PyNotImplementedError>(py)
                    || error.is_instance_of::<PyAttributeError>(py) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(not(unix))]
    fn watched(_event_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Self>>> {
        Ok(None)
    }

    pub(super) fn new(event_loop: &Bound<'_, PyAny>, bell: Bell) -> PyResult<Arc<Self>> {
        Ok(Arc::new(Self {
            mailbox: Arc::new(Mailbox::new(bell)),
            event_loop: PyWeakrefReference::new(event_loop)?.unbind(),
            resolution: clock::resolution(event_loop),
            driven: clock::is_driven(event_loop)?,
            nests: AtomicBool::new(false),
            state: Attached::new(State::default()),
        }))
    }

    fn belongs_to(&self, event_loop: &Bound<'_, PyAny>) -> bool {
        !self.mailbox.is_closed()
            && self
                .event_loop
                .bind(event_loop.py())
                .upgrade()
                .is_some_and(|mine| mine.is(event_loop))
    }

    /// The loop, or RuntimeError if it is gone.
    pub fn event_loop<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.event_loop
            .bind(py)
            .upgrade()
            .ok_or_else(|| Error::runtime("the event loop of this operation is gone").into())
    }

    /// The loop's clock, in seconds.
    pub fn time(&self, py: Python<'_>) -> PyResult<f64> {
        self.event_loop(py)?.call_method0(intern!(py, "time"))?.extract()
    }

    /// Whether a timer for `when` would have fired by now.
    pub fn is_due(&self, py: Python<'_>, when: f64) -> PyResult<bool> {
        Ok(when <= self.time(py)? + self.resolution)
    }

    /// Whether the loop is gone, or this is a forked child of its process.
    pub fn is_closed(&self) -> bool {
        self.mailbox.is_closed()
    }

    /// Takes an id for something that is about to sleep.
    pub fn reserve(&self, py: Python<'_>) -> WakeId {
        self.state.open(py).slots.reserve()
    }

    /// The same, with its waker.
    pub fn reserve_with_waker(&self, py: Python<'_>) -> (WakeId, Waker) {
        let mut state = self.state.open(py);
        let id = state.slots.reserve();
        let waker = state.slots.waker(id, &self.mailbox);
        (id, waker.map_or_else(|| Waker::noop().clone(), Waker::from))
    }

    /// The waker that wakes `id`; a waker of nobody if the id is stale.
    pub fn waker(&self, py: Python<'_>, id: WakeId) -> Waker {
        match self.state.open(py).slots.waker(id, &self.mailbox) {
            Some(waker) => waker.into(),
            None => Waker::noop().clone(),
        }
    }

    /// Says whom `id` wakes; false if nothing is going to wake it, because the id came already.
    pub fn occupy(&self, py: Python<'_>, id: WakeId, sleeper: Sleeper) -> bool {
        let refused = self.state.open(py).slots.occupy(id, sleeper);
        refused.is_ok()
    }

    /// Gives an id back; nothing wakes it any more.
    pub fn release(&self, py: Python<'_>, id: WakeId) {
        let sleeper = self.state.open(py).slots.release(id);
        drop(sleeper);
    }

    /// Gives back an id that had a timer which has not fired.
    pub fn release_timer(&self, py: Python<'_>, id: WakeId) -> PyResult<()> {
        let mut state = self.state.open(py);
        let sleeper = state.slots.release(id);
        let State {
            slots,
            timers,
            handles,
            ..
        } = &mut *state;
        timers.one_died(|id| slots.is_current(id));
        // Hashing costs more than the rest of this.
        let handle = self.driven.then(|| handles.remove(&id)).flatten();
        drop(state);
        drop(sleeper);
        cancel(py, handle)
    }

    /// Has `sleeper` woken when the loop's clock reaches `when`, and says under which id it sleeps.
    pub fn sleep_until(self: &Arc<Self>, py: Python<'_>, when: f64, sleeper: Sleeper) -> PyResult<WakeId> {
        let mut state = self.state.open(py);
        let id = state.slots.reserve();
        // Nothing can have come for an id that was just made.
        let _accepted = state.slots.occupy(id, sleeper);
        if !self.driven && state.armed.as_ref().is_some_and(|(armed, _)| *armed <= when) {
            state.timers.add(when, id);
            return Ok(id);
        }
        drop(state);
        self.wake_at(py, when, id)?;
        Ok(id)
    }

    /// Wakes `id` when the loop's clock reaches `when`.
    pub fn wake_at(self: &Arc<Self>, py: Python<'_>, when: f64, id: WakeId) -> PyResult<()> {
        self.state.open(py).timers.add(when, id);
        if !self.driven {
            return self.arm(py);
        }
        let handle = self.call_at(py, when)?;
        self.state.open(py).handles.insert(id, handle);
        Ok(())
    }

    /// Wakes `id` after `delay` seconds of the loop's clock; says when that is.
    pub fn wake_after(self: &Arc<Self>, py: Python<'_>, delay: f64, id: WakeId) -> PyResult<f64> {
        let when = self.time(py)? + delay;
        if !self.driven {
            return self.wake_at(py, when, id).map(|()| when);
        }
        self.state.open(py).timers.add(when, id);
        let event_loop = self.event_loop(py)?;
        let tick = Tick::of(py, Arc::downgrade(self))?;
        let handle = event_loop.call_method1(intern!(py, "call_later"), (delay, tick))?;
        self.state.open(py).handles.insert(id, handle.unbind());
        Ok(when)
    }

    /// Leaves the loop without a timer of ours if nothing waits for one.
    pub fn disarm_if_idle(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.state.open(py);
        let State {
            slots, timers, armed, ..
        } = &mut *state;
        if timers.earliest(|id| slots.is_current(id)).is_some() {
            return Ok(());
        }
        let handle = armed.take();
        drop(state);
        cancel(py, handle.map(|(_, handle)| handle))
    }

    /// Makes the loop call us at the earliest deadline, if it would not already.
    fn arm(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        let mut state = self.state.open(py);
        let State {
            slots, timers, armed, ..
        } = &mut *state;
        let Some(when) = timers.earliest(|id| slots.is_current(id)) else {
            return Ok(());
        };
        if armed.as_ref().is_some_and(|(armed, _)| *armed <= when) {
            return Ok(());
        }
        let later = armed.take();
        drop(state);
        cancel(py, later.map(|(_, handle)| handle))?;
        let handle = self.call_at(py, when)?;
        self.state.open(py).armed = Some((when, handle));
        Ok(())
    }

    /// Has the loop call [`tick`](Self::tick) at `when`.
    fn call_at(self: &Arc<Self>, py: Python<'_>, when: f64) -> PyResult<Py<PyAny>> {
        let event_loop = self.event_loop(py)?;
        let tick = Tick::of(py, Arc::downgrade(self))?;
        let handle = if when <= self.time(py)? {
            // What is due already comes before the callbacks that are added from now on, as with asyncio.
            event_loop.call_method1(intern!(py, "call_soon"), (tick,))?
        } else {
            event_loop.call_method1(intern!(py, "call_at"), (when, tick))?
        };
        Ok(handle.unbind())
    }

    /// What the bell calls: wakes those whose ids have come.
    pub(super) fn drain(&self, py: Python<'_>) -> PyResult<()> {
        self.mailbox.silence();
        self.drain_quietly(py)
    }

    /// The same, where no bell was rung.
    pub(super) fn drain_quietly(&self, py: Python<'_>) -> PyResult<()> {
        self.mailbox.take(&mut self.state.open(py).carry);
        self.wake_carried(py)
    }

    /// What the loop's timer calls: wakes those who are due.
    pub(super) fn tick(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        let now = self.time(py)? + self.resolution;
        let mut state = self.state.open(py);
        let armed = state.armed.take();
        let mut fired = Vec::new();
        let State {
            carry,
            timers,
            handles,
            ..
        } = &mut *state;
        while let Some(id) = timers.pop_due(now) {
            carry.push_back(id);
            if self.driven {
                fired.extend(handles.remove(&id));
            }
        }
        drop(state);
        drop((armed, fired));
        let outcome = self.wake_carried(py);
        if !self.driven {
            self.arm(py)?;
        }
        outcome
    }

    /// Whether a task must not be stepped from here, but by a Handle of its own.
    ///
    /// On a loop that nests, a task may run the loop until something else has ended. The drain would then be
    /// called while it is still running, which the context of its Handle forbids, and what it has yet to
    /// hand to tokio would wait for its end.
    pub fn nests(&self) -> bool {
        self.nests.load(Ordering::Relaxed)
    }

    fn wake_carried(&self, py: Python<'_>) -> PyResult<()> {
        let nests = match self.event_loop(py) {
            Ok(event_loop) => event_loop.getattr_opt(intern!(py, "_nest_patched"))?.is_some(),
            Err(_) => false,
        };
        self.nests.store(nests, Ordering::Relaxed);
        if nests {
            self.wake_each(py)
        } else {
            runtime::burst(|| self.wake_each(py))
        }
    }

    /// Resumes sleepers in the order their ids came, up to the cap. What is left when the cap is reached,
    /// or when one of them raises (KeyboardInterrupt, SystemExit), is for the next turn of the loop.
    fn wake_each(&self, py: Python<'_>) -> PyResult<()> {
        let mut outcome = Ok(());
        for _ in 0..DRAIN_CAP {
            let mut state = self.state.open(py);
            let State { carry, slots, .. } = &mut *state;
            let Some(id) = carry.pop_front() else {
                return Ok(());
            };
            let woken = slots.woken(id, py);
            drop(state);
            if let Some(sleeper) = woken {
                outcome = (sleeper.resume)(sleeper.object.bind(py), sleeper.tag, self);
                if outcome.is_err() {
                    break;
                }
            }
        }
        if !self.state.open(py).carry.is_empty() {
            self.mailbox.ring_unless_armed();
        }
        outcome
    }

    /// The loop is gone: abandons all that sleeps. Called on the thread that closed or dropped the loop.
    pub(super) fn close(&self, py: Python<'_>) {
        self.mailbox.close();
        let mut state = self.state.open(py);
        let sleepers = state.slots.clear();
        state.carry.clear();
        state.timers.clear();
        let handles = (state.armed.take(), std::mem::take(&mut state.handles));
        drop(state);
        drop(handles);
        for sleeper in sleepers {
            if let Err(error) = (sleeper.abandon)(sleeper.object.bind(py), sleeper.tag, self) {
                error.write_unraisable(py, None);
            }
        }
    }

    /// For the garbage collector, on behalf of the drain that owns this hub.
    pub(super) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(state) = self.state.seen_by(&visit) else {
            return Ok(());
        };
        state.slots.traverse(visit)?;
        if let Some((_, handle)) = &state.armed {
            visit.call(handle)?;
        }
        state.handles.values().try_for_each(|handle| visit.call(handle))
    }

    pub fn statistics(&self, py: Python<'_>) -> Statistics {
        let state = self.state.open(py);
        Statistics {
            rings: self.mailbox.rings(),
            sleeping: state.slots.taken(),
            timers: state.timers.entries(),
        }
    }
}

fn cancel(py: Python<'_>, handle: Option<Py<PyAny>>) -> PyResult<()> {
    match handle {
        Some(handle) => handle.call_method0(py, intern!(py, "cancel")).map(drop),
        None => Ok(()),
    }
}
