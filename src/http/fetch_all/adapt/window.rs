//! What was seen between two decisions: how long answers took, and how many came.
//!
//! The measure is the mean, for which alone Little's law holds, but of samples that are cut off at a few times what
//! is typical: one answer of a minute among hundreds of a tenth of a second says nothing of the limit. (A mean of logarithms
//! needs no cutting, but sees a queue where there is only less variance.)
//!
//! Invariant: a sample began when the window was open, so none of them was under the limit of before.

use std::time::{Duration, Instant};

/// A shorter time is the resolution of clocks, not of servers.
const SHORTEST: f64 = 1e-6;

/// Times the typical that a sample counts for at most.
const OUTLIER: f64 = 4.0;

/// Latency that follows by less than this: more in flight is more answers.
pub const FREE: f64 = 0.6;

/// Latency that follows a lower limit by this or more: the queue is longer than it need be.
pub const QUEUE: f64 = 0.85;

/// Latency that follows by this or more: all there was to gain is gained.
pub const FULL: f64 = 0.9;

/// Growth that brings less than this share of itself in answers is no growth, whatever the latency of those that came.
const WORTH: f64 = 0.2;

/// Standard errors from either at which a window may end early. It is looked at again and again, hence so many.
const SURE: f64 = 3.0;

/// A standard error that needs no more samples.
const EXACT: f64 = 0.05;

/// Standard deviation over mean at which answers are taken to be all the same.
const ALIKE: f64 = 0.25;

/// Rounds of the limit in a window otherwise.
const ROUNDS: usize = 3;

/// Samples that the typical is taken of.
const RECENT: u32 = 64;

/// How long an answer takes, about, whatever the window: the scale that outliers are seen on.
#[derive(Debug, Default)]
pub struct Typical {
    seconds: f64,
    count: u32,
}

impl Typical {
    /// The seconds of a sample, without what makes it an outlier.
    pub fn within(&mut self, took: Duration) -> f64 {
        let seconds = took.as_secs_f64().max(SHORTEST);
        let seconds = if self.count == 0 {
            seconds
        } else {
            seconds.min(self.seconds * OUTLIER)
        };
        self.count = self.count.saturating_add(1).min(RECENT);
        self.seconds += (seconds - self.seconds) / f64::from(self.count);
        seconds
    }
}

/// Samples since a moment.
#[derive(Debug, Default)]
pub struct Window {
    /// None before the first decision: there was no other limit to keep apart.
    opened: Option<Instant>,
    count: u32,
    mean: f64,
    /// Sum of squared distances from the mean (Welford). Both are of seconds.
    spread: f64,
    /// Errors of any kind, but for those of attempts of a limit long gone.
    pub errors: u32,
}

/// What a window has seen, for comparison.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// The limit that held.
    pub limit: usize,
    /// Logarithm of the mean seconds an answer took: what a limit does to it is a factor.
    pub latency: f64,
    /// Variance of `latency`.
    pub variance: f64,
    /// Logarithm of the answers a second. None in the first window, whose begin nobody saw.
    pub rate: Option<f64>,
}

impl Window {
    pub fn open(now: Instant) -> Self {
        Self {
            opened: Some(now),
            ..Self::default()
        }
    }

    /// Whether an attempt that took so long began in this window.
    pub fn covers(&self, began: Option<Instant>) -> bool {
        self.opened
            .is_none_or(|opened| began.is_some_and(|began| began >= opened))
    }

    /// One answer, and its seconds.
    pub fn add(&mut self, sample: f64) {
        self.count = self.count.saturating_add(1);
        let distance = sample - self.mean;
        self.mean += distance / f64::from(self.count);
        self.spread += distance * (sample - self.mean);
    }

    pub fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// Whether so many samples are enough for that limit. The first to end are the quick ones: where answers differ,
    /// the window must be some rounds long, and all windows the same.
    pub fn is_round(&self, limit: usize) -> bool {
        let count = f64::from(self.count.max(2));
        let alike = self.spread / (count - 1.0) < (ALIKE * self.mean).powi(2);
        self.count()
            >= if alike {
                limit
            } else {
                limit.saturating_mul(ROUNDS)
            }
    }

    pub fn level(&self, now: Instant, limit: usize) -> Level {
        let count = f64::from(self.count.max(2));
        let mean = self.mean.max(SHORTEST);
        let rate = self.opened.map(|opened| {
            let seconds = now.saturating_duration_since(opened).as_secs_f64().max(SHORTEST);
            (count / seconds).ln()
        });
        Level {
            limit,
            latency: mean.ln(),
            variance: self.spread / (count * (count - 1.0) * mean * mean),
            rate,
        }
    }
}

impl Level {
    /// The limit halfway to another, in factors: where a queue begins, if one of them has none and the other has.
    pub fn between(&self, other: &Self) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two of that type"
        )]
        let limit = (as_f64(self.limit) * as_f64(other.limit)).sqrt().round() as usize;
        limit
    }

    /// What became of a change of the limit from `other` to this, or from this to `other`: it is the same.
    pub fn against(&self, other: &Self) -> Change {
        let factor = (as_f64(self.limit) / as_f64(other.limit)).ln();
        Change {
            eaten: (self.latency - other.latency) / factor,
            error: (self.variance + other.variance).sqrt() / factor.abs(),
            gained: self.rate.zip(other.rate).map(|(mine, its)| (mine - its) / factor),
        }
    }
}

/// How latency and throughput followed the limit, as powers of it: 0 not at all, 1 in proportion.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// How much of the change became waiting. 1: a queue, and nothing but.
    pub eaten: f64,
    /// Standard error of `eaten`.
    pub error: f64,
    /// How much of the change became answers a second.
    pub gained: Option<f64>,
}

impl Change {
    /// Whether more samples would not say anything else.
    pub fn is_clear(&self) -> bool {
        let margin = (self.eaten - FREE).abs().min((self.eaten - FULL).abs());
        margin > SURE * self.error || self.error < EXACT
    }

    pub fn is_worth(&self) -> bool {
        self.gained.is_none_or(|gained| gained > WORTH)
    }
}

/// A limit as a number to compute with: far below 2**52, so exact.
pub fn as_f64(limit: usize) -> f64 {
    u32::try_from(limit).map_or(f64::from(u32::MAX), f64::from)
}
