//! Who a request is from: what goes into `Authorization`, and what answers a challenge.
//!
//! ```text
//! from_python      on the loop thread: a setting of Python becomes an `Auth`, or is a callable
//! Auth             plain Rust, shared by requests: Basic, Bearer, Digest, NetRc
//!   authorize      before a request is sent: the value that goes with it, if there is one yet
//!   answer         after a 401 or 407: the value to ask again with, or None: nothing is left to try
//!   learn          after the last answer: what it means for the next request
//! ```
//!
//! Whoever sends the requests decides where a user's `Auth` may go: it is for the origin that was asked,
//! and not for the one that a redirect leads to, unless [`Auth::chooses_by_host`].

pub mod asked;
pub mod basic;
pub mod bearer;
pub mod challenge;
pub mod credentials;
pub mod digest;
pub mod netrc;

use std::fmt::Debug;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use self::asked::{Asked, Sent};
use self::basic::{Basic, BasicAuth};
use self::bearer::BearerAuth;
use self::credentials::Credentials;
use self::digest::DigestAuth;
use self::netrc::NetRCAuth;
use super::params::type_name;

/// A way to authenticate. Shared by requests on any thread; locks are held for no longer than it takes to
/// look something up.
pub trait Auth: Debug + Send + Sync {
    /// What goes with the request at once; None if the server has to be heard first.
    fn authorize(&self, asked: &Asked<'_>) -> Option<Sent>;

    /// What to ask again with, after an answer of `status` and `headers` to a request with `sent`.
    ///
    /// None if the answer is no challenge, if none of its challenges can be answered, and if an answer was
    /// given and refused. It becomes None after a few calls, each with what the last one gave, whatever
    /// the server says.
    fn answer(
        &self,
        asked: &Asked<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        sent: Option<&Sent>,
    ) -> Option<Sent> {
        // Only what a server says can give these more to try.
        let _ = (asked, status, headers, sent);
        None
    }

    /// Takes what an answer of `status` and `headers`, which is the last one, means for the next requests.
    /// Without it, digest has nothing to send unasked.
    fn learn(&self, asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap, sent: &Sent) {
        let _ = (asked, status, headers, sent);
    }

    /// Whether it has credentials host by host, so that it may also be asked after a redirect to another
    /// origin. All others have to be left behind there.
    fn chooses_by_host(&self) -> bool {
        false
    }
}

/// What `auth=` may be.
#[derive(Debug)]
pub enum Given {
    Native(Arc<dyn Auth>),
    /// Called on the loop thread; it may be a coroutine function.
    Callable(Py<PyAny>),
}

impl Given {
    pub fn share(&self, py: Python<'_>) -> Self {
        match self {
            Self::Native(auth) => Self::Native(Arc::clone(auth)),
            Self::Callable(callable) => Self::Callable(callable.clone_ref(py)),
        }
    }
}

/// Reads a value of `auth=` that is not None. TypeError for what is no authentication.
pub fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(basic) = value.cast::<BasicAuth>() {
        Ok(Given::Native(basic.get().shared()))
    } else if let Ok(bearer) = value.cast::<BearerAuth>() {
        Ok(Given::Native(bearer.get().shared()))
    } else if let Ok(digest) = value.cast::<DigestAuth>() {
        Ok(Given::Native(digest.get().shared()))
    } else if let Ok(netrc) = value.cast::<NetRCAuth>() {
        Ok(Given::Native(netrc.get().shared()))
    } else if let Ok(pair) = value.cast::<PyTuple>()
        && pair.len() == 2
    {
        let credentials = Credentials::from_python(&pair.get_item(0)?, &pair.get_item(1)?)?;
        Ok(Given::Native(Arc::new(Basic::new(credentials)?)))
    } else if let Ok(class) = value.cast::<PyType>()
        && is_ours(class)
    {
        let name = class.name()?;
        Err(PyTypeError::new_err(format!(
            "auth must be an instance of {name}, not the class"
        )))
    } else if value.is_callable() {
        Ok(Given::Callable(value.clone().unbind()))
    } else {
        Err(PyTypeError::new_err(format!(
            "auth must be BasicAuth, BearerAuth, DigestAuth, NetRCAuth, a tuple of user name and password, \
             a callable or None, not {}",
            type_name(value)
        )))
    }
}

fn is_ours(class: &Bound<'_, PyType>) -> bool {
    let py = class.py();
    [
        py.get_type::<BasicAuth>(),
        py.get_type::<BearerAuth>(),
        py.get_type::<DigestAuth>(),
        py.get_type::<NetRCAuth>(),
    ]
    .iter()
    .any(|ours| ours.is(class))
}
