//! What a fan-out has done so far, in numbers.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Times from a microsecond to an hour, to two digits.
const LONGEST: u64 = 3_600_000_000;

#[derive(Debug)]
pub struct Tally {
    begin: Instant,
    end: Option<Instant>,
    pub done: u64,
    pub failed: u64,
    pub retried: u64,
    pub skipped: u64,
    pub bytes: u64,
    /// In microseconds; None only if it cannot be had.
    times: Option<Histogram<u64>>,
}

impl Tally {
    pub fn new(now: Instant) -> Self {
        Self {
            begin: now,
            end: None,
            done: 0,
            failed: 0,
            retried: 0,
            skipped: 0,
            bytes: 0,
            times: Histogram::new_with_bounds(1, LONGEST, 2).ok(),
        }
    }

    pub fn attempt(&mut self, took: Duration) {
        if let Some(times) = &mut self.times {
            let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
            times.saturating_record(micros.clamp(1, LONGEST));
        }
    }

    pub fn done(&mut self, failed: bool, bytes: u64) {
        self.done += 1;
        self.failed += u64::from(failed);
        self.bytes += bytes;
    }

    pub fn retried(&mut self) {
        self.retried += 1;
    }

    /// The clock stops.
    pub fn end(&mut self, now: Instant) {
        self.end.get_or_insert(now);
    }

    pub fn elapsed(&self) -> Duration {
        let end = self.end.unwrap_or_else(Instant::now);
        end.saturating_duration_since(self.begin)
    }

    /// The time, in seconds, that the share `quantile` of the attempts took no longer than; None before the first.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let times = self.times.as_ref().filter(|times| !times.is_empty())?;
        Some(times.value_at_quantile(quantile) as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Tally};

    #[test]
    fn counts_and_stops_its_clock() {
        let begin = Instant::now();
        let mut tally = Tally::new(begin);
        assert_eq!(tally.quantile(0.5), None);
        tally.done(false, 10);
        tally.done(true, 0);
        tally.retried();
        assert_eq!(
            (tally.done, tally.failed, tally.retried, tally.bytes),
            (2, 1, 1, 10)
        );
        tally.end(begin + Duration::from_secs(3));
        tally.end(begin + Duration::from_secs(5));
        assert_eq!(tally.elapsed(), Duration::from_secs(3));
    }

    #[test]
    fn knows_times_to_two_digits() {
        let mut tally = Tally::new(Instant::now());
        for milliseconds in 1..=1000 {
            tally.attempt(Duration::from_millis(milliseconds));
        }
        for quantile in [0.5, 0.9, 0.99] {
            let time = tally.quantile(quantile).unwrap_or_default();
            assert!((time / quantile - 1.0).abs() < 0.01, "{quantile}: {time}");
        }
        // What is off the scale counts as its end.
        tally.attempt(Duration::ZERO);
        tally.attempt(Duration::MAX);
        assert!(tally.quantile(0.0).is_some_and(|time| time < 0.000_01));
        assert!(tally.quantile(1.0).is_some_and(|time| time > 3500.0));
    }
}
