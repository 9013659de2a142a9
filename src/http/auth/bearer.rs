//! A token, as it is (RFC 6750). Sent at once, without being asked for.

use std::sync::Arc;

use http::HeaderValue;
use pyo3::prelude::*;

use super::Auth;
use super::asked::{Asked, Sent};
use super::credentials::Secret;
use crate::error::{Error, Result};

/// A token, and the value that it comes to.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Bearer {
    token: Secret,
    value: HeaderValue,
}

impl Bearer {
    /// A ValueError for what is no token: empty, or with anything but visible ASCII in it. RFC 6750 allows
    /// less; real tokens have colons and bars.
    pub fn new(token: Secret) -> Result<Self> {
        let bytes = token.expose();
        if bytes.is_empty() {
            return Err(Error::value("the token is empty"));
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            let why = "the token has a character in it that is no visible ASCII; a space or a line break?";
            return Err(Error::value(why));
        }
        let mut value = HeaderValue::from_bytes(&[b"Bearer ", bytes].concat())
            .map_err(|_| Error::value("the token cannot be sent"))?;
        value.set_sensitive(true);
        Ok(Self { token, value })
    }
}

impl Auth for Bearer {
    fn authorize(&self, _asked: &Asked<'_>) -> Option<Sent> {
        Some(Sent::new(self.value.clone()))
    }
}

/// Authenticates with a token that goes with every request (RFC 6750).
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct BearerAuth {
    bearer: Arc<Bearer>,
}

impl BearerAuth {
    pub fn shared(&self) -> Arc<dyn Auth> {
        Arc::clone(&self.bearer) as Arc<dyn Auth>
    }
}

#[pymethods]
impl BearerAuth {
    #[new]
    fn new(token: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bearer = Arc::new(Bearer::new(Secret::from_python(token, "the token")?)?);
        Ok(Self { bearer })
    }

    // Whatever of a token is shown is a part of a secret.
    #[allow(clippy::unused_self, reason = "a method, to Python")]
    fn __repr__(&self) -> &'static str {
        "<BearerAuth>"
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>,) {
        (self.bearer.token.to_python(py),)
    }
}
