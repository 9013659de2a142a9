//! The hashes of digest authentication (RFC 7616, section 6.1).
//!
//! MD5 is broken, and half of the servers know no other; the SHAs come from the library that TLS uses.

use aws_lc_rs::digest;

/// A hash, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Hash {
    /// The hash of `parts` with colons between them, in hexadecimal.
    pub fn of(self, parts: &[&[u8]]) -> String {
        let whole = parts.join(b":".as_slice());
        match self {
            Self::Md5 => hex(&md5::compute(whole).0),
            Self::Sha256 => hex(digest::digest(&digest::SHA256, &whole).as_ref()),
            Self::Sha512_256 => hex(digest::digest(&digest::SHA512_256, &whole).as_ref()),
        }
    }
}

/// What `algorithm` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Algorithm {
    pub hash: Hash,
    /// Whether the password is hashed with the first nonces of a session, once for all its requests.
    pub session: bool,
    /// The name to send back; None if the server had none, which is from before there was a choice.
    pub name: Option<&'static str>,
}

/// All that are known, by name.
const ALGORITHMS: [(&str, Hash, bool); 6] = [
    ("MD5", Hash::Md5, false),
    ("MD5-sess", Hash::Md5, true),
    ("SHA-256", Hash::Sha256, false),
    ("SHA-256-sess", Hash::Sha256, true),
    ("SHA-512-256", Hash::Sha512_256, false),
    ("SHA-512-256-sess", Hash::Sha512_256, true),
];

impl Algorithm {
    /// The algorithm of that name, which is MD5 if there is none; None if it is not known.
    pub fn named(name: Option<&[u8]>) -> Option<Self> {
        let Some(name) = name else {
            return Some(Self {
                hash: Hash::Md5,
                session: false,
                name: None,
            });
        };
        let same = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
        let (name, hash, session) = ALGORITHMS.into_iter().find(|(known, ..)| same(known))?;
        Some(Self {
            hash,
            session,
            name: Some(name),
        })
    }
}

/// In hexadecimal, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
