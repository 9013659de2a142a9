//! One part of a multipart body as the caller gave it.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::http::headers;
use crate::http::params::type_name;
use crate::python::imports;

/// The file name of a part for which there is none: to most servers a part without one is no file.
const UNNAMED: &str = "upload";

/// A file, or a field in the place of one.
#[derive(Debug)]
pub struct Part<'py> {
    pub content: Bound<'py, PyAny>,
    /// None: a field, as in a form.
    pub file_name: Option<String>,
    pub headers: HeaderMap,
}

impl<'py> Part<'py> {
    /// From `content`, or `(file name, content)`, with a content type and headers after that.
    pub fn from_python(given: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(tuple) = given.cast::<PyTuple>() else {
            let name = imports::upload_name(given.py())?.call1((given,))?;
            let name = if name.is_none() {
                UNNAMED.to_owned()
            } else {
                name.extract()?
            };
            return Self::of(given.clone(), Some(name), None, HeaderMap::new());
        };
        if !(2..=4).contains(&tuple.len()) {
            return Err(PyTypeError::new_err(
                "files must have contents, or tuples of a file name, a content, and maybe a content type and headers",
            ));
        }
        let optional = |index| {
            let item = tuple.get_item(index).ok();
            item.filter(|item: &Bound<'_, PyAny>| !item.is_none())
        };
        let name = optional(0).map(|name| text(&name, "file names")).transpose()?;
        let kind = optional(2).map(|kind| text(&kind, "content types")).transpose()?;
        let own = optional(3).map_or_else(|| Ok(HeaderMap::new()), |own| headers::from_python(&own))?;
        Self::of(tuple.get_item(1)?, name, kind, own)
    }

    fn of(
        content: Bound<'py, PyAny>,
        file_name: Option<String>,
        kind: Option<String>,
        mut headers: HeaderMap,
    ) -> PyResult<Self> {
        if headers.contains_key(CONTENT_DISPOSITION) {
            return Err(PyValueError::new_err(
                "the Content-Disposition of a part is made of its name and file name: it cannot be given",
            ));
        }
        let kind = match (kind, &file_name) {
            (Some(kind), _) => Some(kind),
            (None, Some(name)) if !headers.contains_key(CONTENT_TYPE) => {
                Some(imports::upload_type(content.py())?.call1((name,))?.extract()?)
            }
            (None, _) => None,
        };
        if let Some(kind) = kind {
            let value = HeaderValue::from_bytes(kind.as_bytes()).map_err(|_| {
                PyValueError::new_err(format!("'{}' is no content type", kind.escape_debug()))
            })?;
            headers.insert(CONTENT_TYPE, value);
        }
        Ok(Self {
            content,
            file_name,
            headers,
        })
    }

    /// All before the content, of the field called `name`.
    pub fn head(&self, name: &str) -> Vec<u8> {
        head(name, self.file_name.as_deref(), &self.headers)
    }
}

/// TypeError for what is no str.
pub fn text(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    match value.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.to_owned()),
        Err(_) => Err(PyTypeError::new_err(format!(
            "{what} must be str, not {}",
            type_name(value)
        ))),
    }
}

/// The headers of a part, with the line after the boundary and the empty line at their end.
pub fn head(name: &str, file_name: Option<&str>, headers: &HeaderMap) -> Vec<u8> {
    let mut head = b"Content-Disposition: form-data; name=\"".to_vec();
    escape(&mut head, name);
    if let Some(file_name) = file_name {
        head.extend_from_slice(b"\"; filename=\"");
        escape(&mut head, file_name);
    }
    head.extend_from_slice(b"\"\r\n");
    let mut line = |name: &[u8], value: &HeaderValue| {
        for piece in [name, b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(piece);
        }
    };
    if let Some(kind) = headers.get(CONTENT_TYPE) {
        line(b"Content-Type", kind);
    }
    for (name, value) in headers.iter().filter(|(name, _)| *name != CONTENT_TYPE) {
        line(name.as_str().as_bytes(), value);
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// As browsers do it (HTML, "multipart form data": the encoding of names and file names): UTF-8, and what
/// would end the value or the line is escaped.
fn escape(head: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'"' => head.extend_from_slice(b"%22"),
            b'\r' => head.extend_from_slice(b"%0D"),
            b'\n' => head.extend_from_slice(b"%0A"),
            _ => head.push(byte),
        }
    }
}
