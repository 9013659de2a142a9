//! A lane of a `RateLimiter`: what has gone of one key, and who waits to go.
//!
//! Who waits stands in line. The first in line watches the clock for all; when it goes on, the next one watches.
//! At an even pace those go with it whose time has come as well. In a strict window each goes by itself: what
//! was granted to one that gives up could not be taken back, since others may have gone after that.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use crate::sync::exclusive::Mutex;
use crate::sync::waiters::{Arrival, Standing, Ticket, Waiters, Woken};

/// A deadline is met if it is no more than this away, in seconds: clocks round.
const SLACK: f64 = 1e-9;

/// How many may go when.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Seconds between two, and how many at once after a pause.
    Even { interval: f64, burst: usize },
    /// So many in any window of `per` seconds, as soon as they come.
    Strict { most: usize, per: f64 },
}

impl Pace {
    /// How many may go at once.
    pub fn burst(self) -> usize {
        match self {
            Self::Even { burst, .. } => burst,
            Self::Strict { most, .. } => most,
        }
    }
}

#[derive(Debug, Default)]
pub struct Lane {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spent: Spent,
    line: Waiters,
}

/// What has gone, as far as it still counts.
#[derive(Debug, Default)]
struct Spent {
    /// At an even pace: up to when, in seconds of the clock, the permits are spent.
    to: f64,
    /// In a strict window: when how many went, the first first.
    times: VecDeque<(f64, usize)>,
    /// How many those are.
    within: usize,
}

impl Spent {
    /// Forgets what no window from now on has in it.
    fn forget(&mut self, per: f64, now: f64) {
        while let Some(&(time, went)) = self.times.front() {
            if time + per > now + SLACK {
                break;
            }
            self.within -= went;
            self.times.pop_front();
        }
    }

    /// When `n` may go, if nobody goes before.
    fn allowed_at(&mut self, n: usize, pace: Pace, now: f64) -> f64 {
        match pace {
            Pace::Even { interval, burst } => self.to.max(now) + (n as f64 - burst as f64) * interval,
            Pace::Strict { most, per } => {
                self.forget(per, now);
                let mut too_many = (self.within + n).saturating_sub(most);
                let mut at = now;
                for (time, went) in &self.times {
                    if too_many == 0 {
                        break;
                    }
                    too_many = too_many.saturating_sub(*went);
                    at = time + per;
                }
                at
            }
        }
    }

    fn take(&mut self, n: usize, pace: Pace, now: f64) -> bool {
        let at = self.allowed_at(n, pace, now);
        if at > now + SLACK {
            return false;
        }
        match pace {
            Pace::Even { interval, .. } => self.to = self.to.max(now.max(at)) + n as f64 * interval,
            Pace::Strict { .. } => {
                // The clocks of two loops may differ.
                let last = self.times.back().map_or(now, |(time, _)| time.max(now));
                self.times.push_back((last, n));
                self.within += n;
            }
        }
        true
    }

    /// `n` that had gone have not. Of a window it is the oldest that are forgotten: whichever of them they were,
    /// no window gets too many.
    fn give_back(&mut self, n: usize, pace: Pace) {
        match pace {
            Pace::Even { interval, .. } => self.to -= n as f64 * interval,
            Pace::Strict { .. } => {
                let mut left = n.min(self.within);
                self.within -= left;
                while let Some((_, went)) = self.times.front_mut() {
                    if *went > left {
                        *went -= left;
                        break;
                    }
                    left -= *went;
                    self.times.pop_front();
                }
            }
        }
    }

    /// Whether it is as if nothing had ever gone.
    fn is_over(&self, pace: Pace, now: f64) -> bool {
        match pace {
            Pace::Even { .. } => self.to <= now,
            Pace::Strict { per, .. } => self.times.back().is_none_or(|(time, _)| time + per <= now),
        }
    }
}

/// What one finds who looks.
pub enum Found {
    Passed(Woken),
    /// First in line: until then.
    Until(f64),
    Behind,
}

impl State {
    /// Lets those through whose time has come, and has the next one watch the clock.
    fn let_through(&mut self, pace: Pace, now: f64) -> Woken {
        let mut woken = Woken::default();
        while let Some(want) = self.line.first_want() {
            let together = matches!(pace, Pace::Even { .. });
            if !together || !self.spent.take(want, pace, now) {
                woken.add(self.line.nudge_first());
                break;
            }
            woken.add(self.line.grant_first());
        }
        woken
    }
}

impl Lane {
    pub fn try_take(&self, n: usize, pace: Pace, now: f64) -> bool {
        let mut state = self.state.lock();
        state.line.is_quiet() && state.spent.take(n, pace, now)
    }

    pub fn look(&self, n: usize, pace: Pace, now: f64, ticket: &mut Option<Ticket>, waker: &Waker) -> Found {
        let mut state = self.state.lock();
        match state.line.turn_in(ticket, waker) {
            Poll::Pending => {}
            Poll::Ready(Arrival::New) if state.line.is_quiet() && state.spent.take(n, pace, now) => {
                return Found::Passed(Woken::default());
            }
            Poll::Ready(Arrival::New) => *ticket = Some(state.line.join(n, waker)),
            Poll::Ready(_) => return Found::Passed(state.let_through(pace, now)),
        }
        let Some(held) = ticket.take_if(|held| state.line.is_first(held)) else {
            return Found::Behind;
        };
        if state.spent.take(n, pace, now) {
            let _first = state.line.leave(held);
            return Found::Passed(state.let_through(pace, now));
        }
        *ticket = Some(held);
        Found::Until(state.spent.allowed_at(n, pace, now))
    }

    pub fn leave(&self, n: usize, pace: Pace, ticket: Ticket) -> Woken {
        let mut state = self.state.lock();
        let first = state.line.is_first(&ticket);
        let granted = state.line.leave(ticket) == Standing::Granted;
        if granted {
            state.spent.give_back(n, pace);
        }
        let mut woken = Woken::default();
        if first || granted {
            woken.add(state.line.nudge_first());
        }
        woken
    }

    /// `n` that went did nothing.
    pub fn refund(&self, n: usize, pace: Pace) -> Woken {
        let mut state = self.state.lock();
        state.spent.give_back(n, pace);
        let mut woken = Woken::default();
        woken.add(state.line.nudge_first());
        woken
    }

    pub fn waiting(&self) -> usize {
        self.state.lock().line.len()
    }

    /// Whether forgetting it would change nothing.
    pub fn is_idle(&self, pace: Pace, now: f64) -> bool {
        let state = self.state.lock();
        state.line.is_quiet() && state.spent.is_over(pace, now)
    }
}
