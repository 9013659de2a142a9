//! The tokio side of a fan-out: who makes the requests.
//!
//! ```text
//! loop thread                     | tokio
//! Handle.add: jobs into the book -+-> lead: begins a worker for each that can be made now
//!                                 |   worker: an attempt, settle it, take the next from the book
//! Handle.collect: results  <------+-- outbox; one wake-up for whatever is there
//! ```
//!
//! A worker that ends an attempt takes the next one itself, so in the steady state there is no hand-over and no
//! new task. The lead begins workers, and is the one clock for all that waits for a time.
//!
//! Invariant: nothing here is Python's. The workers are the lead's, and end with it, which is dropped with the
//! [`Handle`]: whatever is in flight then is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::attempt::{self, Done, Work};
use super::book::{Book, Next, Rules};
use super::outbox::{Outbox, Wanted};
use super::robots_asked::{Asking, Permission};
use super::tally::Tally;
use crate::error::{Error, Result};
use crate::http::live::Live;
use crate::runtime::{self, Job};

/// What the loop's side has of it. Stopped when dropped.
#[derive(Debug)]
pub struct Handle {
    pub shared: Arc<Shared>,
    /// Locked with the interpreter held, and never given up under it.
    lead: Mutex<Option<Job<()>>>,
    epoch: u32,
}

#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    pub live: Arc<Live>,
    /// How robots.txt files are asked for; None where nobody asks.
    asking: Option<Asking>,
    orders: UnboundedSender<Order>,
    /// As in the state, to be seen without its lock.
    stopped: AtomicBool,
    takers: AtomicU64,
}

#[derive(Debug)]
pub struct State {
    pub book: Book<Box<Work>>,
    pub outbox: Outbox,
    pub tally: Tally,
    /// When the lead looks again.
    alarm: Option<Instant>,
    /// How many may be outstanding, where results are kept for the order.
    window: usize,
    /// No more jobs are brought.
    exhausted: bool,
    stopped: bool,
}

/// What the lead is to do.
#[derive(Debug)]
enum Order {
    Begin(Ticket),
    /// Look at the clock.
    Look,
}

/// What a worker is to do first.
#[derive(Debug)]
enum Ticket {
    Attempt(usize, Box<Work>),
    Robots(usize),
}

impl State {
    /// What can be begun now.
    fn hire(&mut self, now: Instant) -> (Option<Ticket>, Vec<Ticket>, bool) {
        let (mut first, mut others) = (None, Vec::new());
        loop {
            let room = self.outbox.has_room();
            let more = room && !self.exhausted && self.outstanding() < self.window;
            let ticket = match self.book.next(now, room, more) {
                Next::Do(place, work) => Ticket::Attempt(place, work),
                Next::Ask(place) => Ticket::Robots(place),
                Next::At(at) => {
                    let sooner = self.alarm.is_none_or(|alarm| at < alarm);
                    if sooner {
                        self.alarm = Some(at);
                    }
                    return (first, others, sooner);
                }
                Next::Nothing => return (first, others, false),
            };
            match first {
                None => first = Some(ticket),
                Some(_) => others.push(ticket),
            }
        }
    }

    /// Whether more should be brought soon.
    fn is_hungry(&self) -> bool {
        !self.exhausted && self.book.is_hungry() && self.room() > 0
    }

    /// How many more are wanted now. None while what is done is not taken: it may be all that comes of them.
    fn room(&self) -> usize {
        if self.stopped || !self.outbox.has_room() {
            return 0;
        }
        self.book
            .room()
            .min(self.window.saturating_sub(self.outstanding()))
    }

    /// How many were brought and not taken.
    fn outstanding(&self) -> usize {
        self.book.waiting() + self.book.in_flight() + self.outbox.held()
    }

    /// Whether all is done, and nothing more comes.
    pub fn is_over(&self) -> bool {
        self.stopped || (self.exhausted && self.book.is_idle())
    }
}

impl Shared {
    /// Changes the state; begins what can be begun after it, but for one, which is given back if the caller
    /// `takes` it; and wakes who has waited for that.
    fn change<T>(&self, takes: bool, change: impl FnOnce(&mut State, Instant) -> T) -> (T, Option<Ticket>) {
        let now = Instant::now();
        let mut state = self.state.lock();
        let value = change(&mut state, now);
        let (mut first, others, look) = match state.stopped {
            true => (None, Vec::new(), false),
            false => state.hire(now),
        };
        let over = state.is_over();
        if over {
            state.tally.end(now);
        }
        let hungry = state.is_hungry();
        let wakers = state.outbox.wakers(over, hungry);
        drop(state);
        let mine = if takes { first.take() } else { None };
        let begun = first.into_iter().chain(others).map(Order::Begin);
        for order in begun.chain(look.then_some(Order::Look)) {
            // The lead is gone only where all of this is.
            let _stopped = self.orders.send(order);
        }
        for waker in wakers {
            waker.wake();
        }
        (value, mine)
    }

    /// Makes attempts, as long as there are any to be made at once.
    async fn work(self: Arc<Self>, ticket: Ticket) {
        let mut next = Some(ticket);
        while let Some(ticket) = next {
            next = match ticket {
                Ticket::Attempt(place, work) => self.attempt(place, work).await,
                Ticket::Robots(place) => self.ask(place).await,
            };
        }
    }

    async fn attempt(&self, place: usize, work: Box<Work>) -> Option<Ticket> {
        let mut held = Held {
            shared: self,
            place,
            lost: Some(work.lost()),
        };
        let ended = attempt::make(&self.live, work).await;
        held.lost = None;
        let ((), next) = self.change(true, |state, now| {
            if state.stopped {
                return;
            }
            state.tally.attempt(ended.ending.took);
            match ended.then {
                attempt::Then::Again(work, wait) => {
                    state.tally.retried();
                    if let Some(counts) = state.book.counts(place) {
                        counts.retried += 1;
                    }
                    let at = now.checked_add(wait).unwrap_or(now);
                    state.book.ended(place, now, ended.ending, Some((work, at)));
                }
                attempt::Then::Done(done) => {
                    state.finish(place, done, ended.bytes);
                    state.book.ended(place, now, ended.ending, None);
                }
            }
        });
        next
    }

    async fn ask(&self, place: usize) -> Option<Ticket> {
        let origin = self.state.lock().book.name(place).cloned();
        let (asking, origin) = self.asking.as_ref().zip(origin)?;
        let mut held = HeldHost {
            shared: self,
            place,
            lost: true,
        };
        let permission = asking.ask(&self.live, &origin).await;
        held.lost = false;
        let ((), next) = self.change(true, |state, now| state.settle(place, permission, now));
        next
    }

    async fn lead(self: Arc<Self>, mut orders: UnboundedReceiver<Order>) {
        let mut workers = JoinSet::new();
        loop {
            let alarm = self.state.lock().alarm;
            let alarmed = async {
                match alarm {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Begin(ticket)) => {
                        workers.spawn(Arc::clone(&self).work(ticket));
                    }
                    Some(Order::Look) => {}
                    None => return,
                },
                Some(_) = workers.join_next(), if !workers.is_empty() => {}
                () = alarmed => {
                    self.change(false, |state, now| {
                        state.alarm = None;
                        state.outbox.look(now);
                        state.alarm = state.outbox.until().filter(|until| *until > now);
                    });
                }
            }
        }
    }
}

impl State {
    /// Takes in a job for a host; what its robots.txt forbids is done at once.
    fn add(&mut self, place: usize, work: Box<Work>, now: Instant) {
        match self.book.forbids(place, &work.outgoing.url) {
            Some(why) => self.finish(place, work.forbidden(&why), 0),
            None => self.book.add(place, work, now),
        }
    }

    /// A request to a host is done with; `bytes`: of the body, as it came.
    fn finish(&mut self, place: usize, done: Done, bytes: u64) {
        let failed = done.outcome.is_err();
        self.tally.done(failed, bytes);
        if let Some(counts) = self.book.counts(place) {
            counts.add(failed, bytes);
        }
        self.outbox.put(done);
    }

    /// It is known what a host permits: what has waited for that goes on.
    fn settle(&mut self, place: usize, permission: Permission, now: Instant) {
        if self.stopped {
            return;
        }
        for work in self.book.settled(place, permission, now) {
            self.add(place, work, now);
        }
    }
}

/// What makes up for an attempt that panics: whoever waits for its result gets an error.
struct Held<'a> {
    shared: &'a Shared,
    place: usize,
    /// None once it has ended as it should.
    lost: Option<Done>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(done) = self.lost.take() else { return };
        let place = self.place;
        self.shared.change(false, |state, now| {
            if !state.stopped {
                state.finish(place, done, 0);
                state.book.ended(place, now, attempt::LOST, None);
            }
        });
    }
}

/// The same for the question what a host permits: nobody is to wait for its answer for ever.
struct HeldHost<'a> {
    shared: &'a Shared,
    place: usize,
    lost: bool,
}

impl Drop for HeldHost<'_> {
    fn drop(&mut self) {
        if self.lost {
            let permission = Permission::nothing("aioxide has a bug".to_owned());
            self.shared
                .change(false, |state, now| state.settle(self.place, permission, now));
        }
    }
}

impl Handle {
    /// Begins a fan-out in which nothing is to be done yet.
    ///
    /// `results`: so many may be kept before no more requests are made. `window`: so many may be outstanding.
    pub fn start(
        live: Arc<Live>,
        rules: Rules,
        asking: Option<Asking>,
        results: usize,
        window: usize,
    ) -> Result<Self> {
        let (orders, inbox) = unbounded_channel();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                book: Book::new(rules),
                outbox: Outbox::new(results),
                window,
                tally: Tally::new(Instant::now()),
                alarm: None,
                exhausted: false,
                stopped: false,
            }),
            live,
            asking,
            orders,
            stopped: AtomicBool::new(false),
            takers: AtomicU64::new(0),
        });
        let lead = runtime::spawn(Arc::clone(&shared).lead(inbox))?;
        Ok(Self {
            shared,
            lead: Mutex::new(Some(lead)),
            epoch: runtime::epoch(),
        })
    }

    /// RuntimeError in a forked child.
    pub fn check(&self) -> Result<()> {
        match self.epoch == runtime::epoch() {
            true => Ok(()),
            false => Err(Error::runtime(
                "this fetch_all was started before a fork and goes on in the parent process",
            )),
        }
    }

    /// Brings more to be done.
    pub fn add(&self, works: Vec<Work>) {
        self.shared.change(false, |state, now| {
            if state.stopped {
                return;
            }
            for work in works {
                let place = state.book.host(work.origin(), now);
                state.add(place, Box::new(work), now);
            }
        });
    }

    /// How many more are wanted now; 0 once it has stopped.
    pub fn room(&self) -> usize {
        self.shared.state.lock().room()
    }

    /// No more is brought.
    pub fn exhaust(&self) {
        self.shared.change(false, |state, _| state.exhausted = true);
    }

    /// What has come since the last call, and whether that was all. `kept`: how many results are with the
    /// caller, and count as not taken.
    pub fn collect(&self, kept: usize) -> (Vec<Done>, bool) {
        let (collected, _) = self.shared.change(false, |state, _| {
            let done = state.outbox.collect(kept);
            (done, state.is_over())
        });
        collected
    }

    /// Says what the caller waits for; false if there is something already.
    pub fn want(&self, wanted: Wanted) -> bool {
        let until = wanted.until;
        let mut state = self.shared.state.lock();
        let over = state.is_over();
        let hungry = state.is_hungry();
        let waits = state.outbox.want(wanted, over, hungry);
        let sooner = until.filter(|until| waits && state.alarm.is_none_or(|alarm| *until < alarm));
        if sooner.is_some() {
            state.alarm = sooner;
        }
        drop(state);
        if sooner.is_some() {
            let _stopped = self.shared.orders.send(Order::Look);
        }
        waits
    }

    /// For who brings more: whether more is wanted; None: not now, and the waker is woken when that changes.
    pub fn feed(&self, waker: Waker) -> Option<bool> {
        let mut state = self.shared.state.lock();
        if state.stopped || state.exhausted {
            Some(false)
        } else if state.is_hungry() {
            Some(true)
        } else {
            state.outbox.feed(waker);
            None
        }
    }

    /// Wakes all who wait for results.
    pub fn rouse(&self) {
        if self.check().is_ok() {
            self.shared.change(false, |state, _| state.outbox.rouse());
        }
    }

    /// An item has come to a result without a request.
    pub fn refused(&self) {
        self.shared.change(false, |state, _| {
            state.tally.done(true, 0);
            state.outbox.keep();
            state.outbox.rouse();
        });
    }

    /// A name for one who takes results.
    pub fn taker(&self) -> u64 {
        self.shared.takers.fetch_add(1, Ordering::Relaxed)
    }

    /// That taker has gone away.
    pub fn forget(&self, taker: u64) {
        if self.check().is_ok() {
            self.shared.state.lock().outbox.forget(taker);
        }
    }

    /// A moment of it. In a forked child its lock may be held by a thread that is not there: see [`check`](Self::check).
    pub fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.shared.state.lock())
    }

    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Relaxed)
    }

    /// Stops what is in flight, and forgets the rest. A second time does nothing.
    pub fn stop(&self) {
        if self.check().is_err() {
            return;
        }
        let lead = self.lead.lock().take();
        self.shared.stopped.store(true, Ordering::Relaxed);
        let (forgotten, _) = self.shared.change(false, |state, _| {
            state.stopped = true;
            (state.book.clear(), state.outbox.collect(0))
        });
        drop(forgotten);
        drop(lead);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.check().is_err() {
            std::mem::forget(self.lead.lock().take());
            return;
        }
        self.stop();
    }
}

/// The longest that anybody waits for a batch, so that a point in time can be had.
pub const LONGEST: Duration = Duration::from_secs(1 << 31);
