//! One host, as the book of a fan-out sees it: what waits for it, what it is doing, and when it may be asked.

use std::collections::{BTreeMap, VecDeque};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::adapt::Adaptive;
use super::robots_asked::Permission;

/// How much of what a late timer has lost may be caught up: timers come late by a millisecond or more, and a
/// pace without this would fall behind by as much each time.
const CATCH_UP: Duration = Duration::from_millis(10);

/// A hundred years: the longest interval.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);

/// After a refusal that does not say for how long; it doubles with each that follows.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);

/// One after another, evenly spaced.
#[derive(Debug, Clone)]
pub struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    pub fn new(interval: Duration) -> Self {
        Self { interval, next: None }
    }

    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    pub fn take(&mut self, now: Instant) {
        let late = now.checked_sub(CATCH_UP).unwrap_or(now);
        let from = self.next.map_or(now, |next| next.max(late));
        // A point in time that cannot be told never comes either.
        self.next = Some(from + self.interval.min(NEVER));
    }
}

/// In which line a host stands that can be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Answering,
    /// It did not answer the last time.
    Silent,
    /// Nothing is known of it, and enough is on its way to find out.
    New,
}

/// Where a host stands in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing waits for it, or it has all it may have.
    Out,
    /// In the order in which hosts are served: fewest in flight, then longest not served.
    Ready {
        line: Line,
        in_flight: usize,
        stamp: u64,
    },
    Resting(Instant),
}

/// What is known of its robots.txt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Robots {
    /// Nobody asks, or it was read.
    Settled,
    /// To be asked for before anything else.
    Unknown,
    /// On its way: nothing else is asked for until it is here.
    Asked,
}

/// What came of the attempts at one host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub done: u64,
    pub failed: u64,
    pub retried: u64,
    pub bytes: u64,
}

#[derive(Debug)]
pub struct Host<J> {
    pub name: Arc<str>,
    pub queue: VecDeque<J>,
    /// What is tried again, by when.
    pub again: BTreeMap<(Instant, u64), J>,
    pub in_flight: usize,
    pub standing: Standing,
    /// When it was served last.
    pub stamp: u64,
    pub pace: Option<Pace>,
    pub rests_until: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
    /// How many at once it bears, after a refusal; and how many answers there were since it was changed.
    bears: Option<(usize, usize)>,
    /// An attempt has ended here, so that it is known whether it answers.
    pub known: bool,
    /// It did not answer the last time: no connection, or no answer in time.
    pub silent: bool,
    pub robots: Robots,
    pub permission: Option<Permission>,
    pub adaptive: Option<Adaptive>,
    pub counts: Counts,
}

impl Counts {
    pub fn add(&mut self, failed: bool, bytes: u64) {
        self.done += 1;
        self.failed += u64::from(failed);
        self.bytes += bytes;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.retried += other.retried;
        self.bytes += other.bytes;
    }
}

impl<J> Host<J> {
    pub fn new(name: Arc<str>, pace: Option<Pace>, robots: Robots, adaptive: Option<Adaptive>) -> Self {
        Self {
            name,
            queue: VecDeque::new(),
            again: BTreeMap::new(),
            in_flight: 0,
            standing: Standing::Out,
            stamp: 0,
            pace,
            rests_until: None,
            refusals: 0,
            bears: None,
            known: false,
            silent: false,
            robots,
            permission: None,
            adaptive,
            counts: Counts::default(),
        }
    }

    pub fn waiting(&self) -> usize {
        self.queue.len() + self.again.len()
    }

    /// How many may be in flight.
    pub fn limit(&self, per_host: Option<usize>) -> usize {
        if self.robots != Robots::Settled {
            return 1;
        }
        let own = [
            per_host,
            self.bears.map(|(most, _)| most),
            self.adaptive.as_ref().map(Adaptive::limit),
        ];
        own.into_iter().flatten().min().unwrap_or(usize::MAX)
    }

    /// When it may be asked next; None if nothing waits, or all it may have is on its way.
    pub fn due(&self, per_host: Option<usize>, now: Instant) -> Option<Instant> {
        if self.robots == Robots::Asked || self.in_flight >= self.limit(per_host) {
            return None;
        }
        let job = match self.queue.is_empty() {
            false => now,
            true => self.again.first_key_value()?.0.0,
        };
        let pace = self.pace.as_ref().and_then(Pace::next);
        Some(
            [pace, self.rests_until]
                .into_iter()
                .flatten()
                .fold(job, Instant::max),
        )
    }

    /// What is to be done next: what is tried again first, since its time has come.
    pub fn take(&mut self, now: Instant) -> Option<J> {
        match self.again.first_entry() {
            Some(first) if first.key().0 <= now => Some(first.remove()),
            _ => self.queue.pop_front(),
        }
    }

    /// It says that it is asked too much; `after`: for how long it wants to be left alone.
    pub fn refused(&mut self, now: Instant, after: Option<Duration>) {
        let doubled = FIRST_REST.saturating_mul(1 << self.refusals.min(8));
        let rest = after.unwrap_or(doubled).min(LONGEST_REST);
        // What was in flight together is refused together, and that is one refusal.
        if self.rests_until.is_none_or(|until| until <= now) {
            self.refusals = self.refusals.saturating_add(1);
            self.bears = Some(((self.in_flight / 2).max(1), 0));
        }
        let until = now + rest;
        self.rests_until = Some(self.rests_until.map_or(until, |before| before.max(until)));
    }

    pub fn answered(&mut self) {
        self.refusals = 0;
        self.silent = false;
        // One more at a time, each time that as many were answered.
        if let Some((most, answers)) = &mut self.bears {
            *answers += 1;
            if answers >= most {
                (*most, *answers) = (*most + 1, 0);
            }
        }
    }

    /// Whether it can be forgotten: it may be asked now, and nothing is to be done there. That it did not answer
    /// or was refused is forgotten with it, or a crawl of the whole web would remember every dead host.
    pub fn is_idle(&self, now: Instant) -> bool {
        let free = |at: Option<Instant>| at.is_none_or(|at| at <= now);
        self.in_flight == 0
            && self.waiting() == 0
            && free(self.rests_until)
            && free(self.pace.as_ref().and_then(Pace::next))
    }
}
