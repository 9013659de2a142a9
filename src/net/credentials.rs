//! What is said about TLS in a call: whom to trust, who we are, and how old the protocol may be.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyString, PyTuple};

use super::tls::{Identity, Trust};
use crate::error::Error;
use crate::python::given::type_name;
use crate::python::paths::{file_path, os_error};

/// `verify`: True, False, `"bundled"`, a path of a PEM file, or PEM itself.
pub fn trust(value: &Bound<'_, PyAny>) -> PyResult<Trust> {
    if let Ok(verify) = value.cast::<PyBool>() {
        return Ok(if verify.is_true() {
            Trust::System
        } else {
            Trust::Anyone
        });
    }
    if value.cast::<PyString>().is_ok_and(|text| text == "bundled") {
        return Ok(Trust::Bundled);
    }
    // What aiohttp calls a Fingerprint.
    if let Some(fingerprint) = value.getattr_opt("fingerprint")? {
        let digest: Vec<u8> = fingerprint.extract()?;
        return match digest.try_into() {
            Ok(digest) => Ok(Trust::Pinned(digest)),
            Err(_) => Err(PyValueError::new_err(
                "a fingerprint of a certificate is a SHA-256 digest, 32 bytes",
            )),
        };
    }
    let expected = "verify must be True, False, 'bundled', the path of a PEM file, or PEM as bytes or str";
    let pem = pem(value, expected)?;
    Ok(Trust::only(&pem.bytes).map_err(|error| pem.named(error))?)
}

/// `cert`: a path of a PEM file with certificate and key, or PEM itself, or a pair of these.
pub fn identity(value: &Bound<'_, PyAny>) -> PyResult<Arc<Identity>> {
    let expected =
        "cert must be the path of a PEM file, PEM as bytes or str, or a pair of these, certificate and key";
    let identity = if let Ok(pair) = value.cast::<PyTuple>() {
        if pair.len() == 3 {
            return Err(PyValueError::new_err(
                "cert is a pair: a key with a password is not supported and must be decrypted first",
            ));
        }
        if pair.len() != 2 {
            return Err(PyTypeError::new_err(format!(
                "{expected}, not a tuple of {}",
                pair.len()
            )));
        }
        let certificate = pem(&pair.get_item(0)?, expected)?;
        let key = pem(&pair.get_item(1)?, expected)?;
        Identity::from_pem(&certificate.bytes, &key.bytes).map_err(|error| certificate.named(error))
    } else {
        let both = pem(value, expected)?;
        Identity::from_pem(&both.bytes, &both.bytes).map_err(|error| both.named(error))
    };
    Ok(Arc::new(identity?))
}

/// `min_tls`: whether TLS 1.2 is refused.
pub fn only_1_3(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    match value.cast::<PyString>().ok().and_then(|text| text.to_str().ok()) {
        Some("1.2") => Ok(false),
        Some("1.3") => Ok(true),
        _ => Err(PyValueError::new_err(format!(
            "min_tls must be '1.2' or '1.3', not {}; what is older is not supported",
            value.repr()?
        ))),
    }
}

/// PEM, and the file that it is from.
struct Pem {
    bytes: Vec<u8>,
    path: Option<PathBuf>,
}

impl Pem {
    fn named(&self, error: Error) -> Error {
        match &self.path {
            Some(path) => Error::value(format!("{}: {error}", path.display())),
            None => error,
        }
    }
}

fn pem(value: &Bound<'_, PyAny>, expected: &str) -> PyResult<Pem> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Pem {
            bytes: bytes.as_bytes().to_vec(),
            path: None,
        });
    }
    if let Ok(text) = value.cast::<PyString>()
        && text.to_str()?.trim_start().starts_with("-----BEGIN")
    {
        return Ok(Pem {
            bytes: text.to_str()?.as_bytes().to_vec(),
            path: None,
        });
    }
    let Ok(path) = file_path(value) else {
        return Err(PyTypeError::new_err(format!(
            "{expected}, not {}",
            type_name(value)
        )));
    };
    Ok(Pem {
        bytes: std::fs::read(&path).map_err(|error| os_error(value.py(), &error, path.clone()))?,
        path: Some(path),
    })
}
