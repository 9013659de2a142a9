//! The body that the keyword arguments of a call give, and the type it is said to have.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::content::{in_memory, source};
use super::feeding::Feeds;
use super::multipart;
use super::payload::Payload;
use super::streamed::{Source, Streamed};
use crate::http::params::{self, type_name};
use crate::python::imports;

const NAMES: [&str; 4] = ["content", "data", "json", "files"];

/// What was given; None of Python is the same as nothing.
#[derive(Debug, Default)]
pub struct Given<'py> {
    content: Option<Bound<'py, PyAny>>,
    data: Option<Bound<'py, PyAny>>,
    json: Option<Bound<'py, PyAny>>,
    files: Option<Bound<'py, PyAny>>,
}

impl<'py> Given<'py> {
    pub fn has(name: &str) -> bool {
        NAMES.contains(&name)
    }

    pub fn set(&mut self, name: &str, value: Bound<'py, PyAny>) {
        match name {
            "content" => self.content = Some(value),
            "data" => self.data = Some(value),
            "json" => self.json = Some(value),
            _ => self.files = Some(value),
        }
    }

    /// The one body of these, and what feeds it. A Content-Type that says what it is joins `headers`, where
    /// there is none.
    pub fn payload(self, headers: &mut HeaderMap) -> PyResult<(Payload, Feeds)> {
        let mut feeds = Feeds::default();
        let form = usize::from(self.data.is_some() || self.files.is_some());
        if form + usize::from(self.content.is_some()) + usize::from(self.json.is_some()) > 1 {
            return Err(PyValueError::new_err(
                "content, json, and data or files are three ways to give one body: use one of them",
            ));
        }
        let (payload, content_type) = match self {
            Given {
                content: Some(content),
                ..
            } => (whole_or_not(source(&content, "content", &mut feeds)?), None),
            Given {
                json: Some(value), ..
            } => (Payload::Whole(json(&value)?), Some("application/json")),
            Given {
                data,
                files: Some(files),
                ..
            } if files.is_truthy()? => (multipart::of(data.as_ref(), &files, headers, &mut feeds)?, None),
            Given { data: Some(data), .. } => (form_of(&data)?, Some("application/x-www-form-urlencoded")),
            _ => (Payload::Nothing, None),
        };
        if let Some(content_type) = content_type {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(content_type));
        }
        Ok((payload, feeds))
    }
}

fn whole_or_not(source: Source) -> Payload {
    match source {
        Source::Bytes(bytes) => Payload::Whole(bytes),
        source => Payload::Streamed(Streamed::new(vec![source]).into()),
    }
}

/// Name and value pairs, urlencoded.
fn form_of(data: &Bound<'_, PyAny>) -> PyResult<Payload> {
    refuse_raw(data)?;
    Ok(Payload::Whole(params::form(data, "data")?.into()))
}

/// TypeError for a body as it is, which `data` of requests may be as well.
pub(super) fn refuse_raw(data: &Bound<'_, PyAny>) -> PyResult<()> {
    let is_raw = data.hasattr(intern!(data.py(), "read"))?
        || data.hasattr(intern!(data.py(), "__aiter__"))?
        || in_memory(data)?.is_some();
    if is_raw {
        return Err(PyTypeError::new_err(format!(
            "data must be a mapping or a list of pairs, the fields of a form, not {}: a body that is sent as it is \
             goes by content=",
            type_name(data)
        )));
    }
    Ok(())
}

/// `json.dumps`, compact and in UTF-8; NaN and infinities are refused, since JSON has none.
fn json(value: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let text = imports::json_encode(value.py())?.call1((value,))?;
    Ok(Bytes::copy_from_slice(
        text.cast::<PyString>()?.to_str()?.as_bytes(),
    ))
}
