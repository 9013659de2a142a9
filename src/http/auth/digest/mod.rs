//! A password that is proved and not sent (RFC 7616): the answer to a challenge is a hash of both.
//!
//! ```text
//! 401 -> challenge.rs -> offer.rs      what the server wants, if it can be answered
//!          -> spaces.rs                which nonce, how often used: the one thing that is shared and locked
//!          -> response.rs, header.rs   hashes, and the header's text: pure
//! ```
//!
//! The first request to a protection space is refused once; those after it carry their response along.

pub mod algorithm;
mod header;
pub mod offer;
pub mod response;
mod spaces;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use pyo3::prelude::*;

use self::offer::Offer;
use self::response::Turn;
use self::spaces::Spaces;
use super::Auth;
use super::asked::{Asked, Sent};
use super::challenge;
use super::credentials::Credentials;

/// How many challenges are answered in a row. A nonce may grow stale between two requests, and a server
/// that finds each one stale is not one to go on with.
const MOST_ANSWERS: u32 = 3;

/// Random bytes in the client's nonce: as many as in a UUID.
const CNONCE: usize = 16;

/// A user name, a password, and what servers have said so far.
#[derive(Debug)]
pub struct Digest {
    credentials: Credentials,
    spaces: Spaces,
}

impl Digest {
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            spaces: Spaces::default(),
        }
    }

    fn respond(&self, turn: Turn, asked: &Asked<'_>, answers: u32) -> Option<Sent> {
        let (value, proof) = response::respond(&self.credentials, turn, asked)?;
        let mut sent = Sent::new(value);
        sent.answers = answers;
        sent.proof = Some(proof);
        Some(sent)
    }
}

impl Auth for Digest {
    fn authorize(&self, asked: &Asked<'_>) -> Option<Sent> {
        self.respond(self.spaces.turn(asked)?, asked, 0)
    }

    fn answer(
        &self,
        asked: &Asked<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        sent: Option<&Sent>,
    ) -> Option<Sent> {
        if status != asked.side.status() {
            return None;
        }
        let challenges = challenge::parse_all(headers, &asked.side.challenges());
        let offer = Offer::strongest(&challenges, asked.body.is_some())?;
        let answers = sent.map_or(0, |sent| sent.answers);
        if let Some(sent) = sent
            && let Some(proof) = &sent.proof
            && is_refusal(answers, &proof.turn, &offer)
        {
            self.spaces.forget(asked, &proof.turn);
            return None;
        }
        if answers >= MOST_ANSWERS {
            return None;
        }
        let turn = self.spaces.challenged(asked, offer, cnonce()?)?;
        self.respond(turn, asked, answers + 1)
    }

    fn learn(&self, asked: &Asked<'_>, status: StatusCode, headers: &HeaderMap, sent: &Sent) {
        let Some(proof) = &sent.proof else { return };
        if status == asked.side.status() {
            return;
        }
        self.spaces.accepted(asked, &proof.turn);
        let Some(info) = headers.get(asked.side.information()) else {
            return;
        };
        let info = challenge::parse_params(info.as_bytes());
        if let Some(nonce) = info.get("nextnonce")
            && proof.allows(&info)
        {
            self.spaces.next_nonce(asked, &proof.turn, nonce);
        }
    }
}

/// Whether the server has looked at the response and does not believe it.
///
/// To an answer it has just asked for, it says so by asking again. What came unasked it may refuse for other
/// reasons: it was restarted and has forgotten its nonces, or the guess was wrong that the request belongs
/// to this space. It is worth another try unless everything is as it was.
fn is_refusal(answers: u32, turn: &Turn, offer: &Offer) -> bool {
    !offer.stale && (answers > 0 || (offer.realm == turn.offer.realm && *offer.nonce == *turn.nonce))
}

/// None if the system has no random numbers, and then nothing can be proved.
fn cnonce() -> Option<String> {
    let mut bytes = [0; CNONCE];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(algorithm::hex(&bytes))
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.credentials == other.credentials
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.credentials.hash(state);
    }
}

/// Authenticates by proving that it knows the password, which is not sent (RFC 7616, RFC 2069).
#[pyclass(frozen, eq, hash, module = "aioxide")]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DigestAuth {
    digest: Arc<Digest>,
}

impl DigestAuth {
    pub fn shared(&self) -> Arc<dyn Auth> {
        Arc::clone(&self.digest) as Arc<dyn Auth>
    }
}

#[pymethods]
impl DigestAuth {
    #[new]
    fn new(username: &Bound<'_, PyAny>, password: &Bound<'_, PyAny>) -> PyResult<Self> {
        let credentials = Credentials::from_python(username, password)?;
        let digest = Arc::new(Digest::new(credentials));
        Ok(Self { digest })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        self.digest.credentials.repr(py, "DigestAuth")
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, Bound<'py, PyAny>) {
        self.digest.credentials.to_python(py)
    }
}

#[cfg(test)]
mod tests;
