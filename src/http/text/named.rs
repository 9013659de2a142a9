//! An encoding by the name that a program gives: browsers' labels, and what Python calls the same.

use encoding_rs::{Encoding, REPLACEMENT};
use pyo3::exceptions::PyLookupError;
use pyo3::prelude::*;

use super::{Charset, Utf32};
use crate::python::imports;

/// LookupError for a name that nobody knows, and for an encoding that is none of the web's.
pub fn named(py: Python<'_>, label: &str) -> PyResult<Charset> {
    if let Some(charset) = on_the_web(label) {
        return Ok(charset);
    }
    // Python has names of its own: `latin-1`, `utf_8`.
    let known = imports::codecs_lookup(py)?.call1((label,))?;
    let name: String = known.getattr("name")?.extract()?;
    on_the_web(&name).ok_or_else(|| {
        PyLookupError::new_err(format!(
            "{label} is none of the encodings of the web: decode response.content"
        ))
    })
}

fn on_the_web(label: &str) -> Option<Charset> {
    let other = match label.to_ascii_lowercase().as_str() {
        "utf-32le" | "utf-32-le" => return Some(Charset::Utf32(Utf32::Little)),
        "utf-32be" | "utf-32-be" => return Some(Charset::Utf32(Utf32::Big)),
        "utf-16-le" => "utf-16le",
        "utf-16-be" => "utf-16be",
        // What Python calls otherwise; browsers take an encoding and its extensions for one.
        "big5hkscs" | "cp950" => "big5",
        "cp874" => "windows-874",
        "cp932" => "shift_jis",
        "cp949" | "euc_kr" => "euc-kr",
        "euc_jp" => "euc-jp",
        "iso2022_jp" => "iso-2022-jp",
        "iso8859-16" => "iso-8859-16",
        "mac-cyrillic" => "x-mac-cyrillic",
        "mac-roman" => "macintosh",
        _ => label,
    };
    let found = Encoding::for_label(other.as_bytes()).filter(|encoding| *encoding != REPLACEMENT);
    found.map(Charset::Web)
}
