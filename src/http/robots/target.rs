//! Path and query of a URL, as rules are tried on them.
//!
//! A file may have tens of thousands of rules with a `*`, each to be tried at every place of the URL. Which
//! two octets stand side by side in the URL is found out once, and a rule that has others side by side
//! cannot match. What is left to try is a handful.

use super::form::{ANY, EITHER_QUESTION, EITHER_SLASH, ENCODED_QUESTION, ENCODED_SLASH, END, Octets, plain};

pub struct Target {
    form: Vec<u8>,
    /// A bit for each two octets, 2^16 in all: those side by side in the URL, its end as [`END`].
    pairs: Vec<u64>,
}

impl Target {
    pub fn new(path_and_query: &str) -> Self {
        let mut form = Vec::with_capacity(path_and_query.len());
        let mut in_query = false;
        let octets = Octets {
            rest: path_and_query.as_bytes(),
        };
        for octet in octets {
            match octet {
                (b'/', _) if in_query => form.push(EITHER_SLASH),
                (b'?', _) if in_query => form.push(EITHER_QUESTION),
                (b'/', true) => form.push(ENCODED_SLASH),
                (b'?', true) => form.push(ENCODED_QUESTION),
                (octet, _) => {
                    in_query |= octet == b'?';
                    plain(&mut form, octet);
                }
            }
        }
        let mut pairs = vec![0; (1 << 16) / 64];
        let following = form.iter().skip(1).chain([&END]);
        for (&first, &second) in form.iter().zip(following) {
            for first in meanings(first) {
                for second in meanings(second) {
                    let (word, bit) = place(first, second);
                    if let Some(word) = pairs.get_mut(word) {
                        *word |= bit;
                    }
                }
            }
        }
        Self { form, pairs }
    }

    pub fn form(&self) -> &[u8] {
        &self.form
    }

    /// Whether all that stands side by side in a piece of a pattern does so in the URL, somewhere.
    pub fn has_pairs(&self, pattern: &[u8]) -> bool {
        let following = pattern.iter().skip(1);
        let mut pairs = pattern
            .iter()
            .zip(following)
            .filter(|&(&first, &second)| first != ANY && second != ANY);
        pairs.all(|(&first, &second)| {
            let (word, bit) = place(first, second);
            self.pairs.get(word).is_some_and(|word| word & bit != 0)
        })
    }

    /// The one path that is always allowed (section 2.2.2).
    pub fn is_robots_txt(&self) -> bool {
        self.form == b"/robots.txt"
    }
}

/// What the octet of a URL may be in a pattern.
fn meanings(octet: u8) -> [u8; 2] {
    match octet {
        EITHER_SLASH => [b'/', ENCODED_SLASH],
        EITHER_QUESTION => [b'?', ENCODED_QUESTION],
        octet => [octet; 2],
    }
}

/// The word and the bit in it.
fn place(first: u8, second: u8) -> (usize, u64) {
    let number = usize::from(u16::from_be_bytes([first, second]));
    (number / 64, 1 << (number % 64))
}
