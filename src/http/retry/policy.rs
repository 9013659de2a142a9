//! Whether a request is sent again, and after how long.
//!
//! Pure but for the budget, the clock and chance, which tests put in: no Python, no waiting. The exchange asks
//! [`Attempts`] after each attempt that did not go well, and waits itself.
//!
//! Invariant: what may have had an effect on the server is not sent twice unless its method is one of
//! `methods`, and what cannot be sent twice, a stream that was read, never is.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, Method, StatusCode};

use super::budget::Budget;
use super::retry_after;
use crate::error::Kind;

/// What may be better at the next attempt, and so may be retried.
///
/// Not the total timeout, since no time is left; not a client that was closed; not what would end the same
/// way again: certificates, URLs, redirects, bodies that are too large or do not decode.
pub const PASSING: [Kind; 9] = [
    Kind::ConnectTimeout,
    Kind::ReadTimeout,
    Kind::WriteTimeout,
    Kind::PoolTimeout,
    Kind::Connect,
    Kind::Read,
    Kind::Write,
    Kind::RemoteProtocol,
    Kind::Proxy,
];

/// What is retried unless it is said otherwise. Not a server that is slow to take a body, which is long then,
/// and not a proxy that refuses.
const PASSING_BY_DEFAULT: [Kind; 7] = [
    Kind::ConnectTimeout,
    Kind::ReadTimeout,
    Kind::PoolTimeout,
    Kind::Connect,
    Kind::Read,
    Kind::Write,
    Kind::RemoteProtocol,
];

/// Too many requests, and the three ways to say that a server behind this one is not there. A 500 is not
/// among them: it is the program that failed, and likely fails again.
const STATUSES: [u16; 4] = [429, 502, 503, 504];

/// What `Retry` is told, checked. Lists are sorted and have each item once, so that equal policies are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Retries, so that there is one attempt more.
    pub total: u32,
    /// The longest wait before the first retry; it doubles with each.
    pub backoff: Duration,
    pub max_backoff: Duration,
    pub jitter: bool,
    pub statuses: Box<[u16]>,
    /// None is any.
    pub methods: Option<Box<[Method]>>,
    /// A part of [`PASSING`], in its order.
    pub errors: Box<[Kind]>,
    pub respect_retry_after: bool,
    pub max_retry_after: Duration,
    pub budget: Option<Share>,
}

/// The share of requests that may be retried, more than 0 and at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

// It is never NaN.
impl Eq for Share {}

impl std::hash::Hash for Share {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            total: 3,
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            jitter: true,
            statuses: Box::new(STATUSES),
            methods: Some(idempotent()),
            errors: Box::new(PASSING_BY_DEFAULT),
            respect_retry_after: true,
            max_retry_after: Duration::from_secs(60),
            budget: None,
        }
    }
}

/// Those that do the same when they are done twice: RFC 9110, section 9.2.2.
pub fn idempotent() -> Box<[Method]> {
    Box::new([
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::TRACE,
    ])
}

/// When to send a request again: settings, and the budget that all requests with it share.
#[derive(Debug)]
pub struct Policy {
    pub settings: Settings,
    budget: Option<Budget>,
}

impl From<Settings> for Policy {
    fn from(settings: Settings) -> Self {
        let budget = settings.budget.map(|Share(share)| Budget::new(share));
        Self { settings, budget }
    }
}

impl Policy {
    /// The wait before retry `retry`, counted from 0: "full jitter", evenly between nothing and a time that
    /// doubles. `chance` is from 0 to 1.
    fn backoff(&self, retry: u32, chance: f64) -> Duration {
        // Doubled this often, a nanosecond is longer than a Duration.
        let doubled = 2f64.powi(retry.min(100).cast_signed());
        let longest = self.settings.max_backoff.as_secs_f64();
        let most = (self.settings.backoff.as_secs_f64() * doubled).min(longest);
        let wait = if self.settings.jitter { most * chance } else { most };
        Duration::try_from_secs_f64(wait).unwrap_or(self.settings.max_backoff)
    }

    fn allows(&self, method: &Method) -> bool {
        let methods = self.settings.methods.as_ref();
        methods.is_none_or(|methods| methods.contains(method))
    }
}

/// What the decision depends on beside the policy and the outcome.
#[derive(Debug, Clone, Copy)]
struct Moment {
    monotonic: Instant,
    date: SystemTime,
    /// Evenly from 0 to 1.
    chance: f64,
}

impl Moment {
    fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            date: SystemTime::now(),
            chance: fastrand::f64(),
        }
    }
}

/// The attempts at one request.
#[derive(Debug)]
pub struct Attempts {
    policy: Arc<Policy>,
    retries: u32,
}

impl Attempts {
    /// Before the first attempt. It counts for the budget.
    pub fn new(policy: &Arc<Policy>) -> Self {
        if let Some(budget) = &policy.budget {
            budget.request(Instant::now());
        }
        Self {
            policy: Arc::clone(policy),
            retries: 0,
        }
    }

    /// How many attempts there are, that under way included: 1 until a retry is granted.
    pub fn made(&self) -> u32 {
        self.retries.saturating_add(1)
    }

    /// A response came. Some: do not use it, wait this long and send the request again; None: it is the answer.
    ///
    /// `replayable`: the body, if any, can be sent once more.
    pub fn after_status(
        &mut self,
        method: &Method,
        status: StatusCode,
        headers: &HeaderMap,
        replayable: bool,
    ) -> Option<Duration> {
        self.after_status_at(method, status, headers, replayable, Moment::now)
    }

    /// An attempt failed. Some: wait this long and send the request again; None: the error is the outcome.
    ///
    /// `unsent`: it is known that the server saw nothing of the request, as when no connection was made, so
    /// that a method of any kind may be retried. `replayable`: the body, if any, can be sent once more.
    pub fn after_error(
        &mut self,
        method: &Method,
        kind: Kind,
        unsent: bool,
        replayable: bool,
    ) -> Option<Duration> {
        self.after_error_at(method, kind, unsent, replayable, Moment::now)
    }

    fn after_status_at(
        &mut self,
        method: &Method,
        status: StatusCode,
        headers: &HeaderMap,
        replayable: bool,
        moment: impl FnOnce() -> Moment,
    ) -> Option<Duration> {
        let settings = &self.policy.settings;
        let wanted = settings.statuses.contains(&status.as_u16());
        if !wanted || !self.policy.allows(method) || !self.may(replayable) {
            return None;
        }
        let moment = moment();
        let asked = match settings.respect_retry_after {
            true => retry_after::wait(headers, moment.date).unwrap_or_default(),
            false => Duration::ZERO,
        };
        if asked > settings.max_retry_after {
            return None;
        }
        // Not before the server wants it.
        self.grant(moment).map(|backoff| backoff.max(asked))
    }

    fn after_error_at(
        &mut self,
        method: &Method,
        kind: Kind,
        unsent: bool,
        replayable: bool,
        moment: impl FnOnce() -> Moment,
    ) -> Option<Duration> {
        let wanted = self.policy.settings.errors.contains(&kind);
        let harmless = unsent || self.policy.allows(method);
        if !wanted || !harmless || !self.may(replayable) {
            return None;
        }
        self.grant(moment())
    }

    /// The retry that was granted last is not made after all.
    pub fn forgo(&mut self) {
        self.retries = self.retries.saturating_sub(1);
        if let Some(budget) = &self.policy.budget {
            budget.forgo(Instant::now());
        }
    }

    fn may(&self, replayable: bool) -> bool {
        replayable && self.retries < self.policy.settings.total
    }

    /// Last of all, since it takes from the budget.
    fn grant(&mut self, moment: Moment) -> Option<Duration> {
        let budget = self.policy.budget.as_ref();
        if budget.is_some_and(|budget| !budget.retry(moment.monotonic)) {
            return None;
        }
        let wait = self.policy.backoff(self.retries, moment.chance);
        self.retries += 1;
        Some(wait)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
