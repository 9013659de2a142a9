//! Results on their way to the loop, and who is woken for them.

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
    wanted: Option<Wanted>,
    /// Who brings more when there is room.
    feeder: Option<Waker>,
}

/// What somebody waits for.
#[derive(Debug)]
pub struct Wanted {
    pub waker: Waker,
    /// So many results, or all there are.
    pub results: usize,
    /// Also room for more to be brought.
    pub room: bool,
    /// Not longer than that.
    pub until: Option<Instant>,
}

impl Outbox {
    pub fn new(most: usize) -> Self {
        Self {
            done: Vec::new(),
            kept: 0,
            most,
            wanted: None,
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
        // More than there is room for would never come.
        wanted.results = wanted.results.min(self.most.div_ceil(2));
        let is_met = over || self.done.len() >= wanted.results || (wanted.room && hungry);
        if !is_met {
            self.wanted = Some(wanted);
        }
        !is_met
    }

    /// Somebody brings more when there is room.
    pub fn feed(&mut self, waker: Waker) {
        self.feeder = Some(waker);
    }

    /// Wakes who waits, whether or not there is something.
    pub fn rouse(&mut self) {
        if let Some(wanted) = &mut self.wanted {
            wanted.results = 0;
        }
    }

    /// Those to be woken.
    pub fn wakers(&mut self, over: bool, hungry: bool) -> (Option<Waker>, Option<Waker>) {
        let done = self.done.len();
        let wanted = self
            .wanted
            .take_if(|wanted| over || done >= wanted.results || (wanted.room && hungry));
        let feeder = self.feeder.take_if(|_| over || hungry);
        (wanted.map(|wanted| wanted.waker), feeder)
    }

    /// Somebody's time may be over: that is as if all had come.
    pub fn look(&mut self, now: Instant) {
        if self.until().is_some_and(|until| until <= now) {
            self.rouse();
        }
    }

    /// When to look.
    pub fn until(&self) -> Option<Instant> {
        self.wanted.as_ref()?.until
    }
}
