//! Pairs of names and values from Python, and their one encoding: that of queries and of forms.
//!
//! As `urllib.parse.urlencode` does it: UTF-8, a space is `+`, and all but letters, digits and `_.-~`
//! is escaped.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::{Error, Kind};
pub use crate::python::given::{items, pair, type_name};

/// Names and values, in order; a name may come again.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// How a value is read, of what is called so.
type Read = fn(&Bound<'_, PyAny>, &str) -> PyResult<Vec<u8>>;

/// What `params` may be: pairs to encode, or a query that its author has encoded.
#[derive(Debug, Clone)]
pub enum Query {
    Pairs(Pairs),
    Encoded(String),
}

impl Query {
    pub fn from_python(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = given.cast::<PyString>() {
            let text = text.to_str()?;
            // Some of them a parser of URLs drops without a word.
            if text.bytes().any(|byte| byte.is_ascii_control()) {
                let why = "params cannot have a control character in it: escape it, or give pairs";
                return Err(Error::new(Kind::InvalidUrl, why).into());
            }
            return Ok(Self::Encoded(text.strip_prefix('?').unwrap_or(text).to_owned()));
        }
        pairs(given, "params", |value, what| {
            scalar(value, what).map(String::into_bytes)
        })
        .map(Self::Pairs)
    }

    /// This query after `defaults`, of which the names given here are left out.
    pub fn after(&self, defaults: Option<&Self>) -> String {
        let mut whole = String::new();
        match (defaults, self) {
            (Some(Self::Pairs(defaults)), Self::Pairs(own)) => {
                let kept = defaults
                    .iter()
                    .filter(|(name, _)| own.iter().all(|(other, _)| other != name));
                encode_into(&mut whole, kept);
            }
            (Some(defaults), _) => whole = defaults.encoded(),
            (None, _) => {}
        }
        let own = self.encoded();
        if !whole.is_empty() && !own.is_empty() {
            whole.push('&');
        }
        whole + &own
    }

    pub fn encoded(&self) -> String {
        match self {
            Self::Encoded(text) => text.clone(),
            Self::Pairs(pairs) => encode(pairs),
        }
    }
}

/// The fields of a form, encoded. Their values may be bytes too.
pub fn form(given: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let field: Read = |value, what| match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => scalar(value, what).map(String::into_bytes),
    };
    Ok(encode(&pairs(given, what, field)?))
}

/// The pairs in a mapping or in an iterable of pairs. A value that is a list or tuple repeats its name.
fn pairs(given: &Bound<'_, PyAny>, what: &str, read: Read) -> PyResult<Pairs> {
    let mut pairs = Pairs::new();
    if let Ok(dict) = given.cast::<PyDict>() {
        for (name, value) in dict.iter() {
            push(&mut pairs, &name, &value, what, read)?;
        }
        return Ok(pairs);
    }
    for item in items(given, what)? {
        let (name, value) = pair(&item?, what)?;
        push(&mut pairs, &name, &value, what, read)?;
    }
    Ok(pairs)
}

fn push(
    pairs: &mut Pairs,
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    what: &str,
    read: Read,
) -> PyResult<()> {
    let name = scalar(name, what)?;
    if let Ok(list) = value.cast::<PyList>() {
        for value in list.iter() {
            pairs.push((name.clone(), read(&value, what)?));
        }
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        for value in tuple.iter() {
            pairs.push((name.clone(), read(&value, what)?));
        }
    } else {
        pairs.push((name, read(value, what)?));
    }
    Ok(())
}

/// As JSON and httpx have it: `true`, `false`, and nothing for None.
pub fn scalar(value: &Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        Ok(text.to_str()?.to_owned())
    } else if let Ok(truth) = value.cast::<PyBool>() {
        Ok(if truth.is_true() { "true" } else { "false" }.to_owned())
    } else if value.is_none() {
        Ok(String::new())
    } else if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        Ok(value.str()?.to_str()?.to_owned())
    } else {
        Err(PyTypeError::new_err(format!(
            "{what} may be str, int, float, bool or None, not {}",
            type_name(value)
        )))
    }
}

/// `name=value&name=value`.
fn encode(pairs: &[(String, Vec<u8>)]) -> String {
    let mut whole = String::new();
    encode_into(&mut whole, pairs);
    whole
}

fn encode_into<'a>(whole: &mut String, pairs: impl IntoIterator<Item = &'a (String, Vec<u8>)>) {
    for (name, value) in pairs {
        if !whole.is_empty() {
            whole.push('&');
        }
        escape(whole, name.as_bytes());
        whole.push('=');
        escape(whole, value);
    }
}

fn escape(whole: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
    for byte in bytes.iter().copied() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => whole.push(byte.into()),
            b' ' => whole.push('+'),
            _ => whole.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}
