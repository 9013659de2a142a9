//! Results on their way to the loop, and who is woken for them.
//!
//! Several may wait at once: whoever can have what he wants is woken, and looks for himself, since one who was
//! woken may have gone away meanwhile.

use std::task::Waker;
use std::time::Instant;

use super::attempt::Done;

#[derive(Debug)]
pub struct Outbox {
    done: Vec<Done>,
    /// Results that the loop's side has and its user has not taken.
    kept: usize,
    /// How many may be here and there before no more requests are made.
    most: usize,
    wanted: Vec<Wanted>,
    /// Who brings more when there is room.
    feeder: Option<Waker>,
}

/// What somebody waits for.
#[derive(Debug)]
pub struct Wanted {
    /// Who: what he wanted before does not count any more.
    pub taker: u64,
    pub waker: Waker,
    /// So many results, or all there are.
    pub results: usize,
    /// Also room for more to be brought.
    pub room: bool,
    /// Not longer than that.
    pub until: Option<Instant>,
}

impl Wanted {
    fn is_met(&self, done: usize, over: bool, hungry: bool) -> bool {
        over || done >= self.results || (self.room && hungry)
    }
}

impl Outbox {
    pub fn new(most: usize) -> Self {
        Self {
            done: Vec::new(),
            kept: 0,
            most,
            wanted: Vec::new(),
            feeder: None,
        }
    }

    pub fn has_room(&self) -> bool {
        self.held() < self.most
    }

    pub fn put(&mut self, done: Done) {
        self.done.push(done);
    }

    pub fn collect(&mut self, kept: usize) -> Vec<Done> {
        let done = std::mem::take(&mut self.done);
        self.kept = kept + done.len();
        done
    }

    /// The loop's side has come to a result of its own.
    pub fn keep(&mut self) {
        self.kept += 1;
    }

    /// Everything that comes is kept: the user wants it all at once.
    pub fn lift_limit(&mut self) {
        self.most = usize::MAX;
    }

    /// How many results nobody has taken.
    pub fn held(&self) -> usize {
        self.done.len() + self.kept
    }

    /// Whether there is something to wait for.
    pub fn want(&mut self, mut wanted: Wanted, over: bool, hungry: bool) -> bool {
        self.forget(wanted.taker);
        // More than there is room for would never come.
        wanted.results = wanted.results.min(self.most.div_ceil(2));
        let waits = !wanted.is_met(self.done.len(), over, hungry);
        if waits {
            self.wanted.push(wanted);
        }
        waits
    }

    /// That taker has gone away.
    pub fn forget(&mut self, taker: u64) {
        self.wanted.retain(|wanted| wanted.taker != taker);
    }

    /// Somebody brings more when there is room.
    pub fn feed(&mut self, waker: Waker) {
        self.feeder = Some(waker);
    }

    /// Wakes all who wait, whether or not there is something.
    pub fn rouse(&mut self) {
        for wanted in &mut self.wanted {
            wanted.results = 0;
        }
    }

    /// Those to be woken.
    pub fn wakers(&mut self, over: bool, hungry: bool) -> Vec<Waker> {
        let done = self.done.len();
        let met = self
            .wanted
            .extract_if(.., |wanted| wanted.is_met(done, over, hungry));
        let mut wakers: Vec<Waker> = met.map(|wanted| wanted.waker).collect();
        wakers.extend(self.feeder.take_if(|_| over || hungry));
        wakers
    }

    /// Whose time is over is woken as if all had come.
    pub fn look(&mut self, now: Instant) {
        for wanted in &mut self.wanted {
            if wanted.until.is_some_and(|until| until <= now) {
                wanted.results = 0;
            }
        }
    }

    /// When to look.
    pub fn until(&self) -> Option<Instant> {
        self.wanted.iter().filter_map(|wanted| wanted.until).min()
    }
}

#[cfg(test)]
mod tests;
