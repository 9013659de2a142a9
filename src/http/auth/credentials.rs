//! A user name and a password: read from Python, and never shown.
//!
//! Invariant: neither has a control character in it (RFC 7617, section 2), so that both can go into a
//! header. Text becomes UTF-8, which RFC 7617 asks for in new uses; bytes stay as they are.

use std::fmt;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::error::{Error, Result};
use crate::http::params::type_name;

/// Bytes that no message, log or `Debug` shows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Text or bytes from Python; `what` names it in messages, which do not show it.
    pub fn from_python(given: &Bound<'_, PyAny>, what: &str) -> PyResult<Self> {
        if let Ok(text) = given.cast::<PyString>() {
            // Not Python's own error: it holds the whole text.
            let text = text
                .to_str()
                .map_err(|_| PyValueError::new_err(format!("{what} cannot have a lone surrogate in it")))?;
            Ok(Self::new(text))
        } else if let Ok(bytes) = given.cast::<PyBytes>() {
            Ok(Self::new(bytes.as_bytes()))
        } else {
            Err(PyTypeError::new_err(format!(
                "{what} must be str or bytes, not {}",
                type_name(given)
            )))
        }
    }

    /// For pickling: text, or bytes if it is none.
    pub fn to_python<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => PyString::new(py, text).into_any(),
            Err(_) => PyBytes::new(py, &self.0).into_any(),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A user name and a password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    username: Vec<u8>,
    password: Secret,
}

impl Credentials {
    /// A ValueError if either has a control character in it.
    pub fn new(username: impl Into<Vec<u8>>, password: Secret) -> Result<Self> {
        let username = username.into();
        for (what, bytes) in [
            ("the user name", username.as_slice()),
            ("the password", password.expose()),
        ] {
            if bytes.iter().any(u8::is_ascii_control) {
                return Err(Error::value(format!("{what} has a control character in it")));
            }
        }
        Ok(Self { username, password })
    }

    pub fn from_python(username: &Bound<'_, PyAny>, password: &Bound<'_, PyAny>) -> PyResult<Self> {
        let username = Secret::from_python(username, "the user name")?;
        let password = Secret::from_python(password, "the password")?;
        Ok(Self::new(username.0, password)?)
    }

    pub fn username(&self) -> &[u8] {
        &self.username
    }

    pub fn password(&self) -> &[u8] {
        self.password.expose()
    }

    /// The arguments that make the same again.
    pub fn to_python<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, Bound<'py, PyAny>) {
        let username = Secret::new(self.username.as_slice());
        (username.to_python(py), self.password.to_python(py))
    }

    /// `<Class 'user'>`. A name without a password is not shown: it is a key, as many APIs have it.
    pub fn repr(&self, py: Python<'_>, class: &str) -> PyResult<String> {
        if self.password().is_empty() {
            return Ok(format!("<{class}>"));
        }
        let name = PyString::new(py, &String::from_utf8_lossy(&self.username));
        Ok(format!("<{class} {}>", name.repr()?.to_str()?))
    }
}

/// Without the name: it may be a key.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}
