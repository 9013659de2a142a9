//! The encoding of JSON: UTF-8 (RFC 8259, section 8.1), or what was allowed before.
//!
//! RFC 4627, section 3: it may be in UTF-16 or UTF-32, and since it begins with ASCII and has no U+0000 in it,
//! the zeros among the first four bytes tell which.

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

use super::Charset;

/// The encoding of JSON that has no mark and whose headers name none.
pub fn encoding(body: &[u8]) -> Charset {
    match body {
        [0, 0, _, _, ..] => Charset::Utf32(Utf32::Big),
        [_, 0, 0, 0, ..] => Charset::Utf32(Utf32::Little),
        [0, _, ..] => UTF_16BE.into(),
        [_, 0, ..] => UTF_16LE.into(),
        _ => UTF_8.into(),
    }
}

/// UTF-32, by the order of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf32 {
    Little,
    Big,
}

impl Utf32 {
    /// The order that a byte order mark tells. That of UTF-32LE begins as that of UTF-16LE does, but U+0000
    /// is in no JSON.
    pub fn for_mark(body: &[u8]) -> Option<Self> {
        match body {
            [0xff, 0xfe, 0, 0, ..] => Some(Self::Little),
            [0, 0, 0xfe, 0xff, ..] => Some(Self::Big),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Little => "UTF-32LE",
            Self::Big => "UTF-32BE",
        }
    }

    /// What is no character, and bytes that are left over, become U+FFFD.
    pub fn decode(self, body: &[u8]) -> String {
        let chunks = body.chunks(4).map(|bytes| match <[u8; 4]>::try_from(bytes) {
            Ok(bytes) => char::from_u32(match self {
                Self::Little => u32::from_le_bytes(bytes),
                Self::Big => u32::from_be_bytes(bytes),
            }),
            Err(_) => None,
        });
        let chars = chunks.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER));
        let marked = usize::from(Self::for_mark(body) == Some(self));
        chars.skip(marked).collect()
    }
}
