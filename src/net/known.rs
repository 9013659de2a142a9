//! Hosts whose addresses the program says itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::python::given::{address, type_name};

/// By the host's name, in lower case; none is without an address.
pub type Known = HashMap<Box<str>, Arc<[IpAddr]>>;

/// `{"host": "10.0.0.1"}` or `{"host": ["10.0.0.1", "fe80::1"]}`.
pub fn hosts(value: &Bound<'_, PyAny>) -> PyResult<Known> {
    let Ok(dict) = value.cast::<PyDict>() else {
        return Err(PyTypeError::new_err(format!(
            "resolve must be a dict of host names and addresses, not {}",
            type_name(value)
        )));
    };
    let mut known = HashMap::new();
    for (host, given) in dict {
        let host: String = host
            .extract()
            .map_err(|_| PyTypeError::new_err("the keys of resolve must be str"))?;
        let several = given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>();
        let addresses = if several {
            let each = given
                .try_iter()?
                .map(|one| address(&one?, "an address in resolve"));
            each.collect::<PyResult<Vec<_>>>()?
        } else {
            vec![address(&given, "an address in resolve")?]
        };
        if addresses.is_empty() {
            return Err(PyValueError::new_err(format!(
                "resolve has no address for {host:?}"
            )));
        }
        known.insert(host.to_ascii_lowercase().into(), addresses.into());
    }
    Ok(known)
}
