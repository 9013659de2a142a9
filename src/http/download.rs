//! `download`: a response that goes to a file, in the time and the memory that this takes, and can be gone on
//! with by a later call.
//!
//! ```text
//! asked      what the call says
//! calling    the operation, or the wait on a plain thread; calls progress
//! ---------- tokio
//! transfer   asks, receives, tries again
//!   verdict    what the head of an answer means: range, validator
//!   writer     pieces, in batches, to blocking threads
//!   part       the file beside the target, locked; paths, note
//!   report     how far it is
//! ---------- back
//! ended      Download, or an exception
//! ```

mod asked;
mod calling;
pub mod ended;
mod note;
mod part;
mod paths;
mod range;
mod report;
mod transfer;
mod validator;
mod verdict;
mod writer;

use http::Method;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

pub use self::asked::Asked;
pub use self::calling::{operation, wait};

use super::agent::{Agent, Prepared};

/// Reads and checks a call; whatever is wrong with it is raised here.
pub fn prepare(
    agent: &Agent,
    function: &'static str,
    url: &Bound<'_, PyAny>,
    asked: Asked,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> PyResult<Prepared> {
    Asked::check(function, kwargs)?;
    let timeout = match kwargs {
        Some(kwargs) => kwargs.contains(intern!(url.py(), "timeout"))?,
        None => false,
    };
    let mut prepared = agent.prepare(function, Method::GET, url, kwargs)?;
    asked.add_to(&mut prepared, timeout)?;
    Ok(prepared)
}
