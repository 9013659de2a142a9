//! A closed loop of requests against a server, event by event, in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::super::{Adaptive, Outcome};
use super::MOST;

/// How service times are distributed; their mean is given by the server.
#[derive(Clone, Copy, Debug)]
pub enum Law {
    Fixed,
    Exponential,
    /// With this exponent: the variance is infinite.
    Pareto(f64),
}

/// A server, and the way to it.
#[derive(Clone, Debug)]
pub struct Server {
    /// When each worker is free again. None: there is always a free one.
    pub workers: Option<BinaryHeap<Reverse<u64>>>,
    /// Mean seconds of service.
    pub service: f64,
    pub law: Law,
    /// More at work than this are refused, with status 429, at once.
    pub refuses: Option<usize>,
    /// More at work than this are never answered.
    pub drops: Option<usize>,
    /// Seconds until the client gives up. The server does the work all the same.
    pub timeout: f64,
    /// Share of attempts that do not connect, or are lost without an answer.
    pub unconnected: f64,
    pub lost: f64,
}

impl Server {
    pub fn of(capacity: usize, service: f64, law: Law) -> Self {
        Self {
            workers: Some((0..capacity).map(|_| Reverse(0)).collect()),
            ..Self::without_end(service, law)
        }
    }

    pub fn without_end(service: f64, law: Law) -> Self {
        Self {
            workers: None,
            service,
            law,
            refuses: None,
            drops: None,
            timeout: 30.0,
            unconnected: 0.0,
            lost: 0.0,
        }
    }

    /// So many workers from now on. Those that stay keep what they have to do.
    pub fn resize(&mut self, capacity: usize) {
        let mut free: Vec<_> = self.workers.take().into_iter().flatten().collect();
        free.resize(capacity, Reverse(0));
        self.workers = Some(free.into());
    }

    /// What becomes of a request: how, and after how many seconds.
    fn asked(&mut self, now: u64, at_work: usize, random: &mut Random) -> (Outcome, f64) {
        if random.next() < self.unconnected {
            return (Outcome::Failed, 0.001);
        }
        if self.refuses.is_some_and(|most| at_work >= most) {
            return (Outcome::Refused, 0.005);
        }
        if random.next() < self.lost || self.drops.is_some_and(|most| at_work >= most) {
            return (Outcome::TimedOut, self.timeout);
        }
        let service = self.service
            * match self.law {
                Law::Fixed => 1.0,
                Law::Exponential => -random.next().ln(),
                Law::Pareto(exponent) => random.next().powf(-1.0 / exponent) * (exponent - 1.0) / exponent,
            };
        let mut waits = 0.0;
        if let Some(workers) = &mut self.workers {
            let Some(Reverse(free)) = workers.pop() else {
                return (Outcome::TimedOut, self.timeout);
            };
            waits = seconds(free.saturating_sub(now));
            workers.push(Reverse(free.max(now) + nanoseconds(service)));
        }
        if waits + service > self.timeout {
            return (Outcome::TimedOut, self.timeout);
        }
        (Outcome::Answered, waits + service)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct End {
    at: u64,
    began: u64,
    outcome: u8,
}

const OUTCOMES: [Outcome; 4] = [
    Outcome::Answered,
    Outcome::Refused,
    Outcome::TimedOut,
    Outcome::Failed,
];

pub struct Simulation {
    pub limit: Adaptive,
    pub server: Server,
    ends: BinaryHeap<Reverse<End>>,
    now: u64,
    /// Those in flight that will be answered.
    at_work: usize,
    random: Random,
    epoch: Instant,
    /// No more than this are there to be asked for at once.
    pub wanted: usize,
}

/// What happened in a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Answers a second.
    pub rate: f64,
    /// Share of the attempts.
    pub refused: f64,
    pub timed_out: f64,
    /// The limit: over time, and at the end of attempts.
    pub mean: f64,
    pub lowest: usize,
    pub highest: usize,
    pub last: usize,
}

impl Simulation {
    pub fn new(begin: usize, server: Server, seed: u64) -> Self {
        Self {
            limit: Adaptive::new(begin, MOST),
            server,
            ends: BinaryHeap::new(),
            now: 0,
            at_work: 0,
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            epoch: Instant::now() + Duration::from_secs(1000),
            wanted: usize::MAX,
        }
    }

    /// Runs until so many seconds after the start.
    pub fn until(&mut self, end: f64) -> Seen {
        let (begin, end) = (self.now, nanoseconds(end));
        let mut counts = [0_u32; 4];
        let mut area = 0.0;
        let (mut lowest, mut highest) = (usize::MAX, 0);
        while self.now < end {
            while self.ends.len() < self.limit.limit().min(self.wanted) {
                let (outcome, takes) = self.server.asked(self.now, self.at_work, &mut self.random);
                self.at_work += usize::from(outcome == Outcome::Answered);
                let outcome = OUTCOMES.iter().position(|each| *each == outcome).unwrap();
                let at = self.now + nanoseconds(takes);
                self.ends.push(Reverse(End {
                    at,
                    began: self.now,
                    outcome: u8::try_from(outcome).unwrap(),
                }));
            }
            let in_flight = self.ends.len();
            let Reverse(ended) = self.ends.pop().unwrap();
            let limit = self.limit.limit();
            area += f64::from(u32::try_from(limit).unwrap()) * seconds(ended.at - self.now);
            self.now = ended.at;
            let outcome = usize::from(ended.outcome);
            self.at_work -= usize::from(outcome == 0);
            *counts.get_mut(outcome).unwrap() += 1;
            let (now, took) = (
                Duration::from_nanos(ended.at),
                Duration::from_nanos(ended.at - ended.began),
            );
            self.limit
                .ended(self.epoch + now, took, *OUTCOMES.get(outcome).unwrap(), in_flight);
            let limit = self.limit.limit();
            assert!((1..=MOST).contains(&limit));
            lowest = lowest.min(limit);
            highest = highest.max(limit);
        }
        let all = f64::from(counts.iter().sum::<u32>());
        let [answered, refused, timed_out, _] = counts.map(f64::from);
        let time = seconds(self.now - begin);
        Seen {
            rate: answered / time,
            refused: refused / all,
            timed_out: timed_out / all,
            mean: area / time,
            lowest,
            highest,
            last: self.limit.limit(),
        }
    }
}

impl Seen {
    /// For `--nocapture`.
    pub fn print(&self, what: &str) {
        let Self {
            rate,
            refused,
            timed_out,
            mean,
            lowest,
            highest,
            ..
        } = self;
        let (refused, timed_out) = (100.0 * refused, 100.0 * timed_out);
        println!(
            "{what:<40} limit {mean:6.1} ({lowest}..{highest})  {rate:8.1}/s  429 {refused:.2} %  timeouts {timed_out:.2} %"
        );
    }
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    /// More than 0, and at most 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (f64::from(u32::try_from(self.0 >> 32).unwrap()) + 1.0) / 4_294_967_296.0
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn nanoseconds(seconds: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(seconds).as_nanos()).unwrap()
}
