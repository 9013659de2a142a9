//! What becomes of the pieces of a body: bytes, text, lines.
//!
//! Which characters they are is told by the first bytes, beside the headers; so those are looked at before
//! anything is taken.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use http::HeaderMap;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::text::{self, Charset, Utf32};
use super::want::{LineFeed, Want};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of so many bytes; None: as they come.
    Bytes(Option<usize>),
    Text,
    /// Without their ends.
    Lines,
}

pub struct Shape {
    kind: Kind,
    chosen: Option<Charset>,
    headers: Arc<HeaderMap>,
    /// Where the body is from, a hint where its encoding must be guessed.
    url: String,
    decoding: Mutex<Decoding>,
}

enum Decoding {
    /// Not yet known.
    Unknown,
    /// Goes on from one piece to the next. It is gone at the end.
    InParts(Option<Decoder>),
    /// Each piece by itself.
    Whole(Charset),
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shape").field(&self.kind).finish()
    }
}

impl Shape {
    /// `chosen`: the encoding, where the program has said it.
    pub fn new(kind: Kind, headers: &Arc<HeaderMap>, url: &str, chosen: Option<Charset>) -> Self {
        Self {
            kind,
            chosen,
            headers: Arc::clone(headers),
            url: url.to_owned(),
            decoding: Mutex::new(Decoding::Unknown),
        }
    }

    /// What is to be read next.
    pub fn want(&self) -> Want {
        match (self.kind, &*self.decoding.lock()) {
            (Kind::Bytes(None), _) => Want::Some,
            (Kind::Bytes(Some(size)), _) => Want::Exactly(size),
            (_, Decoding::Unknown) => Want::Beginning,
            (_, Decoding::InParts(_)) => Want::Some,
            (Kind::Text, Decoding::Whole(_)) => Want::All,
            (Kind::Lines, Decoding::Whole(charset)) => Want::Line(line_feed(*charset)),
        }
    }

    /// The body begins with this.
    pub fn begins(&self, beginning: &[u8]) {
        // A character at its end may be cut in two.
        let beginning = match std::str::from_utf8(beginning) {
            Err(error) if error.error_len().is_none() => beginning.get(..error.valid_up_to()),
            _ => Some(beginning),
        };
        let told = || text::encoding(&self.headers, beginning.unwrap_or_default(), &self.url);
        let charset = self.chosen.unwrap_or_else(told);
        *self.decoding.lock() = match (self.kind, charset) {
            (Kind::Text, Charset::Web(encoding)) => {
                Decoding::InParts(Some(encoding.new_decoder_with_bom_removal()))
            }
            (_, charset) => Decoding::Whole(charset),
        };
    }

    /// The object for a piece, or for the end. None: that was the end.
    pub fn make(&self, py: Python<'_>, piece: Option<&Bytes>) -> Option<Py<PyAny>> {
        if let Kind::Bytes(_) = self.kind {
            return piece.map(|piece| PyBytes::new(py, piece).into_any().unbind());
        }
        let mut decoding = self.decoding.lock();
        let text = match &mut *decoding {
            Decoding::Unknown => return None,
            Decoding::InParts(decoder) => PyString::new(py, &decode(decoder, piece)?),
            Decoding::Whole(charset) => {
                let text = charset.decode(piece?);
                PyString::new(
                    py,
                    if self.kind == Kind::Lines {
                        ended(&text)
                    } else {
                        &text
                    },
                )
            }
        };
        Some(text.into_any().unbind())
    }
}

/// The text of a piece, or what the end shows to have been cut in two.
fn decode(place: &mut Option<Decoder>, piece: Option<&Bytes>) -> Option<String> {
    let decoder = place.as_mut()?;
    let bytes = piece.map_or(&b""[..], |piece| piece);
    let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(0);
    let mut text = String::with_capacity(room);
    let (_, _, _) = decoder.decode_to_string(bytes, &mut text, piece.is_none());
    if piece.is_none() {
        *place = None;
        return (!text.is_empty()).then_some(text);
    }
    Some(text)
}

/// A line without its end.
fn ended(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn line_feed(charset: Charset) -> LineFeed {
    let (width, at) = match charset {
        Charset::Web(encoding) if encoding == UTF_16LE => (2, 0),
        Charset::Web(encoding) if encoding == UTF_16BE => (2, 1),
        Charset::Web(_) => (1, 0),
        Charset::Utf32(Utf32::Little) => (4, 0),
        Charset::Utf32(Utf32::Big) => (4, 3),
    };
    LineFeed { width, at }
}
