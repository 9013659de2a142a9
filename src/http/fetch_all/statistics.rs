//! How far a fan-out is.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::crew::State;
use super::host::Counts;

/// A moment of a `fetch_all`.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug, Default)]
pub struct FetchStatistics {
    /// Results, the failed among them.
    #[pyo3(get)]
    done: u64,
    /// Results that are errors.
    #[pyo3(get)]
    failed: u64,
    /// Attempts that were made once more.
    #[pyo3(get)]
    retried: u64,
    /// URLs that were not fetched, since they had been.
    #[pyo3(get)]
    skipped: u64,
    /// Bytes of the bodies, as they came.
    #[pyo3(get)]
    bytes: u64,
    /// Seconds since the beginning; up to the end once there was one.
    #[pyo3(get)]
    elapsed: f64,
    /// Requests that are being made.
    #[pyo3(get)]
    in_flight: usize,
    /// Requests that wait for their turn.
    #[pyo3(get)]
    queued: usize,
    /// How many may be in flight.
    #[pyo3(get)]
    concurrency: usize,
    /// Seconds that half of the attempts took no longer than; None before the first.
    #[pyo3(get)]
    p50: Option<f64>,
    #[pyo3(get)]
    p90: Option<f64>,
    #[pyo3(get)]
    p99: Option<f64>,
    /// Whether everything is done.
    #[pyo3(get)]
    finished: bool,
    decisions: Option<super::adapt::Decisions>,
    hosts: HashMap<String, HostStatistics>,
}

impl FetchStatistics {
    pub fn of(state: &State) -> Self {
        let tally = &state.tally;
        let hosts = state.book.hosts().map(|host| {
            let statistics = HostStatistics {
                counts: host.counts,
                in_flight: host.in_flight,
                queued: host.waiting(),
                concurrency: state.book.host_limit(host),
            };
            (host.name.to_string(), statistics)
        });
        let mut hosts: HashMap<_, _> = hosts.collect();
        let others = state.book.others();
        if others != Counts::default() {
            let statistics = HostStatistics {
                counts: others,
                in_flight: 0,
                queued: 0,
                concurrency: 0,
            };
            hosts.insert("others".to_owned(), statistics);
        }
        Self {
            done: tally.done,
            failed: tally.failed,
            retried: tally.retried,
            skipped: tally.skipped,
            bytes: tally.bytes,
            elapsed: tally.elapsed().as_secs_f64(),
            in_flight: state.book.in_flight(),
            queued: state.book.waiting(),
            concurrency: state.book.limit(),
            p50: tally.quantile(0.5),
            p90: tally.quantile(0.9),
            p99: tally.quantile(0.99),
            finished: state.is_over(),
            decisions: state.book.decisions(),
            hosts,
        }
    }

    pub fn summary(&self) -> String {
        format!(
            "{} done, {} failed, {} in flight, {:.1}/s",
            self.done,
            self.failed,
            self.in_flight,
            self.rate()
        )
    }
}

#[pymethods]
impl FetchStatistics {
    /// Results a second, from the beginning.
    #[getter]
    fn rate(&self) -> f64 {
        match self.elapsed > 0.0 {
            true => self.done as f64 / self.elapsed,
            false => 0.0,
        }
    }

    /// The same of each host, by its origin; of those that were forgotten, under `others`.
    #[getter]
    fn hosts(&self) -> HashMap<String, HostStatistics> {
        self.hosts.clone()
    }

    /// What `concurrency="auto"` has done so far; None without it.
    #[getter]
    fn decisions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(decisions) = &self.decisions else {
            return Ok(None);
        };
        let all = PyDict::new(py);
        for (name, count) in [
            ("grown", decisions.grown),
            ("timeouts", decisions.timeouts),
            ("refusals", decisions.refusals),
            ("failures", decisions.failures),
            ("latency", decisions.latency),
            ("held", decisions.held),
            ("highest", decisions.highest as u64),
        ] {
            all.set_item(name, count)?;
        }
        Ok(Some(all))
    }

    fn __repr__(&self) -> String {
        format!("<FetchStatistics {}>", self.summary())
    }
}

/// A moment of one host in a `fetch_all`.
#[pyclass(frozen, module = "aioxide")]
#[derive(Debug, Clone)]
pub struct HostStatistics {
    counts: Counts,
    /// Requests that are being made.
    #[pyo3(get)]
    in_flight: usize,
    /// Requests that wait for their turn.
    #[pyo3(get)]
    queued: usize,
    /// How many may be in flight.
    #[pyo3(get)]
    concurrency: usize,
}

#[pymethods]
impl HostStatistics {
    /// Results, the failed among them.
    #[getter]
    fn done(&self) -> u64 {
        self.counts.done
    }

    /// Results that are errors.
    #[getter]
    fn failed(&self) -> u64 {
        self.counts.failed
    }

    /// Attempts that were made once more.
    #[getter]
    fn retried(&self) -> u64 {
        self.counts.retried
    }

    /// Bytes of the bodies, as they came.
    #[getter]
    fn bytes(&self) -> u64 {
        self.counts.bytes
    }

    fn __repr__(&self) -> String {
        format!(
            "<HostStatistics {} done, {} failed, {} in flight>",
            self.counts.done, self.counts.failed, self.in_flight
        )
    }
}
