//! The text of a response's header (RFC 7616, section 3.4): what is in quotes, and what must not be.
//!
//! In the order of the RFC's examples. What came from the server goes back byte for byte.

use http::HeaderValue;

use super::offer::Quality;
use super::response::Turn;
use crate::http::auth::credentials::Credentials;

/// None if a part cannot be sent.
pub fn value(
    credentials: &Credentials,
    turn: &Turn,
    target: &str,
    quality: Quality,
    response: &str,
) -> Option<HeaderValue> {
    let offer = &*turn.offer;
    let username = credentials.username();
    let mut line = Line(b"Digest ".to_vec());
    if offer.userhash {
        let name = offer.algorithm.hash.of(&[username, &offer.realm]);
        line.quoted("username", name.as_bytes());
    } else if let Ok(name) = std::str::from_utf8(username)
        && offer.utf8
        && !name.is_ascii()
    {
        line.bare("username*", &extended(name));
    } else {
        // A server that does not speak of UTF-8 does not know `username*` either.
        line.quoted("username", username);
    }
    line.quoted("realm", &offer.realm);
    line.quoted("uri", target.as_bytes());
    if let Some(name) = offer.algorithm.name {
        line.bare("algorithm", name);
    }
    line.quoted("nonce", &turn.nonce);
    let word = quality.word();
    if word.is_some() {
        line.bare("nc", &format!("{:08x}", turn.count));
    }
    // A session cannot be without it, whatever else is left out.
    if word.is_some() || offer.algorithm.session {
        line.quoted("cnonce", turn.session.cnonce.as_bytes());
    }
    if let Some(word) = word {
        line.bare("qop", word);
    }
    line.quoted("response", response.as_bytes());
    if let Some(opaque) = &offer.opaque {
        line.quoted("opaque", opaque);
    }
    if offer.userhash {
        line.bare("userhash", "true");
    }
    HeaderValue::from_bytes(&line.0).ok()
}

/// RFC 8187, section 3.2: a charset, no language, and by its bytes what is not a plain character.
fn extended(name: &str) -> String {
    let mut value = "UTF-8''".to_owned();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(byte.into());
        } else {
            value += &format!("%{byte:02X}");
        }
    }
    value
}

/// A header's value in the making.
struct Line(Vec<u8>);

impl Line {
    fn bare(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn quoted(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        for &byte in value {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(byte);
        }
        self.0.push(b'"');
    }

    fn name(&mut self, name: &str) {
        // The space behind the scheme; no value ends in one.
        if !self.0.ends_with(b" ") {
            self.0.extend_from_slice(b", ");
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
    }
}
