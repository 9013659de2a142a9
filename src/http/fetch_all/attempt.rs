//! One attempt of a fan-out at one request, and what comes of it.
//!
//! An attempt holds its place among the requests in flight only while it runs: a retry waits in the book, not
//! here, and what was asked of the host goes with the outcome.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::StatusCode;
use url::Position;

use super::adapt::Outcome;
use super::book::{Ending, Says};
use crate::error::{Error, Kind, Result};
use crate::http::exchange::{Exchange, is_unsent};
use crate::http::live::Live;
use crate::http::plan::Plan;
use crate::http::request::Outgoing;
use crate::http::response::Parts;
use crate::http::retry::{Attempts, retry_after};

/// A request that is to be made, once or several times.
#[derive(Debug)]
pub struct Work {
    /// Its place among what the user gave.
    pub index: u64,
    /// Its place among what is to be done.
    pub turn: u64,
    /// Where the loop's side keeps what the user gave.
    pub slot: usize,
    pub outgoing: Outgoing,
    /// Without retries, which are made here.
    pub plan: Arc<Plan>,
    pub attempts: Option<Attempts>,
    /// When the first attempt began.
    pub begun: Option<Instant>,
    /// How often this process could have no more connections when it was to be made.
    pub starved: u32,
}

/// How often that is nobody's failure, and how long it is until the next try.
const MOST_STARVED: u32 = 50;
const STARVED_PAUSE: Duration = Duration::from_millis(100);

/// Of the process and of the system, all files are open that may be: EMFILE, ENFILE, WSAEMFILE.
const NO_MORE_FILES: [i32; 3] = [24, 23, 10024];

/// A request that is done with.
#[derive(Debug)]
pub struct Done {
    pub index: u64,
    pub turn: u64,
    pub slot: usize,
    pub outcome: Result<Box<Parts>>,
    pub attempts: u32,
    /// From the beginning of the first attempt to the end of the last.
    pub elapsed: Duration,
}

#[derive(Debug)]
pub struct Ended {
    pub ending: Ending,
    /// Of the body, as it came.
    pub bytes: u64,
    /// Whether it was an attempt: anybody was asked for anything.
    pub counts: bool,
    pub then: Then,
}

#[derive(Debug)]
pub enum Then {
    Done(Done),
    /// Again, after that time.
    Again(Box<Work>, Duration),
}

/// What the book is told of an attempt that panicked.
pub const LOST: Ending = Ending {
    outcome: Outcome::Failed,
    took: Duration::ZERO,
    says: Says::Nothing,
};

impl Work {
    /// Scheme, host and port: what has a pace and a robots.txt of its own.
    pub fn origin(&self) -> &str {
        &self.outgoing.url[..Position::BeforePath]
    }

    /// What the user gets if it gets lost.
    pub fn lost(&self) -> Done {
        let error = Error::runtime("this request got lost: aioxide has a bug");
        self.done(Err(error), 1, Duration::ZERO)
    }

    /// Its robots.txt forbids it.
    pub fn forbidden(&self, why: &str) -> Done {
        let message = format!("{} {}: {why}", self.outgoing.method, self.outgoing.url);
        let error = Error::new(Kind::RobotsDisallowed, message).about(self.outgoing.about("robots"));
        self.done(Err(error), 0, Duration::ZERO)
    }

    fn done(&self, outcome: Result<Box<Parts>>, attempts: u32, elapsed: Duration) -> Done {
        Done {
            index: self.index,
            turn: self.turn,
            slot: self.slot,
            outcome,
            attempts,
            elapsed,
        }
    }
}

/// Makes one attempt.
pub async fn make(live: &Arc<Live>, mut work: Box<Work>) -> Ended {
    let begin = Instant::now();
    let begun = *work.begun.get_or_insert(begin);
    let exchange = Exchange {
        live: Arc::clone(live),
        outgoing: work.outgoing.clone(),
        plan: Arc::clone(&work.plan),
    };
    let outcome = exchange.complete().await;
    let end = Instant::now();
    if outcome.as_ref().is_err_and(|error| is_starved(error, live)) && work.starved < MOST_STARVED {
        work.starved += 1;
        let ending = Ending {
            outcome: Outcome::Refused,
            took: end.saturating_duration_since(begin),
            says: Says::Nothing,
        };
        return Ended {
            ending,
            bytes: 0,
            counts: false,
            then: Then::Again(work, STARVED_PAUSE),
        };
    }
    let number = work.attempts.as_ref().map_or(1, Attempts::made);
    let (outcome, ending, bytes, wait) = match outcome {
        Ok(mut parts) => {
            parts.attempts = number;
            let (outcome, says) = of_status(&parts);
            let wait = work.attempts.as_mut().and_then(|attempts| {
                attempts.after_status(&work.outgoing.method, parts.status, &parts.headers, true)
            });
            let bytes = parts.received.load(std::sync::atomic::Ordering::Relaxed);
            (Ok(parts), (outcome, says), bytes, wait)
        }
        Err(error) => {
            let error = error.attempt(number);
            let kind = error.kind();
            let wait = work.attempts.as_mut().and_then(|attempts| {
                attempts.after_error(&work.outgoing.method, kind, is_unsent(kind), true)
            });
            (Err(error), of_error(kind), 0, wait)
        }
    };
    let ending = Ending {
        outcome: ending.0,
        took: end.saturating_duration_since(begin),
        says: ending.1,
    };
    let then = match wait {
        Some(wait) => Then::Again(work, wait),
        None => Then::Done(work.done(outcome, number, end.saturating_duration_since(begun))),
    };
    Ended {
        ending,
        bytes,
        counts: true,
        then,
    }
}

/// Whether there was no connection only because this process has as many files open as it may. Some of them are
/// connections of ours: the others wait for these from now on.
fn is_starved(error: &Error, live: &Live) -> bool {
    let number = error
        .request()
        .and_then(|about| about.cause.as_ref())
        .and_then(|cause| cause.number);
    error.kind() == Kind::Connect
        && number.is_some_and(|number| NO_MORE_FILES.contains(&number))
        && live.engine().is_some_and(|engine| engine.pool.narrow() > 0)
}

/// What an answer says of its host. 429 is RFC 6585, section 4; a 503 asks for a rest only if it says so (RFC
/// 9110, section 15.6.4).
fn of_status(parts: &Parts) -> (Outcome, Says) {
    let rest = || retry_after::wait(&parts.headers, SystemTime::now());
    match parts.status {
        StatusCode::TOO_MANY_REQUESTS => (Outcome::Refused, Says::Rest(rest())),
        StatusCode::SERVICE_UNAVAILABLE => match rest() {
            Some(rest) => (Outcome::Refused, Says::Rest(Some(rest))),
            None => (Outcome::Refused, Says::Answers),
        },
        _ => (Outcome::Answered, Says::Answers),
    }
}

fn of_error(kind: Kind) -> (Outcome, Says) {
    match kind {
        Kind::Timeout | Kind::ConnectTimeout | Kind::ReadTimeout => (Outcome::TimedOut, Says::Silence),
        Kind::WriteTimeout => (Outcome::TimedOut, Says::Nothing),
        Kind::Connect | Kind::Proxy => (Outcome::Failed, Says::Silence),
        Kind::Read | Kind::Write | Kind::RemoteProtocol => (Outcome::Failed, Says::Nothing),
        // The host is there, and did what it was asked.
        Kind::TooManyRedirects | Kind::BodyTooLarge | Kind::Decoding => (Outcome::Answered, Says::Answers),
        _ => (Outcome::Failed, Says::Nothing),
    }
}
