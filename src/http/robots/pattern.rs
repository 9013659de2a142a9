//! Paths of robots.txt, with `*` and a `$` at the end, against URLs (RFC 9309, sections 2.2.2 and 2.2.3).
//!
//! Both sides are brought into one form first, in which a character is the same whether it was
//! percent-encoded or not. Two are not: `/` and `?`, encoded in a path, separate nothing there. In a query
//! they never do, so there both ways of writing are alike: the RFC has `?baz=https://foo.bar` match
//! `?baz=https%3A%2F%2Ffoo.bar`. Only the URL tells where the query begins, so it is the URL's octets that
//! say "either".
//!
//! Invariant: printable ASCII stands for itself, all other octets are `%XX`, and octets from 0x80 on are
//! the signs below. So no octet of a file or URL can be taken for a sign.

/// Any characters, none too. Only in patterns.
const ANY: u8 = 0x80;
/// The end of the URL. Only at the end of patterns.
const END: u8 = 0x81;
/// `%2F` and `%3F`, in patterns and in paths.
const ENCODED_SLASH: u8 = 0x82;
const ENCODED_QUESTION: u8 = 0x83;
/// `/` and `?` in the query of a URL, however written.
const EITHER_SLASH: u8 = 0x84;
const EITHER_QUESTION: u8 = 0x85;

/// The path of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    form: Box<[u8]>,
    /// The characters that a URL must have to match: most rules are done with at one look.
    needs: u128,
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
        let needs = form.iter().fold(0, |needs, &octet| needs | bit(octet));
        let form = form.into_boxed_slice();
        Self { form, needs }
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
        if self.needs & !target.has != 0 {
            return Some(false);
        }
        let mut pattern = self.form.as_ref();
        let mut rest = target.form.as_slice();
        // What comes after the last `*`, in the pattern, and what of the URL the `*` has not taken.
        let mut last = None;
        loop {
            *work = work.checked_sub(1)?;
            match (pattern, rest) {
                ([], _) | ([END], []) => return Some(true),
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

/// Path and query of a URL, in the form that patterns are compared with.
#[derive(Debug)]
pub struct Target {
    form: Vec<u8>,
    /// The characters it has.
    has: u128,
}

impl Target {
    pub fn new(path_and_query: &str) -> Self {
        let mut form = Vec::with_capacity(path_and_query.len());
        let mut in_query = false;
        for octet in (Octets {
            rest: path_and_query.as_bytes(),
        }) {
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
        let has = form.iter().fold(0, |has, &octet| {
            has | match octet {
                EITHER_SLASH => bit(b'/'),
                EITHER_QUESTION => bit(b'?'),
                octet => bit(octet),
            }
        });
        Self { form, has }
    }

    /// The one path that is always allowed (section 2.2.2).
    pub fn is_robots_txt(&self) -> bool {
        self.form == b"/robots.txt"
    }
}

fn same(wanted: u8, octet: u8) -> bool {
    wanted == octet
        || match octet {
            EITHER_SLASH => matches!(wanted, b'/' | ENCODED_SLASH),
            EITHER_QUESTION => matches!(wanted, b'?' | ENCODED_QUESTION),
            _ => false,
        }
}

/// A set of one character; the signs are in none.
fn bit(octet: u8) -> u128 {
    1_u128.checked_shl(octet.into()).unwrap_or_default()
}

fn plain(form: &mut Vec<u8>, octet: u8) {
    if octet.is_ascii_graphic() && octet != b'%' {
        form.push(octet);
    } else {
        let digit = |value: u8| {
            if value < 10 {
                b'0' + value
            } else {
                b'A' - 10 + value
            }
        };
        form.extend([b'%', digit(octet >> 4), digit(octet & 0xf)]);
    }
}

/// Octets, percent-encoding undone, each with whether it was encoded. A `%` without two digits is itself.
struct Octets<'a> {
    rest: &'a [u8],
}

impl Iterator for Octets<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<Self::Item> {
        if let [b'%', high, low, rest @ ..] = self.rest
            && let (Some(high), Some(low)) = (value(*high), value(*low))
        {
            self.rest = rest;
            return Some((high << 4 | low, true));
        }
        let (&octet, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some((octet, false))
    }
}

/// The value of a hexadecimal digit.
fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
