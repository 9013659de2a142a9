//! A path of robots.txt, with `*` and a `$` at the end, against URLs (RFC 9309, sections 2.2.2 and 2.2.3).
//!
//! Invariant: no more than pattern × URL steps, and each is taken from what the caller allows.

use super::form::{ANY, ENCODED_QUESTION, ENCODED_SLASH, END, Octets, plain, same};
use super::target::Target;

/// The path of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    form: Box<[u8]>,
}

impl Pattern {
    /// `path`: as in the file. One that does not begin with `/` is taken as if it did.
    pub fn new(path: &[u8]) -> Self {
        let mut form = Vec::with_capacity(path.len() + 1);
        if !matches!(path, [b'/' | b'*', ..]) {
            form.push(b'/');
        }
        let mut octets = Octets { rest: path };
        while let Some(octet) = octets.next() {
            match octet {
                (b'*', false) => form.push(ANY),
                (b'$', false) if octets.rest.is_empty() => form.push(END),
                (b'/', true) => form.push(ENCODED_SLASH),
                (b'?', true) => form.push(ENCODED_QUESTION),
                (octet, _) => plain(&mut form, octet),
            }
        }
        let form = form.into_boxed_slice();
        Self { form }
    }

    /// How specific it is: "the most octets" wins (section 2.2.2), counted in the form that is compared.
    pub fn octets(&self) -> usize {
        self.form.len()
    }

    /// Whether it matches; None if that takes more steps than `work`, which each step takes one from.
    ///
    /// After a mismatch the last `*` takes one character more. Earlier ones need not be tried again: what
    /// they left to the last was the most they could leave. So it is pattern × URL at worst.
    pub fn matches(&self, target: &Target, work: &mut usize) -> Option<bool> {
        let mut pattern = self.form.as_ref();
        let mut rest = target.form();
        // What comes after the last `*`, in the pattern, and what of the URL the `*` has not taken.
        let mut last = None;
        loop {
            *work = work.checked_sub(1)?;
            match (pattern, rest) {
                ([], _) | ([END], []) => return Some(true),
                // From here on it may take long, so first the quick look that nearly all rules fail at.
                ([ANY, after @ ..], _) if last.is_none() && !target.has_pairs(after) => return Some(false),
                ([ANY, after @ ..], _) => {
                    pattern = after;
                    last = Some((after, rest));
                }
                ([wanted, after @ ..], [octet, left @ ..]) if same(*wanted, *octet) => {
                    pattern = after;
                    rest = left;
                }
                _ => {
                    let Some((after, [_, left @ ..])) = last else {
                        return Some(false);
                    };
                    pattern = after;
                    rest = left;
                    last = Some((after, left));
                }
            }
        }
    }
}
