//! User name and password, as they are, in base64 (RFC 7617). Sent at once, without being asked for.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use pyo3::prelude::*;

use super::Auth;
use super::asked::{Asked, Sent};
use super::credentials::Credentials;
use crate::error::{Error, Result};

/// A user name and a password, and the value that they come to.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Basic {
    credentials: Credentials,
    value: HeaderValue,
}

impl Basic {
    /// A ValueError if the user name has a colon in it: the server would take the rest for the password.
    pub fn new(credentials: Credentials) -> Result<Self> {
        if credentials.username().contains(&b':') {
            return Err(Error::value(
                "the user name of basic authentication has a colon in it",
            ));
        }
        let pair = [credentials.username(), b":", credentials.password()].concat();
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| Error::value("the user name and the password cannot be sent"))?;
        value.set_sensitive(true);
        Ok(Self { credentials, value })
    }
}

impl Auth for Basic {
    fn authorize(&self, _asked: &Asked<'_>) -> Option<Sent> {
        Some(Sent::new(self.value.clone()))
    }
}

/// Authenticates with a user name and a password that go with every request, readable (RFC 7617).
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BasicAuth {
    basic: Arc<Basic>,
}

impl BasicAuth {
    pub fn shared(&self) -> Arc<dyn Auth> {
        Arc::clone(&self.basic) as Arc<dyn Auth>
    }
}

#[pymethods]
impl BasicAuth {
    #[new]
    fn new(username: &Bound<'_, PyAny>, password: &Bound<'_, PyAny>) -> PyResult<Self> {
        let credentials = Credentials::from_python(username, password)?;
        let basic = Arc::new(Basic::new(credentials)?);
        Ok(Self { basic })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.basic.credentials.repr(py, "BasicAuth")
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, Bound<'py, PyAny>) {
        self.basic.credentials.to_python(py)
    }
}
