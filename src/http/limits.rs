//! How many connections a client may have, as Python says it.

use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use super::params::type_name;
use super::pool::book;
pub use crate::python::given::count;

/// What a client keeps to if it is told nothing.
///
/// An idle connection is closed before most servers would do it (Apache after 5 s, nginx after 75 s): with
/// the odd one that comes first the request is sent again.
pub const DEFAULT: book::Limits = book::Limits {
    connections: 100,
    per_host: usize::MAX,
    idle: usize::MAX,
    expiry: Some(Duration::from_secs(15)),
};

/// Limits on the connections of a client.
///
/// `max_connections` in all and `max_connections_per_host`, `max_keepalive` of them idle, each for at most
/// `keepalive_expiry` seconds; None is no limit. ValueError for a number below one (for the idle ones: below
/// zero), TypeError for what is no number.
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    pub(super) limits: book::Limits,
}

impl Limits {
    /// So many connections, and the rest as usual.
    pub fn of(connections: usize) -> Self {
        let limits = book::Limits {
            connections,
            ..DEFAULT
        };
        Self { limits }
    }

    fn shown(count: usize) -> Option<usize> {
        (count != usize::MAX).then_some(count)
    }
}

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(
        signature = (max_connections=Some(None), max_connections_per_host=None, max_keepalive=None, keepalive_expiry=Some(None)),
        text_signature = "(max_connections=100, max_connections_per_host=None, max_keepalive=None, keepalive_expiry=15.0)"
    )]
    fn new(
        max_connections: Option<Option<Bound<'_, PyAny>>>,
        max_connections_per_host: Option<Bound<'_, PyAny>>,
        max_keepalive: Option<Bound<'_, PyAny>>,
        keepalive_expiry: Option<Option<Bound<'_, PyAny>>>,
    ) -> PyResult<Self> {
        let connections = match max_connections {
            Some(None) => DEFAULT.connections,
            Some(Some(given)) => count(&given, "max_connections", 1)?,
            None => usize::MAX,
        };
        let expiry = match keepalive_expiry {
            Some(None) => DEFAULT.expiry,
            Some(Some(given)) => expiry(&given)?,
            None => None,
        };
        let or_none = |given: Option<Bound<'_, PyAny>>, what, least| {
            given.map_or(Ok(usize::MAX), |given| count(&given, what, least))
        };
        Ok(Self {
            limits: book::Limits {
                connections,
                per_host: or_none(max_connections_per_host, "max_connections_per_host", 1)?,
                idle: or_none(max_keepalive, "max_keepalive", 0)?,
                expiry,
            },
        })
    }

    /// Connections in all.
    #[getter]
    fn max_connections(&self) -> Option<usize> {
        Self::shown(self.limits.connections)
    }

    /// Connections to one host and port, by one proxy.
    #[getter]
    fn max_connections_per_host(&self) -> Option<usize> {
        Self::shown(self.limits.per_host)
    }

    /// Idle connections that are kept.
    #[getter]
    fn max_keepalive(&self) -> Option<usize> {
        Self::shown(self.limits.idle)
    }

    /// Seconds for which an idle connection is kept.
    #[getter]
    fn keepalive_expiry(&self) -> Option<f64> {
        self.limits.expiry.map(|expiry| expiry.as_secs_f64())
    }

    fn __repr__(&self) -> String {
        let shown = |count: Option<usize>| count.map_or_else(|| "None".into(), |count| count.to_string());
        format!(
            "Limits(max_connections={}, max_connections_per_host={}, max_keepalive={}, keepalive_expiry={})",
            shown(self.max_connections()),
            shown(self.max_connections_per_host()),
            shown(self.max_keepalive()),
            self.keepalive_expiry()
                .map_or_else(|| "None".into(), |expiry| format!("{expiry:?}")),
        )
    }

    fn __getnewargs__(&self) -> (Option<usize>, Option<usize>, Option<usize>, Option<f64>) {
        (
            self.max_connections(),
            self.max_connections_per_host(),
            self.max_keepalive(),
            self.keepalive_expiry(),
        )
    }
}

fn expiry(given: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let number = given.is_instance_of::<PyFloat>() || given.is_instance_of::<PyInt>();
    if !number || given.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "keepalive_expiry must be a number of seconds or None, not {}",
            type_name(given)
        )));
    }
    let seconds: f64 = given.extract()?;
    if seconds.is_nan() || seconds < 0.0 {
        return Err(PyValueError::new_err(
            "keepalive_expiry must be zero seconds or more, or None",
        ));
    }
    Ok(Duration::try_from_secs_f64(seconds).ok())
}
