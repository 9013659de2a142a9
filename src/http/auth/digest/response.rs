//! The response to a challenge: the hashes of RFC 7616, section 3.4.
//!
//! Pure: what is random or counted comes from `spaces.rs`, so that the examples of the RFCs can be
//! recomputed byte for byte.

use std::sync::Arc;

use http::HeaderValue;

use super::algorithm::Hash;
use super::header;
use super::offer::{Offer, Quality};
use crate::http::auth::asked::Asked;
use crate::http::auth::challenge::Params;
use crate::http::auth::credentials::Credentials;

/// The nonces that a session begins with. Its key is made of them, and stays when the server's nonce
/// changes.
#[derive(Debug)]
pub struct Session {
    pub nonce: Vec<u8>,
    /// The client's; for all requests of the session.
    pub cnonce: String,
}

/// Everything that one response depends on, besides the request and the credentials.
#[derive(Debug, Clone)]
pub struct Turn {
    pub offer: Arc<Offer>,
    /// The server's newest.
    pub nonce: Arc<[u8]>,
    /// How often that nonce has been used, this time included.
    pub count: u32,
    pub session: Arc<Session>,
}

/// What is kept of a response, to judge the answer to it.
#[derive(Debug, Clone)]
pub struct Proof {
    pub turn: Turn,
    /// Of the response's header; what the server proves that it knows the password with is made alike.
    key: Key,
    target: String,
}

/// The hash that stands for the password; whoever has it can answer for the user.
#[derive(Clone)]
struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The value of `Authorization`. None if the body must be known and is not.
pub fn respond(credentials: &Credentials, turn: Turn, asked: &Asked<'_>) -> Option<(HeaderValue, Proof)> {
    let offer = &*turn.offer;
    let quality = offer.quality(asked.body.is_some())?;
    let algorithm = offer.algorithm;
    let hash = algorithm.hash;
    let target = asked.target.as_ref();
    let key = key(credentials, &turn);
    let response = {
        let method = asked.method.as_str().as_bytes();
        let about = match quality {
            Quality::AuthInt => {
                let body = hash.of(&[asked.body?]);
                hash.of(&[method, target.as_bytes(), body.as_bytes()])
            }
            _ => hash.of(&[method, target.as_bytes()]),
        };
        sign(hash, &key, &turn, quality, &about)
    };
    let value = header::value(credentials, &turn, target, quality, &response)?;
    let target = target.to_owned();
    Some((value, Proof { turn, key, target }))
}

impl Proof {
    /// Whether what the server says with its answer is not by someone else; RFC 7616, section 3.5.
    ///
    /// True if it does not prove anything, and where the proof would be about a body.
    pub fn allows(&self, info: &Params) -> bool {
        let Some(given) = info.get("rspauth") else {
            return true;
        };
        if info.says("qop", "auth-int") {
            return true;
        }
        let hash = self.turn.offer.algorithm.hash;
        let quality = match info.get("qop") {
            Some(_) => Quality::Auth,
            None => self.turn.offer.quality(true).unwrap_or(Quality::Bare),
        };
        // As in the request, without a method.
        let about = hash.of(&[b"", self.target.as_bytes()]);
        let expected = sign(hash, &self.key, &self.turn, quality, &about);
        given.eq_ignore_ascii_case(expected.as_bytes())
    }
}

/// H(A1).
fn key(credentials: &Credentials, turn: &Turn) -> Key {
    let Offer { realm, algorithm, .. } = &*turn.offer;
    let (username, password) = (credentials.username(), credentials.password());
    let plain = algorithm.hash.of(&[username, realm, password]);
    if !algorithm.session {
        return Key(plain);
    }
    let Session { nonce, cnonce } = &*turn.session;
    Key(algorithm.hash.of(&[plain.as_bytes(), nonce, cnonce.as_bytes()]))
}

/// The response itself; `about` is H(A2).
fn sign(hash: Hash, key: &Key, turn: &Turn, quality: Quality, about: &str) -> String {
    let count = format!("{:08x}", turn.count);
    let (key, cnonce, about) = (key.0.as_bytes(), turn.session.cnonce.as_bytes(), about.as_bytes());
    let count = count.as_bytes();
    match quality.word() {
        None => hash.of(&[key, &turn.nonce, about]),
        Some(word) => hash.of(&[key, &turn.nonce, count, cnonce, word.as_bytes(), about]),
    }
}

#[cfg(test)]
mod tests;
