//! How long a request may take.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use super::params::type_name;

/// What a client keeps to if it is told nothing: a page that takes a minute is lost to a scraper, and
/// ten seconds are enough for three lost SYNs, which TCP sends again after 1, 3 and 7 seconds.
pub const DEFAULT: Limits = Limits {
    total: Some(Duration::from_secs(60)),
    connect: Some(Duration::from_secs(10)),
    read: None,
    write: None,
    pool: None,
    acquire: None,
};

/// No longer than a century: timers overflow beyond.
const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// The limits of a request; None is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Limits {
    /// From the first step to the last byte of the body, redirects included.
    pub total: Option<Duration>,
    /// For each connection made: name, TCP, proxy, TLS.
    pub connect: Option<Duration>,
    /// For each wait for something from the server, once the request is sent.
    pub read: Option<Duration>,
    /// For each wait until the server takes more of the request.
    pub write: Option<Duration>,
    /// For a connection that is free, or may be made.
    pub pool: Option<Duration>,
    /// For a connection in all: the wait for leave to make one, and making it.
    pub acquire: Option<Duration>,
}

impl Limits {
    /// What `timeout=` may be: None for no limits, a number of seconds in total, or a `Timeout`.
    pub fn from_python(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(timeout) = given.cast::<Timeout>() {
            return Ok(timeout.get().limits);
        }
        Ok(Self {
            total: seconds(given, "timeout")?,
            ..Self::default()
        })
    }
}

/// Limits on the time of a request, in seconds; None is no limit.
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timeout {
    limits: Limits,
}

impl From<Limits> for Timeout {
    fn from(limits: Limits) -> Self {
        Self { limits }
    }
}

#[pymethods]
impl Timeout {
    #[new]
    #[pyo3(signature = (total=None, connect=None, read=None, write=None, pool=None))]
    fn new(
        total: Option<&Bound<'_, PyAny>>,
        connect: Option<&Bound<'_, PyAny>>,
        read: Option<&Bound<'_, PyAny>>,
        write: Option<&Bound<'_, PyAny>>,
        pool: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let limit = |given: Option<&Bound<'_, PyAny>>, what| match given {
            Some(given) => seconds(given, what),
            None => Ok(None),
        };
        Ok(Self {
            limits: Limits {
                total: limit(total, "total")?,
                connect: limit(connect, "connect")?,
                read: limit(read, "read")?,
                write: limit(write, "write")?,
                pool: limit(pool, "pool")?,
                acquire: None,
            },
        })
    }

    /// Seconds from the first step to the last byte of the body.
    #[getter]
    fn total(&self) -> Option<f64> {
        self.limits.total.map(|limit| limit.as_secs_f64())
    }

    /// Seconds for each connection made.
    #[getter]
    fn connect(&self) -> Option<f64> {
        self.limits.connect.map(|limit| limit.as_secs_f64())
    }

    /// Seconds of silence while something is to come from the server.
    #[getter]
    fn read(&self) -> Option<f64> {
        self.limits.read.map(|limit| limit.as_secs_f64())
    }

    /// Seconds in which the server takes nothing of the request's body.
    #[getter]
    fn write(&self) -> Option<f64> {
        self.limits.write.map(|limit| limit.as_secs_f64())
    }

    /// Seconds of waiting for a connection that is free, or for leave to make one.
    #[getter]
    fn pool(&self) -> Option<f64> {
        self.limits.pool.map(|limit| limit.as_secs_f64())
    }

    fn __repr__(&self) -> String {
        let shown = |limit: Option<f64>| limit.map_or_else(|| "None".into(), |limit| format!("{limit:?}"));
        format!(
            "Timeout(total={}, connect={}, read={}, write={}, pool={})",
            shown(self.total()),
            shown(self.connect()),
            shown(self.read()),
            shown(self.write()),
            shown(self.pool())
        )
    }

    fn __getnewargs__(&self) -> Five {
        (
            self.total(),
            self.connect(),
            self.read(),
            self.write(),
            self.pool(),
        )
    }
}

/// The limits as they are pickled, in the order of the arguments.
type Five = (Option<f64>, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

fn seconds(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<Duration>> {
    if given.is_none() {
        return Ok(None);
    }
    let number = given.is_instance_of::<PyFloat>() || given.is_instance_of::<PyInt>();
    if !number || given.is_instance_of::<PyBool>() {
        let or_timeout = if what == "timeout" { ", a Timeout" } else { "" };
        return Err(PyTypeError::new_err(format!(
            "{what} must be a number of seconds{or_timeout} or None, not {}",
            type_name(given)
        )));
    }
    let seconds: f64 = given.extract()?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err(PyValueError::new_err(format!(
            "{what} must be more than zero seconds, or None for no limit, not {seconds:?}"
        )));
    }
    if seconds.is_infinite() {
        return Ok(None);
    }
    // From a nanosecond, the least that is not zero.
    let duration = Duration::from_secs_f64(seconds.min(LONGEST));
    Ok(Some(duration.max(Duration::from_nanos(1))))
}
