//! `Retry`: which requests are sent again, how often, and when.
//!
//! ```text
//! arguments      what Python said -> Settings
//! policy         Policy, and Attempts, which the exchange asks after each attempt
//!   retry_after  what the server said
//!   budget       what all requests together may
//! ```
//!
//! This file is the Python face, a thin one: nothing below it knows Python, so that a retry needs no trip to
//! the interpreter.

mod arguments;
mod budget;
mod policy;
pub mod retry_after;

use std::sync::Arc;

use http::Method;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString, PyTuple};

pub use self::policy::{Attempts, Policy};

use self::policy::Settings;
use super::params::type_name;
use crate::python::exceptions::class_name;

/// What `retries=` may be: None or 0 for none, how many, or a `Retry`.
pub fn from_python(given: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Policy>>> {
    let policy = if given.is_none() {
        return Ok(None);
    } else if let Ok(retry) = given.cast::<Retry>() {
        Arc::clone(&retry.get().policy)
    } else if given.is_instance_of::<PyInt>() && !given.is_instance_of::<PyBool>() {
        let total = arguments::total(given, "retries")?;
        let settings = Settings {
            total,
            ..Settings::default()
        };
        Arc::new(settings.into())
    } else {
        return Err(PyTypeError::new_err(format!(
            "retries must be int, a Retry or None, not {}",
            type_name(given)
        )));
    };
    Ok(Some(policy).filter(|policy| policy.settings.total > 0))
}

/// When a request that failed is sent again.
#[pyclass(frozen, eq, hash, weakref, module = "aioxide")]
#[derive(Debug)]
pub struct Retry {
    policy: Arc<Policy>,
}

impl PartialEq for Retry {
    /// The same settings; what is left of the budget is not one.
    fn eq(&self, other: &Self) -> bool {
        self.policy.settings == other.policy.settings
    }
}

impl Eq for Retry {}

impl std::hash::Hash for Retry {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.policy.settings.hash(state);
    }
}

impl From<Settings> for Retry {
    fn from(settings: Settings) -> Self {
        let policy = Arc::new(settings.into());
        Self { policy }
    }
}

impl Retry {
    fn settings(&self) -> &Settings {
        &self.policy.settings
    }

    /// All settings but the total, by the names of the arguments.
    fn keywords<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let keywords = PyDict::new(py);
        keywords.set_item("backoff", self.backoff())?;
        keywords.set_item("max_backoff", self.max_backoff())?;
        keywords.set_item("jitter", self.jitter())?;
        keywords.set_item("statuses", self.statuses(py)?)?;
        keywords.set_item("methods", self.methods(py)?)?;
        keywords.set_item("errors", self.errors(py)?)?;
        keywords.set_item("respect_retry_after", self.respect_retry_after())?;
        keywords.set_item("max_retry_after", self.max_retry_after())?;
        keywords.set_item("budget", self.budget())?;
        Ok(keywords)
    }

    /// The classes as a tuple of names that can be read: their own repr has `<class ...>` around.
    fn named_errors(&self) -> String {
        let kinds = self.settings().errors.iter();
        let names: Vec<_> = kinds.filter_map(|kind| class_name(*kind)).collect();
        match names.as_slice() {
            [name] => format!("({name},)"),
            names => format!("({})", names.join(", ")),
        }
    }
}

#[pymethods]
impl Retry {
    #[new]
    #[pyo3(
        signature = (total=None, **kwargs),
        text_signature = "(total=3, *, backoff=0.5, max_backoff=30.0, jitter=True, \
            statuses=(429, 502, 503, 504), methods=('DELETE', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'TRACE'), \
            errors=..., respect_retry_after=True, max_retry_after=60.0, budget=None)"
    )]
    fn new(
        #[pyo3(from_py_with = arguments::given)] total: Option<Bound<'_, PyAny>>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut settings = Settings::default();
        if let Some(total) = total {
            settings.total = arguments::total(&total, "total")?;
        }
        for (name, value) in kwargs.into_iter().flat_map(|kwargs| kwargs.iter()) {
            arguments::set(&mut settings, name.cast::<PyString>()?.to_str()?, &value)?;
        }
        Ok(settings.into())
    }

    /// How many retries at most: one less than attempts.
    #[getter]
    fn total(&self) -> u32 {
        self.settings().total
    }

    /// Seconds: the longest wait before the first retry; it doubles with each.
    #[getter]
    fn backoff(&self) -> f64 {
        self.settings().backoff.as_secs_f64()
    }

    /// Seconds, beyond which the backoff does not double.
    #[getter]
    fn max_backoff(&self) -> f64 {
        self.settings().max_backoff.as_secs_f64()
    }

    /// Whether the wait is a random part of the backoff.
    #[getter]
    fn jitter(&self) -> bool {
        self.settings().jitter
    }

    /// The statuses that are retried, sorted.
    #[getter]
    fn statuses<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.settings().statuses)
    }

    /// The methods that are retried, sorted; None is any.
    #[getter]
    fn methods<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let methods = self.settings().methods.as_ref();
        let names = methods.map(|methods| methods.iter().map(Method::as_str).collect::<Vec<_>>());
        names.map(|names| PyTuple::new(py, names)).transpose()
    }

    /// The exceptions that are retried: each class itself, not its bases.
    #[getter]
    fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let classes = self.settings().errors.iter();
        let classes: PyResult<Vec<_>> = classes.map(|kind| arguments::class(py, *kind)).collect();
        PyTuple::new(py, classes?)
    }

    /// Whether the server may say when.
    #[getter]
    fn respect_retry_after(&self) -> bool {
        self.settings().respect_retry_after
    }

    /// Seconds: where the server asks for more, its response is the answer.
    #[getter]
    fn max_retry_after(&self) -> f64 {
        self.settings().max_retry_after.as_secs_f64()
    }

    /// The share of requests that may be retried; None is no bound.
    #[getter]
    fn budget(&self) -> Option<f64> {
        self.settings().budget.map(|share| share.0)
    }

    /// The number, and what is not as it would be by itself.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let usual = Self::from(Settings::default()).keywords(py)?;
        let mut shown = vec![self.total().to_string()];
        for (name, value) in self.keywords(py)?.iter() {
            if !value.eq(usual.get_item(&name)?)? {
                let value = match name.eq("errors")? {
                    true => self.named_errors(),
                    false => value.repr()?.to_str()?.to_owned(),
                };
                shown.push(format!("{name}={value}"));
            }
        }
        Ok(format!("Retry({})", shown.join(", ")))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<((u32,), Bound<'py, PyDict>)> {
        Ok(((self.total(),), self.keywords(py)?))
    }
}
