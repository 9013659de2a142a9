//! How many requests to have in flight, found out while they run.
//!
//! By Little's law throughput is requests in flight over latency. So a limit is too low exactly when raising it
//! does not raise latency, and too high when latency follows it in proportion: then the last ones only wait.
//! What is asked is therefore always one thing, of two limits held one after the other: what power of the limit did latency
//! follow, 0 or 1?
//!
//! ```text
//! Measuring -> Grown    doubles while latency does not follow (RFC 9002, section 7.3.1: slow start)
//!    Grown  -> Resting  halfway back where latency follows, all the way where answers do not get more;
//!                       and at the ceiling, where there were errors
//!   Resting -> Dipped   after a while, or when latency has changed: a lower limit, for a window
//!    Dipped -> Grown    latency did not follow: there was no queue
//!           -> Dipped   it followed in proportion: the lower limit does as well, and a still lower one may
//!           -> Resting  between: there is a short queue, which is how to keep a server busy
//! any, on errors -> Measuring at a lower limit
//! ```
//!
//! Why not the others. AIMD sees errors only: it fills any queue until something breaks. Vegas and Gradient2
//! compare with a latency from the past, lowest or average; where pages become slower by themselves the first
//! starves, and under lasting load the second drifts up with what it measures. AutoThrottle aims at a
//! concurrency somebody has to know. Here both sides of a comparison are a few round trips old, and a short look below
//! takes the place of a memory.
//!
//! Invariants: 1 <= limit <= most. An attempt that began before the last cut never causes another, so there is at most one a round
//! trip (RFC 9002, section 7.3.2: the recovery period).

use std::time::{Duration, Instant};

mod window;

use window::{Change, FREE, FULL, Level, QUEUE, Typical, Window, as_f64};

/// How far a limit goes at once while that pays, and otherwise. Less than the latter drowns in noise.
const LEAP: f64 = 2.0;
const STEP: f64 = 1.5;

/// Samples that a window has at least, and when it ends however much they differ, if the limit is not more. To see
/// what a leap does takes fewer.
const FEW: usize = 8;
const MANY: usize = 400;
const OF_LEAP: usize = 64;

/// Error of a level, as a share of the step it is for, at which it is known well enough to compare with.
const KNOWN: f64 = 0.2;

/// A shorter step than this is a probe for errors.
const SHORT: f64 = 1.2;

/// Windows to rest before a trial, at first; twice as many each time that nothing comes of it.
const PATIENCE: u32 = 2;
const MOST_PATIENCE: u32 = 32;

/// The same below the limit it began with. A host that is back shall not wait long.
const LOW_PATIENCE: u32 = 8;

/// A change of latency by itself that ends a rest, as a logarithm, beyond what may be noise: by a third.
const SHIFT: f64 = 0.3;

/// What a limit is multiplied by. A refusal says that one was too many; a timeout is late, and others are on their way.
const REFUSED: f64 = 0.8;
const TIMED_OUT: f64 = 0.7;
const FAILED: f64 = 0.7;

/// Errors, less `FORGIVEN` for each answer, at which the limit is cut; and as many more as a window would be forgiven, since
/// errors can be quicker than answers. One in fifty is nobody's fault.
const DEBT: f64 = 3.0;
const FORGIVEN: f64 = 0.02;

/// What a connection error counts. They have reasons other than load, so there must be many: one in thirteen.
const OF_FAILED: f64 = 0.25;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a response that is not a refusal.
    Answered,
    /// Status 429 or 503.
    Refused,
    TimedOut,
    /// A connection error.
    Failed,
}

/// What was decided so far, for statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Times that the limit was raised.
    pub grown: u64,
    /// Times that it was lowered: for timeouts, for status 429 or 503, for connection errors, and because
    /// a lower one did as well.
    pub timeouts: u64,
    pub refusals: u64,
    pub failures: u64,
    pub latency: u64,
    /// Times that a higher one was not worth it.
    pub held: u64,
    /// The highest limit there was.
    pub highest: usize,
}

/// What a window is for.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// To have something to compare with.
    Measuring,
    /// The limit is higher than that of the level before.
    Grown,
    /// It is lower.
    Dipped,
    /// So many windows more until a trial.
    Resting(u32),
}

/// A limit that follows what it does. One for the whole run, and one for each host.
#[derive(Debug)]
pub struct Adaptive {
    limit: usize,
    begin: usize,
    most: usize,
    phase: Phase,
    window: Window,
    typical: Typical,
    /// The window to compare with, of this limit while resting. None where there was none yet.
    before: Option<Level>,
    /// `LEAP` after a success, `STEP` after a failure.
    factor: f64,
    patience: u32,
    /// Where there were errors. Growth stops here once, and goes on from here by little.
    ceiling: Option<usize>,
    debt: f64,
    cut: Option<Instant>,
    decisions: Decisions,
}

impl Adaptive {
    pub fn new(begin: usize, most: usize) -> Self {
        let most = most.max(1);
        let limit = begin.clamp(1, most);
        Self {
            limit,
            begin: limit,
            most,
            phase: Phase::Measuring,
            window: Window::default(),
            typical: Typical::default(),
            before: None,
            factor: LEAP,
            patience: PATIENCE,
            ceiling: None,
            debt: 0.0,
            cut: None,
            decisions: Decisions {
                highest: limit,
                ..Decisions::default()
            },
        }
    }

    /// How many may be in flight, 1 or more.
    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn decisions(&self) -> Decisions {
        self.decisions
    }

    /// An attempt has ended. `in_flight`: how many there were when it did, this one among them. What ends while
    /// the limit was not what held things back says nothing of the limit.
    pub fn ended(&mut self, now: Instant, took: Duration, outcome: Outcome, in_flight: usize) {
        let began = now.checked_sub(took);
        let enough = DEBT + FORGIVEN * as_f64(self.limit);
        if outcome != Outcome::Answered {
            // Of the limit before, which has been answered for.
            if self.cut.is_some_and(|cut| began.is_none_or(|began| began < cut)) {
                return;
            }
            self.window.errors = self.window.errors.saturating_add(1);
            self.debt += if outcome == Outcome::Failed {
                OF_FAILED
            } else {
                1.0
            };
            if self.debt >= enough {
                self.shrink(now, outcome);
            }
            return;
        }
        self.debt = (self.debt - FORGIVEN).max(0.0);
        if !self.window.covers(began) || in_flight.saturating_mul(10) < self.limit.saturating_mul(9) {
            return;
        }
        self.window.add(self.typical.within(took));
        if self.window.count() >= FEW && self.window.is_round(self.limit) {
            if self.window.errors == 0 {
                self.debt = 0.0;
            }
            self.decide(now);
        }
    }

    /// Fewer, because of errors.
    fn shrink(&mut self, now: Instant, outcome: Outcome) {
        let (by, counter) = match outcome {
            Outcome::TimedOut => (TIMED_OUT, &mut self.decisions.timeouts),
            Outcome::Failed => (FAILED, &mut self.decisions.failures),
            Outcome::Refused | Outcome::Answered => (REFUSED, &mut self.decisions.refusals),
        };
        let fewer = scaled(self.limit, by).min(self.limit.saturating_sub(1)).max(1);
        if fewer < self.limit {
            *counter = counter.saturating_add(1);
        }
        self.patience = self.patience.saturating_mul(2).min(MOST_PATIENCE);
        self.ceiling = Some(fewer.midpoint(self.limit));
        self.cut = Some(now);
        self.debt = 0.0;
        self.factor = STEP;
        self.before = None;
        self.go(now, fewer, Phase::Measuring);
    }

    fn decide(&mut self, now: Instant) {
        let level = self.window.level(now, self.limit);
        let many = match self.factor {
            // What it began with is assumed to be no trouble.
            _ if self.limit < self.begin => FEW,
            LEAP.. => OF_LEAP,
            _ => MANY,
        };
        let full = self.window.count() >= self.limit.saturating_mul(2).max(many);
        let change = self.before.map(|before| (before, level.against(&before)));
        match (self.phase, change) {
            (Phase::Grown | Phase::Dipped, Some((_, change))) if !full && !change.is_clear() => {}
            (Phase::Grown, Some((before, change))) => self.after_growth(now, level, &before, &change),
            (Phase::Dipped, Some((before, change))) => self.after_dip(now, level, &before, &change),
            (Phase::Resting(_), _) if self.window.count() < many.min(OF_LEAP) => {}
            (Phase::Resting(left), Some((before, _))) if left > 1 => {
                let noise = 3.0 * (level.variance + before.variance).sqrt();
                let shift = (level.latency - before.latency).abs() - noise;
                if shift > LEAP.ln() {
                    self.hurry();
                }
                if shift > SHIFT {
                    self.go(now, self.limit, Phase::Resting(1));
                } else {
                    self.go(now, self.limit, Phase::Resting(left - 1));
                }
            }
            (Phase::Resting(left), None) if left > 1 => {
                self.before = Some(level);
                self.go(now, self.limit, Phase::Resting(left - 1));
            }
            _ if !full && level.variance.sqrt() > KNOWN * self.factor.ln() => {}
            (Phase::Resting(_), _) => {
                self.before = Some(level);
                self.dip(now);
            }
            _ => {
                self.before = Some(level);
                self.grow(now);
            }
        }
    }

    fn after_growth(&mut self, now: Instant, level: Level, before: &Level, change: &Change) {
        let probing = self.ceiling.is_some_and(|ceiling| self.limit > ceiling);
        // Too short a step to see anything but errors.
        let short = as_f64(self.limit) <= as_f64(before.limit) * SHORT;
        let doubt = if short || self.limit <= self.begin {
            change.error
        } else {
            0.0
        };
        let free = change.eaten - doubt < FREE;
        if free && (short || change.is_worth()) {
            self.before = Some(level);
            self.factor = if probing {
                self.ceiling = None;
                SHORT
            } else if short {
                STEP
            } else {
                self.hurry();
                LEAP
            };
            self.grow(now);
            return;
        }
        self.decisions.held = self.decisions.held.saturating_add(1);
        if free {
            self.rest(now, before.limit);
        } else {
            self.before = None;
            self.rest(now, level.between(before));
        }
    }

    fn after_dip(&mut self, now: Instant, level: Level, before: &Level, change: &Change) {
        self.factor = STEP;
        if change.eaten >= FULL {
            self.decisions.latency = self.decisions.latency.saturating_add(1);
            self.before = Some(level);
            self.factor = LEAP;
            self.dip(now);
        } else if change.eaten >= QUEUE {
            self.decisions.latency = self.decisions.latency.saturating_add(1);
            self.before = None;
            self.hurry();
            self.rest(now, level.between(before));
        } else if change.eaten < -FREE {
            // Slower with fewer: something else has changed, so this was no comparison.
            self.go(now, before.limit, Phase::Resting(1));
        } else if change.eaten < FREE {
            self.limit = before.limit;
            self.grow(now);
        } else {
            self.rest(now, before.limit);
        }
    }

    /// To a higher limit; to none, where there were errors until lately.
    fn grow(&mut self, now: Instant) {
        let resting = matches!(self.phase, Phase::Measuring | Phase::Grown);
        let more = scaled(self.limit, self.factor)
            .max(self.limit.saturating_add(1))
            .min(self.most);
        let more = match self.ceiling {
            Some(ceiling) if self.limit < ceiling => more.min(ceiling),
            Some(_) if resting => self.limit,
            Some(_) => more.min(self.limit.saturating_add(self.limit / 20).saturating_add(1)),
            None => more,
        };
        if more == self.limit || self.debt >= 1.0 {
            self.rest(now, self.limit);
            return;
        }
        self.decisions.grown = self.decisions.grown.saturating_add(1);
        self.decisions.highest = self.decisions.highest.max(more);
        self.go(now, more, Phase::Grown);
    }

    /// To a lower limit, to see what that changes. Where there is none, to a higher one.
    fn dip(&mut self, now: Instant) {
        let fewer = scaled(self.limit, 1.0 / self.factor).min(self.limit.saturating_sub(1));
        self.phase = Phase::Dipped;
        if fewer == 0 {
            self.grow(now);
        } else {
            self.go(now, fewer, Phase::Dipped);
        }
    }

    fn rest(&mut self, now: Instant, limit: usize) {
        self.factor = STEP;
        let most = if limit < self.begin {
            LOW_PATIENCE
        } else {
            MOST_PATIENCE
        };
        self.go(now, limit, Phase::Resting(self.patience.min(most)));
        self.patience = self.patience.saturating_mul(2).min(MOST_PATIENCE);
    }

    /// Something has changed: the next trial is to be sooner.
    fn hurry(&mut self) {
        self.patience = (self.patience / 4).max(PATIENCE);
    }

    fn go(&mut self, now: Instant, limit: usize, phase: Phase) {
        self.limit = limit;
        self.phase = phase;
        self.window = Window::open(now);
    }
}

/// A limit times a factor, rounded down.
fn scaled(limit: usize, by: f64) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and `as` saturates"
    )]
    let scaled = (as_f64(limit) * by) as usize;
    scaled
}

#[cfg(test)]
mod tests;
