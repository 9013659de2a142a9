//! The form in which paths of robots.txt and URLs are compared (RFC 9309, sections 2.2.2 and 2.2.3).
//!
//! In it a character is the same whether it was percent-encoded or not. Two are not: `/` and `?`, encoded in
//! a path, separate nothing there. In a query they never do, so there both ways of writing are alike: the RFC
//! has `?baz=https://foo.bar` match `?baz=https%3A%2F%2Ffoo.bar`. Only the URL tells where the query begins,
//! so it is the URL's octets that say "either".
//!
//! Invariant: printable ASCII stands for itself, all other octets are `%XX`, and octets from 0x80 on are
//! the signs below. So no octet of a file or URL can be taken for a sign.

/// Any characters, none too. Only in patterns.
pub const ANY: u8 = 0x80;
/// The end of the URL. Only at the end of patterns.
pub const END: u8 = 0x81;
/// `%2F` and `%3F`, in patterns and in paths.
pub const ENCODED_SLASH: u8 = 0x82;
pub const ENCODED_QUESTION: u8 = 0x83;
/// `/` and `?` in the query of a URL, however written.
pub const EITHER_SLASH: u8 = 0x84;
pub const EITHER_QUESTION: u8 = 0x85;

/// Whether the octet of a pattern is that of a URL.
pub fn same(wanted: u8, octet: u8) -> bool {
    wanted == octet
        || match octet {
            EITHER_SLASH => matches!(wanted, b'/' | ENCODED_SLASH),
            EITHER_QUESTION => matches!(wanted, b'?' | ENCODED_QUESTION),
            _ => false,
        }
}

/// Adds an octet that is no sign.
pub fn plain(form: &mut Vec<u8>, octet: u8) {
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
pub struct Octets<'a> {
    pub rest: &'a [u8],
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
