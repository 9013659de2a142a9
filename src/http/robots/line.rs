//! A robots.txt as records (RFC 9309, section 2.2), read as leniently as they are written.
//!
//! Invariant: each octet is looked at a fixed number of times, and what is no record is skipped without
//! an effect on the others.

/// What is read of a file (section 2.5).
pub const LIMIT: usize = 500 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record, its value without comment and spaces around it.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Agent(&'a [u8]),
    Rule { allow: bool, path: &'a [u8] },
    CrawlDelay(&'a [u8]),
}

#[derive(Clone, Copy)]
enum Key {
    Agent,
    Allow,
    Disallow,
    CrawlDelay,
}

/// The names of records, and the misspellings that big crawlers read too: whoever wrote them meant it.
const KEYS: &[(&str, Key)] = &[
    ("user-agent", Key::Agent),
    ("useragent", Key::Agent),
    ("user agent", Key::Agent),
    ("allow", Key::Allow),
    ("disallow", Key::Disallow),
    ("dissallow", Key::Disallow),
    ("dissalow", Key::Disallow),
    ("disalow", Key::Disallow),
    ("diasllow", Key::Disallow),
    ("disallaw", Key::Disallow),
    ("crawl-delay", Key::CrawlDelay),
    ("crawldelay", Key::CrawlDelay),
];

/// The records of `file`, in order.
pub fn lines(file: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let file = within_limit(file);
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    file.split(ends_line).filter_map(line)
}

/// CR, LF or both (the empty line between them is no record).
fn ends_line(octet: &u8) -> bool {
    matches!(octet, b'\n' | b'\r')
}

/// A line that is cut goes as a whole: `Disallow: /` may be the beginning of something harmless, and
/// `Allow: /` of something that is not.
fn within_limit(file: &[u8]) -> &[u8] {
    // With the octet after the limit, which may end the last line.
    let Some(read) = file.get(..=LIMIT) else {
        return file;
    };
    let end = read.iter().rposition(ends_line).unwrap_or_default();
    read.get(..end).unwrap_or_default()
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    let line = line.split(|&octet| octet == b'#').next().map(trim)?;
    let (key, value) = match line.iter().position(|&octet| octet == b':') {
        Some(colon) => line.split_at_checked(colon)?,
        // The colon is forgotten: only where nothing but one word follows can the rest be a value.
        None => {
            let space = line.iter().position(u8::is_ascii_whitespace)?;
            let (key, value) = line.split_at_checked(space)?;
            (!trim(value).iter().any(u8::is_ascii_whitespace)).then_some((key, value))?
        }
    };
    let value = trim(value.strip_prefix(b":").unwrap_or(value));
    let key = trim(key);
    let known = KEYS
        .iter()
        .find(|(name, _)| key.eq_ignore_ascii_case(name.as_bytes()))?;
    Some(match known.1 {
        Key::Agent => Line::Agent(value),
        Key::Allow => Line::Rule {
            allow: true,
            path: value,
        },
        Key::Disallow => Line::Rule {
            allow: false,
            path: value,
        },
        Key::CrawlDelay => Line::CrawlDelay(value),
    })
}

/// Without spaces, tabs and other controls around it: NULs too, which files are padded with.
fn trim(mut octets: &[u8]) -> &[u8] {
    while let [b'\0'..=b' ', rest @ ..] = octets {
        octets = rest;
    }
    while let [rest @ .., b'\0'..=b' '] = octets {
        octets = rest;
    }
    octets
}

/// Whether the value of a user-agent line speaks to everyone: `*`, whatever comes after a space.
pub fn is_any(value: &[u8]) -> bool {
    match value {
        [b'*'] => true,
        [b'*', next, ..] => next.is_ascii_whitespace(),
        _ => false,
    }
}

/// The product token at the front, maybe empty: `mybot` of `mybot/1.2`. An HTTP token (RFC 9110, section
/// 5.6.2) without `*`, which means everyone here.
pub fn token(value: &[u8]) -> &[u8] {
    let in_token = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(octet);
    let end = value.iter().position(|octet| !in_token(octet));
    value.get(..end.unwrap_or(value.len())).unwrap_or_default()
}
