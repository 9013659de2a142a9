//! What a body, or a part of one, may be in Python.

use bytes::{Bytes, BytesMut};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyString, PyTuple};

use super::feeding::Feeds;
use super::file::Stretch;
use super::streamed::Source;
use crate::http::params::type_name;
use crate::python::{descriptor, imports};

/// The bytes of what is in memory: text as UTF-8, anything with bytes in it as those. None for the rest.
pub fn in_memory(value: &Bound<'_, PyAny>) -> PyResult<Option<Bytes>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Some(Bytes::copy_from_slice(bytes.as_bytes())));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Some(Bytes::copy_from_slice(text.to_str()?.as_bytes())));
    }
    if let Ok(array) = value.cast::<PyByteArray>() {
        return Ok(Some(array.to_vec().into()));
    }
    if PyUntypedBuffer::get(value).is_ok() {
        // A view of any shape and type, as `bytes(view)` reads it.
        let bytes = value.py().get_type::<PyBytes>().call1((value,))?;
        return Ok(Some(Bytes::copy_from_slice(bytes.cast::<PyBytes>()?.as_bytes())));
    }
    Ok(None)
}

/// Where the bytes of `value`, given as `what`, come from. An iterator gets a pipe and a place among the
/// feeds. TypeError for what has no bytes.
pub fn source(value: &Bound<'_, PyAny>, what: &'static str, feeds: &mut Feeds) -> PyResult<Source> {
    if let Some(bytes) = in_memory(value)? {
        return Ok(Source::Bytes(bytes));
    }
    if let Some(bytes) = together(value, what)? {
        return Ok(Source::Bytes(bytes));
    }
    let py = value.py();
    let seen = imports::recognise_upload(py)?.call1((value, what))?;
    if seen.is_none() {
        return Err(PyTypeError::new_err(format!(
            "{what} must be bytes, str, bytearray, memoryview, a file, or an iterator of bytes, not {}",
            type_name(value)
        )));
    }
    if let Some(bytes) = in_memory(&seen)? {
        return Ok(Source::Bytes(bytes));
    }
    let Ok(file) = seen.cast::<PyTuple>() else {
        return Ok(Source::Pipe(feeds.add(seen, what)?));
    };
    let (file, position): (Bound<'_, PyAny>, u64) = file.extract()?;
    match Stretch::to_end(descriptor::duplicate(&file)?, position)? {
        Some(stretch) if stretch.length() == 0 => Ok(Source::Bytes(Bytes::new())),
        Some(stretch) => Ok(Source::File(stretch)),
        None => {
            let read = imports::read_upload(py)?.call1((value,))?;
            Ok(Source::Pipe(feeds.add(read, what)?))
        }
    }
}

/// The pieces in a list or tuple, as one: they are in memory, so the length is known.
fn together(value: &Bound<'_, PyAny>, what: &'static str) -> PyResult<Option<Bytes>> {
    if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
        return Ok(None);
    }
    let mut whole = BytesMut::new();
    for piece in value.try_iter()? {
        let piece = piece?;
        let bytes = in_memory(&piece)?.ok_or_else(|| wrong_piece(&piece, what))?;
        whole.extend_from_slice(&bytes);
    }
    Ok(Some(whole.freeze()))
}

/// The TypeError for what is among the pieces of a body and has no bytes.
pub fn wrong_piece(piece: &Bound<'_, PyAny>, what: &str) -> PyErr {
    PyTypeError::new_err(format!("{what} must give bytes or str, not {}", type_name(piece)))
}
