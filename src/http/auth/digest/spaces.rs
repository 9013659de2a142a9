//! The protection spaces that are known: who has asked for what, and how often each nonce was used.
//!
//! ```text
//! space            a realm of one server or proxy; the space used last comes first
//!   nonces         the newest first, each with the challenge it came in, its count and its session
//! ```
//!
//! A nonce is its own request's alone until the server has accepted it. Otherwise another request might take
//! the second count and be there first, and a strict server would refuse the first one, again and again.
//!
//! Invariant: no pair of a nonce and a count is given out twice, as long as the nonce is remembered; and no
//! list grows without end, whatever servers say.

use std::sync::Arc;

use parking_lot::Mutex;
use url::Origin;

use super::offer::Offer;
use super::response::{Session, Turn};
use crate::http::auth::asked::{Asked, Side};

/// Spaces remembered; of one that is forgotten, the next request is challenged anew.
const MOST_SPACES: usize = 64;

/// Nonces remembered in a space. Requests at once may each get their own, and answers that overtake each
/// other bring old ones back.
const MOST_NONCES: usize = 16;

#[derive(Debug, Default)]
pub struct Spaces {
    list: Mutex<Vec<Space>>,
}

#[derive(Debug)]
struct Space {
    side: Side,
    origin: Origin,
    realm: Vec<u8>,
    paths: Vec<String>,
    nonces: Vec<Nonce>,
}

#[derive(Debug)]
struct Nonce {
    value: Arc<[u8]>,
    used: u32,
    accepted: bool,
    offer: Arc<Offer>,
    session: Arc<Session>,
}

impl Spaces {
    /// The next turn in the space that `asked` belongs to, if one is known and a response is possible.
    pub fn turn(&self, asked: &Asked<'_>) -> Option<Turn> {
        let origin = asked.url.origin();
        let mut list = self.list.lock();
        let at = most_by(&list, |space| space.reaches(asked, &origin))?;
        let space = to_front(&mut list, at)?;
        let nonce = space.nonces.iter_mut().find(|nonce| nonce.accepted)?;
        nonce.offer.quality(asked.body.is_some())?;
        nonce.take()
    }

    /// The turn that answers a challenge.
    pub fn challenged(&self, asked: &Asked<'_>, offer: Offer, cnonce: String) -> Option<Turn> {
        let origin = asked.url.origin();
        let paths = match asked.side {
            Side::Origin => offer.paths(asked.url),
            Side::Proxy => vec!["/".to_owned()],
        };
        let mut list = self.list.lock();
        let known = list
            .iter()
            .position(|space| space.is(asked.side, &origin, &offer.realm));
        let at = known.unwrap_or_else(|| {
            list.truncate(MOST_SPACES - 1);
            list.push(Space {
                side: asked.side,
                origin,
                realm: offer.realm.clone(),
                paths: Vec::new(),
                nonces: Vec::new(),
            });
            list.len() - 1
        });
        let space = to_front(&mut list, at)?;
        space.paths = paths;
        let session = Session {
            nonce: offer.nonce.clone(),
            cnonce,
        };
        let value = offer.nonce.clone();
        space.admit(&value, Arc::new(offer), Arc::new(session))?.take()
    }

    /// Lets other requests use the nonce of a turn.
    pub fn accepted(&self, asked: &Asked<'_>, turn: &Turn) {
        self.with(asked, turn, |space| {
            let mut nonces = space.nonces.iter_mut();
            if let Some(nonce) = nonces.find(|nonce| nonce.value == turn.nonce) {
                nonce.accepted = true;
            }
        });
    }

    /// Goes on with the nonce `value`, in the session of a turn.
    pub fn next_nonce(&self, asked: &Asked<'_>, turn: &Turn, value: &[u8]) {
        let (offer, session) = (Arc::clone(&turn.offer), Arc::clone(&turn.session));
        self.with(asked, turn, |space| {
            if let Some(nonce) = space.admit(value, offer, session) {
                nonce.accepted = true;
            }
        });
    }

    /// Lets nothing be sent unasked any more where a turn was refused.
    pub fn forget(&self, asked: &Asked<'_>, turn: &Turn) {
        self.with(asked, turn, |space| {
            for nonce in &mut space.nonces {
                nonce.accepted = false;
            }
        });
    }

    /// Calls `change` with the space of a turn, unless it is forgotten.
    fn with(&self, asked: &Asked<'_>, turn: &Turn, change: impl FnOnce(&mut Space)) {
        let origin = asked.url.origin();
        let mut list = self.list.lock();
        let mut spaces = list.iter_mut();
        if let Some(space) = spaces.find(|space| space.is(asked.side, &origin, &turn.offer.realm)) {
            change(space);
        }
    }
}

impl Space {
    fn is(&self, side: Side, origin: &Origin, realm: &[u8]) -> bool {
        self.side == side && self.realm == realm && self.origin == *origin
    }

    /// How many characters of the path say that the request belongs here; None if it does not.
    fn reaches(&self, asked: &Asked<'_>, origin: &Origin) -> Option<usize> {
        if self.side != asked.side || self.origin != *origin {
            return None;
        }
        let path = match asked.side {
            Side::Origin => asked.url.path(),
            Side::Proxy => "/",
        };
        let above = self.paths.iter().filter(|above| is_below(path, above));
        above.map(String::len).max()
    }

    /// The nonce of that value: a new one, unless it is known; then its count and its session go on.
    fn admit(&mut self, value: &[u8], offer: Arc<Offer>, session: Arc<Session>) -> Option<&mut Nonce> {
        if let Some(at) = self.nonces.iter().position(|known| *known.value == *value) {
            let known = self.nonces.get_mut(at)?;
            known.offer = offer;
            return Some(known);
        }
        let new = Nonce {
            value: value.into(),
            used: 0,
            accepted: false,
            offer,
            session,
        };
        self.nonces.insert(0, new);
        self.nonces.truncate(MOST_NONCES);
        self.nonces.first_mut()
    }
}

impl Nonce {
    /// Counts up. None after four thousand million times: the nonce has to be replaced.
    fn take(&mut self) -> Option<Turn> {
        self.used = self.used.checked_add(1)?;
        Some(Turn {
            offer: Arc::clone(&self.offer),
            nonce: Arc::clone(&self.value),
            count: self.used,
            session: Arc::clone(&self.session),
        })
    }
}

/// Whether `path` is `above`, or below it: of `/a`, `/a/b` is and `/ab` is not.
fn is_below(path: &str, above: &str) -> bool {
    let Some(rest) = path.strip_prefix(above) else {
        return false;
    };
    rest.is_empty() || rest.starts_with('/') || above.ends_with('/')
}

/// The place of the first space for which `measure` is the most.
fn most_by(list: &[Space], measure: impl Fn(&Space) -> Option<usize>) -> Option<usize> {
    let mut most: Option<(usize, usize)> = None;
    for (at, space) in list.iter().enumerate() {
        if let Some(length) = measure(space)
            && most.is_none_or(|(longest, _)| length > longest)
        {
            most = Some((length, at));
        }
    }
    most.map(|(_, at)| at)
}

/// Moves a space to the front: the one used longest ago is the one to be forgotten.
fn to_front(list: &mut [Space], at: usize) -> Option<&mut Space> {
    list.get_mut(..=at)?.rotate_right(1);
    list.first_mut()
}
