//! Python bytes put together from pieces, each copied once.

use std::ptr;

use pyo3::exceptions::PyOverflowError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// One bytes object of `length` bytes from `pieces`, which have that length together.
pub fn concatenate<'py>(
    py: Python<'py>,
    pieces: &[impl AsRef<[u8]>],
    length: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let size = ffi::Py_ssize_t::try_from(length).map_err(PyOverflowError::new_err)?;
    // SAFETY: attached; NULL asks for memory that the caller fills; a new reference or NULL with an
    // exception comes back.
    let made =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(ptr::null(), size))? };
    // SAFETY: attached; it is bytes, and nobody else has it yet, so its memory may be written.
    let start = unsafe { ffi::PyBytes_AsString(made.as_ptr()) }.cast::<u8>();
    let mut filled = 0;
    for piece in pieces.iter().map(AsRef::as_ref) {
        if piece.len() > length - filled {
            break;
        }
        // SAFETY: the check above keeps the end within the `length` bytes at `start`, and memory just
        // made overlaps with no piece.
        unsafe { ptr::copy_nonoverlapping(piece.as_ptr(), start.add(filled), piece.len()) };
        filled += piece.len();
    }
    // SAFETY: `filled` is at most `length`; what was not filled, if the pieces were shorter than said,
    // becomes zeros rather than whatever was in that memory.
    unsafe { ptr::write_bytes(start.add(filled), 0, length - filled) };
    Ok(made.cast_into()?)
}
