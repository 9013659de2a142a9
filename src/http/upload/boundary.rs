//! The boundary between the parts of a multipart body (RFC 2046, section 5.1.1).

use std::fmt::Write as _;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use mime::Mime;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::python::imports;

/// The longest that RFC 2046 allows.
const LONGEST: usize = 70;

/// The boundary to use: that of the caller's own Content-Type if it names one, or else a new one, which joins
/// `headers`. ValueError for a Content-Type that is not multipart, or whose boundary is none.
pub fn settle(py: Python<'_>, headers: &mut HeaderMap) -> PyResult<String> {
    let Some(given) = headers.get(CONTENT_TYPE) else {
        let boundary = random(py)?;
        let content_type = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        headers.insert(CONTENT_TYPE, content_type.map_err(|_| no_boundary(&boundary))?);
        return Ok(boundary);
    };
    let text = given.to_str().unwrap_or("").trim_end_matches([';', ' ', '\t']);
    let parsed: Option<Mime> = text.parse().ok();
    let Some(parsed) = parsed.filter(|parsed| parsed.type_() == mime::MULTIPART) else {
        return Err(PyValueError::new_err(format!(
            "files are sent as multipart/form-data, and the Content-Type given is '{}'",
            text.escape_debug()
        )));
    };
    if let Some(boundary) = parsed.get_param(mime::BOUNDARY) {
        let boundary = boundary.as_str().to_owned();
        return if is_boundary(&boundary) {
            Ok(boundary)
        } else {
            Err(no_boundary(&boundary))
        };
    }
    // Without one no server could tell the parts.
    let boundary = random(py)?;
    let content_type = HeaderValue::from_str(&format!("{text}; boundary={boundary}"));
    headers.insert(CONTENT_TYPE, content_type.map_err(|_| no_boundary(&boundary))?);
    Ok(boundary)
}

fn no_boundary(boundary: &str) -> PyErr {
    PyValueError::new_err(format!(
        "'{}' cannot be a multipart boundary",
        boundary.escape_debug()
    ))
}

/// RFC 2046: at most 70 of these characters, and no space at the end.
fn is_boundary(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with(' ')
}

/// 128 bits that nobody can guess: no content has them, by chance or by intent.
fn random(py: Python<'_>) -> PyResult<String> {
    let bytes = imports::urandom(py)?.call1((16,))?;
    let mut boundary = String::with_capacity(32);
    for byte in bytes.cast::<PyBytes>()?.as_bytes() {
        // Writing to a String cannot fail.
        let _written = write!(boundary, "{byte:02x}");
    }
    Ok(boundary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_a_boundary() {
        assert!(is_boundary("a"));
        assert!(is_boundary("----Form 'Boundary'=(7)"));
        assert!(is_boundary(&"x".repeat(70)));
        for bad in ["", "a ", "a\"b", "a\r\nb", "ä", &"x".repeat(71)] {
            assert!(!is_boundary(bad), "{bad:?}");
        }
    }
}
