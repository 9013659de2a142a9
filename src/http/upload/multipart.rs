//! Multipart forms (RFC 7578): fields and files, streamed one after the other.
//!
//! Invariant: no file is in memory as a whole; what surrounds the contents is, and joins what comes before
//! and after it.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::boundary;
use super::content::{in_memory, source};
use super::feeding::Feeds;
use super::given::refuse_raw;
use super::part::{self, Part};
use super::payload::Payload;
use super::streamed::{Source, Streamed};
use crate::http::params;

/// Contents up to here, in bytes, are copied next to what surrounds them; larger ones stay where they are.
const SMALL: usize = 64 * 1024;

/// The form of `data`'s fields and `files`' parts. `headers` get the Content-Type.
pub fn of(
    data: Option<&Bound<'_, PyAny>>,
    files: &Bound<'_, PyAny>,
    headers: &mut HeaderMap,
    feeds: &mut Feeds,
) -> PyResult<Payload> {
    let mut form = Form {
        boundary: boundary::settle(files.py(), headers)?,
        sources: Vec::new(),
        together: BytesMut::new(),
    };
    if let Some(data) = data {
        refuse_raw(data)?;
        for item in params::items(data, "data")? {
            let (name, value) = params::pair(&item?, "data")?;
            let name = params::scalar(&name, "data")?;
            each(&value, true, |value| form.field(&name, value))?;
        }
    }
    for item in params::items(files, "files")? {
        let (name, value) = params::pair(&item?, "files")?;
        let name = part::text(&name, "the names of files")?;
        each(&value, false, |value| form.file(&name, value, feeds))?;
    }
    Ok(form.finish())
}

/// A list repeats its name; so does a tuple of `data`. Of files, a tuple is one that is described.
fn each<'py>(
    value: &Bound<'py, PyAny>,
    tuples: bool,
    mut add: impl FnMut(&Bound<'py, PyAny>) -> PyResult<()>,
) -> PyResult<()> {
    if let Ok(list) = value.cast::<PyList>() {
        return list.iter().try_for_each(|value| add(&value));
    }
    match value.cast::<PyTuple>() {
        Ok(tuple) if tuples => tuple.iter().try_for_each(|value| add(&value)),
        _ => add(value),
    }
}

/// A form that is being put together.
struct Form {
    boundary: String,
    sources: Vec<Source>,
    /// What follows the last of the sources, in memory.
    together: BytesMut,
}

impl Form {
    fn field(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = match in_memory(value)? {
            Some(bytes) => bytes,
            None => params::scalar(value, "data")?.into(),
        };
        self.part(&part::head(name, None, &HeaderMap::new()), Source::Bytes(value));
        Ok(())
    }

    fn file(&mut self, name: &str, given: &Bound<'_, PyAny>, feeds: &mut Feeds) -> PyResult<()> {
        let part = Part::from_python(given)?;
        let content = source(&part.content, "files", feeds)?;
        self.part(&part.head(name), content);
        Ok(())
    }

    fn part(&mut self, head: &[u8], content: Source) {
        self.delimit("\r\n");
        self.together.extend_from_slice(head);
        match content {
            Source::Bytes(bytes) if bytes.len() <= SMALL => self.together.extend_from_slice(&bytes),
            large => {
                self.flush();
                self.sources.push(large);
            }
        }
    }

    /// The line between two parts, or after the last. The line break before it belongs to it.
    fn delimit(&mut self, end: &str) {
        let first = self.sources.is_empty() && self.together.is_empty();
        for text in [if first { "--" } else { "\r\n--" }, &self.boundary, end] {
            self.together.extend_from_slice(text.as_bytes());
        }
    }

    fn flush(&mut self) {
        let together: Bytes = std::mem::take(&mut self.together).freeze();
        self.sources.push(Source::Bytes(together));
    }

    fn finish(mut self) -> Payload {
        self.delimit("--\r\n");
        if self.sources.is_empty() {
            return Payload::Whole(self.together.freeze());
        }
        self.flush();
        Payload::Streamed(Streamed::new(self.sources).into())
    }
}
