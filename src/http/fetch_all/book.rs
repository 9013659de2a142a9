//! Which request is made next: the order, the limits and the paces of a fan-out.
//!
//! Fair over hosts: of those that may be asked now, the one with the fewest requests in flight is next, and
//! among equals the one that was not served for longest. So a host that is slow, or has ten thousand URLs
//! before the others, takes no more than its share; and all hosts together that do not answer at all
//! take no more than a sixteenth. Of a host that is new nobody knows that yet: before its first answer it has no
//! more than that either, as long as others may come into view.
//!
//! Pure: no sockets, no clock, no Python. `J` is whatever is to be done.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::adapt::{Adaptive, Decisions, Outcome};
use url::Url;

use super::host::{Counts, Host, Line, Pace, Robots, Standing};
use super::robots_asked::Permission;

/// What a run with `concurrency="auto"` begins with and comes to at most; and one host of it.
const AUTO: (usize, usize) = (10, 1000);
const AUTO_HOST: (usize, usize) = (4, 1000);

/// The share of the requests in flight that hosts may have together which do not answer, and one alone that is new;
/// the latter not less than so many.
const SILENT_SHARE: usize = 16;
const LEAST_NEW: usize = 8;

/// A crawl-delay that is longer counts as this one: some are there to keep everybody out, for which there is
/// `Disallow`.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// Hosts that are remembered though nothing is to be done for them.
const MOST_IDLE: usize = 10_000;

/// So many wait at least: few requests at once may be quick ones.
const NEAREST: usize = 64;

/// Up to so many wait, where what waits is for hosts that may not be asked now.
const FARTHEST: usize = 16_384;

/// What the user said, checked.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// None: found out on the way.
    pub concurrency: Option<usize>,
    pub per_host: Option<usize>,
    pub interval: Option<Duration>,
    pub host_interval: Option<Duration>,
    /// Ask each host for its robots.txt first.
    pub robots: bool,
}

#[derive(Debug)]
pub struct Book<J> {
    rules: Rules,
    adaptive: Option<Adaptive>,
    pace: Option<Pace>,
    hosts: HashMap<Arc<str>, usize>,
    places: Vec<Option<Host<J>>>,
    free: Vec<usize>,
    ready: BTreeSet<(usize, u64, usize)>,
    /// The same of hosts that did not answer before, and of those that are new and have enough.
    silent: BTreeSet<(usize, u64, usize)>,
    new: BTreeSet<(usize, u64, usize)>,
    resting: BTreeSet<(Instant, usize)>,
    stamp: u64,
    in_flight: usize,
    /// Of those, requests to hosts that did not answer before.
    silent_in_flight: usize,
    waiting: usize,
    /// How many are to wait at least: see [`ahead`](Self::ahead).
    ahead: usize,
    /// How many hosts there are before the idle ones are looked for.
    forget_at: usize,
    /// Of hosts that are forgotten.
    others: Counts,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<J> {
    Do(usize, J),
    /// Read the robots.txt of that host.
    Ask(usize),
    /// Nothing before that.
    At(Instant),
    Nothing,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    pub outcome: Outcome,
    pub took: Duration,
    pub says: Says,
}

/// What an attempt says of the host, beside how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It is there.
    Answers,
    /// It is there, and wants to be left alone, for so long if it says.
    Rest(Option<Duration>),
    /// No connection, or no answer in time.
    Silence,
    /// Nothing.
    Nothing,
}

impl<J> Book<J> {
    pub fn new(rules: Rules) -> Self {
        let adaptive = match rules.concurrency {
            Some(_) => None,
            None => Some(Adaptive::new(AUTO.0, AUTO.1)),
        };
        Self {
            pace: rules.interval.map(Pace::new),
            rules,
            adaptive,
            hosts: HashMap::new(),
            places: Vec::new(),
            free: Vec::new(),
            ready: BTreeSet::new(),
            silent: BTreeSet::new(),
            new: BTreeSet::new(),
            resting: BTreeSet::new(),
            stamp: 0,
            in_flight: 0,
            silent_in_flight: 0,
            waiting: 0,
            ahead: NEAREST,
            forget_at: MOST_IDLE,
            others: Counts::default(),
        }
    }

    /// How many may be in flight.
    pub fn limit(&self) -> usize {
        match &self.adaptive {
            Some(adaptive) => adaptive.limit(),
            None => self.rules.concurrency.unwrap_or(1),
        }
    }

    pub fn decisions(&self) -> Option<Decisions> {
        self.adaptive.as_ref().map(Adaptive::decisions)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many more are wanted now.
    pub fn room(&self) -> usize {
        self.ahead().saturating_sub(self.waiting)
    }

    /// Whether more should be brought soon.
    pub fn is_hungry(&self) -> bool {
        self.waiting <= self.ahead() / 2
    }

    /// Has more brought; whether more can be.
    fn looks_farther(&mut self) -> bool {
        let full = self.waiting > self.ahead() / 2;
        let farther = self.ahead() < FARTHEST;
        if full && farther {
            self.ahead = (self.ahead() * 2).min(FARTHEST);
        }
        !full || farther
    }

    /// How many are to wait, so that there is always one to be made.
    fn ahead(&self) -> usize {
        // A limit that is found out grows.
        self.ahead.max(self.limit().saturating_mul(2).min(FARTHEST))
    }

    /// The host of that name, made if it is new.
    pub fn host(&mut self, name: &str, now: Instant) -> usize {
        if let Some(place) = self.hosts.get(name) {
            return *place;
        }
        if self.hosts.len() >= self.forget_at {
            self.forget_idle(now);
            // Not again before there are twice as many.
            self.forget_at = MOST_IDLE.max(2 * self.hosts.len());
        }
        let name: Arc<str> = name.into();
        let robots = match self.rules.robots {
            true => Robots::Unknown,
            false => Robots::Settled,
        };
        let adaptive = self
            .adaptive
            .as_ref()
            .map(|_| Adaptive::new(AUTO_HOST.0, AUTO_HOST.1));
        let pace = self.rules.host_interval.map(Pace::new);
        let host = Host::new(Arc::clone(&name), pace, robots, adaptive);
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.places.push(None);
                self.places.len() - 1
            }
        };
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(host);
        }
        self.hosts.insert(name, place);
        place
    }

    pub fn add(&mut self, place: usize, job: J, now: Instant) {
        if let Some(host) = self.get(place) {
            host.queue.push_back(job);
            self.waiting += 1;
            self.stand(place, now);
        }
    }

    /// What is to be done now. `room`: whether there is any for one more result; `more`: whether jobs may be brought
    /// for other hosts.
    pub fn next(&mut self, now: Instant, room: bool, more: bool) -> Next<J> {
        if self.in_flight >= self.limit() || !room {
            return Next::Nothing;
        }
        if let Some(at) = self.pace.as_ref().and_then(Pace::next).filter(|at| *at > now)
            && self.waiting > 0
        {
            return Next::At(at);
        }
        while let Some(&(at, place)) = self.resting.first() {
            if at > now {
                break;
            }
            self.stand(place, now);
        }
        let may_be_silent = self.silent_in_flight < (self.limit() / SILENT_SHARE).max(1);
        let silent = self.silent.first().filter(|_| may_be_silent);
        let first = [self.ready.first(), silent].into_iter().flatten().min();
        let first = match (first, self.new.first()) {
            (Some((.., place)), _) => Some(*place),
            // What waits has to wait, and there would be room for others.
            (None, Some(&(.., place))) => {
                let others = more && self.looks_farther();
                (!others).then_some(place)
            }
            (None, None) => {
                self.looks_farther();
                None
            }
        };
        let Some(place) = first else {
            return match self.resting.first() {
                Some(&(at, _)) => Next::At(at),
                None => Next::Nothing,
            };
        };
        self.stamp += 1;
        let stamp = self.stamp;
        let Some(host) = self.get(place) else {
            return Next::Nothing;
        };
        host.stamp = stamp;
        let silent = host.silent;
        let asks = host.robots == Robots::Unknown;
        let job = if asks {
            host.robots = Robots::Asked;
            None
        } else {
            host.take(now)
        };
        host.in_flight += 1;
        if let Some(pace) = &mut host.pace {
            pace.take(now);
        }
        self.in_flight += 1;
        self.silent_in_flight += usize::from(silent);
        if let Some(pace) = &mut self.pace {
            pace.take(now);
        }
        if !asks {
            self.waiting = self.waiting.saturating_sub(1);
        }
        self.stand(place, now);
        match job {
            Some(job) => Next::Do(place, job),
            None => Next::Ask(place),
        }
    }

    /// An attempt has ended. `again`: it is made again, not before that.
    pub fn ended(&mut self, place: usize, now: Instant, ending: Ending, again: Option<(J, Instant)>) {
        let all = self.in_flight;
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.ended(now, ending.took, ending.outcome, all);
        }
        self.stamp += 1;
        let stamp = self.stamp;
        let Some(host) = self.get(place) else { return };
        let was_silent = host.silent;
        host.known = true;
        match ending.says {
            Says::Answers => host.answered(),
            Says::Rest(rest) => {
                host.silent = false;
                host.refused(now, rest);
            }
            Says::Silence => host.silent = true,
            Says::Nothing => {}
        }
        if let Some(adaptive) = &mut host.adaptive {
            adaptive.ended(now, ending.took, ending.outcome, host.in_flight);
        }
        host.in_flight = host.in_flight.saturating_sub(1);
        let (silent, left) = (host.silent, host.in_flight);
        let added = usize::from(again.is_some());
        if let Some((job, at)) = again {
            host.again.insert((at, stamp), job);
        }
        self.waiting += added;
        // All that the host has in flight is counted as what the host is now.
        match (was_silent, silent) {
            (true, true) => self.silent_in_flight = self.silent_in_flight.saturating_sub(1),
            (true, false) => self.silent_in_flight = self.silent_in_flight.saturating_sub(left + 1),
            (false, true) => self.silent_in_flight += left,
            (false, false) => {}
        }
        self.stand(place, now);
    }

    /// It is known what that host permits. What waits for it is given back, to be looked at again.
    pub fn settled(&mut self, place: usize, permission: Permission, now: Instant) -> Vec<J> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let own = self.rules.host_interval;
        let Some(host) = self.get(place) else {
            return Vec::new();
        };
        host.in_flight = host.in_flight.saturating_sub(1);
        (host.robots, host.known) = (Robots::Settled, true);
        let delay = permission.rules.crawl_delay();
        host.permission = Some(permission);
        if let Some(delay) = delay.filter(|delay| !delay.is_zero()) {
            let delay = delay.min(LONGEST_DELAY);
            let mut pace = Pace::new(own.map_or(delay, |own| own.max(delay)));
            // It has been asked for its robots.txt.
            pace.take(now);
            host.pace = Some(pace);
        }
        let waiting: Vec<J> = host.queue.drain(..).collect();
        self.waiting = self.waiting.saturating_sub(waiting.len());
        self.stand(place, now);
        waiting
    }

    /// Why that host does not permit it; None if it does, or is not known to forbid it.
    pub fn forbids(&self, place: usize, url: &Url) -> Option<Arc<str>> {
        let host = self.places.get(place)?.as_ref()?;
        let permission = host.permission.as_ref()?;
        (!permission.rules.allows(url)).then(|| Arc::clone(&permission.why))
    }

    /// Whether everything is done that was brought.
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.waiting == 0
    }

    pub fn counts(&mut self, place: usize) -> Option<&mut Counts> {
        self.get(place).map(|host| &mut host.counts)
    }

    pub fn name(&self, place: usize) -> Option<&Arc<str>> {
        self.places.get(place)?.as_ref().map(|host| &host.name)
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Host<J>> {
        self.places.iter().flatten()
    }

    /// What hosts did that are forgotten.
    pub fn others(&self) -> Counts {
        self.others
    }

    /// How many may be in flight to that host.
    pub fn host_limit(&self, host: &Host<J>) -> usize {
        host.limit(self.rules.per_host).min(self.limit())
    }

    /// Takes out all that waits. What is in flight is given up.
    pub fn clear(&mut self) -> Vec<J> {
        let mut jobs = Vec::new();
        for host in self.places.iter_mut().flatten() {
            host.in_flight = 0;
            jobs.extend(host.queue.drain(..));
            jobs.extend(std::mem::take(&mut host.again).into_values());
            host.standing = Standing::Out;
        }
        self.ready.clear();
        self.silent.clear();
        self.new.clear();
        self.resting.clear();
        (self.waiting, self.in_flight, self.silent_in_flight) = (0, 0, 0);
        jobs
    }

    fn get(&mut self, place: usize) -> Option<&mut Host<J>> {
        self.places.get_mut(place).and_then(Option::as_mut)
    }

    /// Hosts that can be asked now, of that kind.
    fn line(&mut self, line: Line) -> &mut BTreeSet<(usize, u64, usize)> {
        match line {
            Line::Answering => &mut self.ready,
            Line::Silent => &mut self.silent,
            Line::New => &mut self.new,
        }
    }

    /// Puts a host where it belongs now.
    fn stand(&mut self, place: usize, now: Instant) {
        let per_host = self.rules.per_host;
        let enough = (self.limit() / SILENT_SHARE).max(LEAST_NEW);
        let Some(host) = self.places.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        let before = host.standing;
        host.standing = match host.due(per_host, now) {
            None => Standing::Out,
            Some(due) if due > now => Standing::Resting(due),
            Some(_) => Standing::Ready {
                line: match (host.silent, host.known) {
                    (true, _) => Line::Silent,
                    (false, false) if host.in_flight >= enough => Line::New,
                    (false, _) => Line::Answering,
                },
                in_flight: host.in_flight,
                stamp: host.stamp,
            },
        };
        let after = host.standing;
        if before == after {
            return;
        }
        match before {
            Standing::Out => {}
            Standing::Ready {
                line,
                in_flight,
                stamp,
            } => {
                self.line(line).remove(&(in_flight, stamp, place));
            }
            Standing::Resting(at) => {
                self.resting.remove(&(at, place));
            }
        }
        match after {
            Standing::Out => {}
            Standing::Ready {
                line,
                in_flight,
                stamp,
            } => {
                self.line(line).insert((in_flight, stamp, place));
            }
            Standing::Resting(at) => {
                self.resting.insert((at, place));
            }
        }
    }

    fn forget_idle(&mut self, now: Instant) {
        for (place, slot) in self.places.iter_mut().enumerate() {
            if let Some(host) = slot.take_if(|host| host.is_idle(now)) {
                self.hosts.remove(&host.name);
                self.free.push(place);
                self.others += host.counts;
            }
        }
    }
}

#[cfg(test)]
mod tests;
