//! What an `ssl.SSLContext` says: whom to trust, whether the name must fit, how old TLS may be.
//!
//! Python can read these and nothing else: a key that was loaded into a context does not come out again. What
//! is read and cannot be honoured is an error.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::tls::Trust;
use crate::python::imports;

/// `ssl.CERT_NONE`, and the number of TLS 1.3 as `ssl.TLSVersion` has it.
const CERT_NONE: i32 = 0;
const TLS_1_2: i32 = 0x0303;
const TLS_1_3: i32 = 0x0304;

/// See the head of this file.
#[derive(Debug)]
pub struct Said {
    pub trust: Trust,
    /// TLS 1.2 is refused.
    pub only_1_3: bool,
}

/// Whether `value` is a context, or behaves as one.
pub fn is_context(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(value.hasattr("get_ca_certs")? && value.hasattr("verify_mode")?)
}

/// Reads a context; ValueError for what it asks and cannot be had.
pub fn read(context: &Bound<'_, PyAny>) -> PyResult<Said> {
    let number = |name: &str| -> PyResult<i32> { context.getattr(name)?.extract() };
    let newest = number("maximum_version")?;
    // Negative: the newest there is.
    if (0..TLS_1_2).contains(&newest) {
        return Err(PyValueError::new_err(
            "this SSLContext allows nothing newer than TLS 1.1, which is not supported",
        ));
    }
    if (TLS_1_2..TLS_1_3).contains(&newest) {
        return Err(PyValueError::new_err(
            "this SSLContext does not allow TLS 1.3, which cannot be switched off here",
        ));
    }
    Ok(Said {
        trust: trust(context, number("verify_mode")?)?,
        only_1_3: number("minimum_version")? >= TLS_1_3,
    })
}

fn trust(context: &Bound<'_, PyAny>, verify_mode: i32) -> PyResult<Trust> {
    if verify_mode == CERT_NONE {
        return Ok(Trust::Anyone);
    }
    let trust = authorities(context)?;
    let names: bool = context.getattr("check_hostname")?.extract()?;
    Ok(match names {
        true => trust,
        false => Trust::AnyName(Arc::new(trust)),
    })
}

fn authorities(context: &Bound<'_, PyAny>) -> PyResult<Trust> {
    // One that asks the system, and not OpenSSL, as truststore's does.
    let class = context.get_type();
    if class.module()?.to_string_lossy().starts_with("truststore") {
        return Ok(Trust::System);
    }
    let known = certificates(context)?;
    if !known.is_empty() {
        return Ok(Trust::any_of(&known)?);
    }
    let loaded: usize = context
        .call_method0("cert_store_stats")?
        .get_item("x509")?
        .extract()?;
    // Of a system whose authorities are files in a folder OpenSSL reads each when it needs it: a context with
    // all of them shows none.
    let usual = imports::default_ssl_context(context.py())?.call0()?;
    if loaded == 0 && certificates(&usual)?.is_empty() {
        return Ok(Trust::System);
    }
    Err(PyValueError::new_err(
        "this SSLContext shows no authority that it trusts: what is in a folder (capath), or is no authority, \
         cannot be read from it. Give the path instead of the context",
    ))
}

fn certificates(context: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<u8>>> {
    let certificates = context.call_method1("get_ca_certs", (true,))?;
    certificates
        .extract()
        .map_err(|_| PyTypeError::new_err("get_ca_certs(True) of this SSLContext does not give bytes"))
}
