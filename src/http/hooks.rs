//! What of a client is Python's: callables, called on the thread that asks.
//!
//! Apart from the settings, since those go to tokio's threads, which must not drop Python objects.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::params::type_name;

#[derive(Debug, Default)]
pub struct Hooks {
    /// Called with each request, before it is sent.
    pub request: Vec<Py<PyAny>>,
    /// Called with each response.
    pub response: Vec<Py<PyAny>>,
    /// Says which headers prove who we are.
    pub auth: Option<Py<PyAny>>,
    /// Told what happened.
    pub trace: Option<Py<PyAny>>,
}

impl Hooks {
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty()
    }

    /// `event_hooks`: `{"request": [...], "response": [...]}`, as httpx has it.
    pub fn set(&mut self, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(hooks) = value.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(format!(
                "event_hooks must be a dict of lists, not {}",
                type_name(value)
            )));
        };
        for (name, given) in hooks.iter() {
            let several = given.cast::<PyList>().is_ok() || given.cast::<PyTuple>().is_ok();
            if !several {
                return Err(PyTypeError::new_err(format!(
                    "event_hooks must be a dict of lists, and has a {} for {}",
                    type_name(&given),
                    name.repr()?
                )));
            }
            let mut each = Vec::new();
            for hook in given.try_iter()? {
                each.push(callable("a hook", &hook?)?);
            }
            match name.cast::<PyString>().ok().and_then(|name| name.to_str().ok()) {
                Some("request") => self.request = each,
                Some("response") => self.response = each,
                _ => {
                    return Err(PyValueError::new_err(format!(
                        "there are hooks for 'request' and 'response', not for {}",
                        name.repr()?
                    )));
                }
            }
        }
        Ok(())
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let each = self.request.iter().chain(&self.response);
        for object in each.chain(&self.auth).chain(&self.trace) {
            visit.call(object)?;
        }
        Ok(())
    }
}

pub fn callable(what: &str, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    if value.is_callable() {
        Ok(value.clone().unbind())
    } else {
        Err(PyTypeError::new_err(format!(
            "{what} must be callable, not {}",
            type_name(value)
        )))
    }
}
