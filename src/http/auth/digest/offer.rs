//! A challenge of digest authentication that can be answered (RFC 7616, section 3.3).

use url::Url;

use super::algorithm::Algorithm;
use crate::http::auth::challenge::Challenge;

/// How much of a request the response vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// Method and target, without counting: RFC 2069, from before there was a `qop`.
    Bare,
    /// Method and target.
    Auth,
    /// The body as well.
    AuthInt,
}

impl Quality {
    /// As it stands in a header.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Bare => None,
            Self::Auth => Some("auth"),
            Self::AuthInt => Some("auth-int"),
        }
    }
}

/// What a server wants, and says, of digest authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub realm: Vec<u8>,
    pub nonce: Vec<u8>,
    pub opaque: Option<Vec<u8>>,
    pub algorithm: Algorithm,
    /// The best of what the server accepts, for a body that is known.
    quality: Quality,
    /// The server liked the response, but for its nonce.
    pub stale: bool,
    /// The server says that it takes names and passwords for UTF-8.
    pub utf8: bool,
    /// The name is to be sent as a hash.
    pub userhash: bool,
    /// Where else the same credentials go, as the server wrote it.
    domain: Vec<String>,
}

impl Offer {
    /// None for another scheme, for an algorithm or a quality that is not known, and without a nonce.
    pub fn read(challenge: &Challenge) -> Option<Self> {
        if challenge.scheme != "digest" {
            return None;
        }
        let params = &challenge.params;
        let text = |name| params.get(name).map(String::from_utf8_lossy);
        let qualities = text("qop").unwrap_or_default();
        let offers = |quality: &str| {
            let mut all = qualities.split([',', ' ', '\t']);
            all.any(|own| own.eq_ignore_ascii_case(quality))
        };
        let quality = if qualities.trim().is_empty() {
            Quality::Bare
        } else if offers("auth") {
            Quality::Auth
        } else if offers("auth-int") {
            Quality::AuthInt
        } else {
            return None;
        };
        Some(Self {
            realm: params.get("realm").unwrap_or_default().to_vec(),
            nonce: params.get("nonce")?.to_vec(),
            opaque: params.get("opaque").map(<[u8]>::to_vec),
            algorithm: Algorithm::named(params.get("algorithm"))?,
            quality,
            stale: params.says("stale", "true"),
            utf8: params.says("charset", "UTF-8"),
            userhash: params.says("userhash", "true"),
            domain: text("domain")
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The strongest of those that can be answered; the first of equals, since servers list what they like
    /// best first.
    pub fn strongest(challenges: &[Challenge], body_known: bool) -> Option<Self> {
        let offers = challenges.iter().filter_map(Self::read);
        let able = offers.filter(|offer| offer.quality(body_known).is_some());
        able.reduce(|best, next| {
            if next.algorithm.hash > best.algorithm.hash {
                next
            } else {
                best
            }
        })
    }

    /// What a response can vouch for; None if that must be a body which is not known.
    pub fn quality(&self, body_known: bool) -> Option<Quality> {
        match self.quality {
            Quality::AuthInt if !body_known => None,
            quality => Some(quality),
        }
    }

    /// The paths that the same credentials are for, on the server of `url`: all, unless it says otherwise.
    ///
    /// A domain may also name other servers. What a user gave for one server is not sent to another
    /// because that server asks for it.
    pub fn paths(&self, url: &Url) -> Vec<String> {
        if self.domain.is_empty() {
            return vec!["/".to_owned()];
        }
        let all = self.domain.iter().filter_map(|uri| url.join(uri).ok());
        all.filter(|uri| uri.origin() == url.origin())
            .map(|uri| uri.path().to_owned())
            .collect()
    }
}
