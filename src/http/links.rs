//! The `Link` header: where a resource leads (RFC 8288).
//!
//! Read as appendix B.2 of the RFC says, which takes whatever comes. Beyond it: what is no link is skipped up to
//! the next comma rather than ending it all, and a value in single quotes, which are no quotes in HTTP, loses
//! them, since requests does so and servers are written against it.
//!
//! Invariant: each step takes something from the front of the value, so the work is linear in its length, and
//! it ends.

use std::borrow::Cow;
use std::collections::HashMap;

use encoding_rs::Encoding;
use http::HeaderMap;
use http::header::LINK;
use percent_encoding::percent_decode_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::headers;

/// One link: a target, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As given: it may be relative.
    pub url: String,
    /// Names in lower case, in order, each once: the first counts (section 3.3, 3.4.1). With `title*` there
    /// is what it says in `title`, in the place of a plain one.
    pub parameters: Vec<(String, String)>,
}

impl Link {
    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The relation types, in lower case: they have no case (section 2.1).
    pub fn relations(&self) -> impl Iterator<Item = String> {
        let rel = self.parameter("rel").unwrap_or_default();
        rel.split_ascii_whitespace().map(str::to_ascii_lowercase)
    }
}

/// All links of all `Link` headers, in order.
pub fn parse(headers: &HeaderMap) -> Vec<Link> {
    let mut links = Vec::new();
    for value in headers.get_all(LINK) {
        parse_into(&mut links, &headers::text(value));
    }
    links
}

/// As requests and httpx have it: by relation type, or by URL without one, `{"url": ..., "rel": ..., ...}`. Of
/// several with the same the last stays.
pub fn to_python<'py>(py: Python<'py>, headers: &HeaderMap) -> PyResult<Bound<'py, PyDict>> {
    let links = PyDict::new(py);
    for link in parse(headers) {
        let entry = || -> PyResult<Bound<'py, PyDict>> {
            let entry = PyDict::new(py);
            for (name, value) in &link.parameters {
                entry.set_item(name, value)?;
            }
            // After a parameter that calls itself `url`.
            entry.set_item("url", &link.url)?;
            Ok(entry)
        };
        let mut relations = link.relations().peekable();
        if relations.peek().is_none() {
            links.set_item(&link.url, entry()?)?;
        }
        for relation in relations {
            links.set_item(relation, entry()?)?;
        }
    }
    Ok(links)
}

fn parse_into(links: &mut Vec<Link>, value: &str) {
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches(|char| is_space(char) || char == ',');
        let Some(target) = rest.strip_prefix('<') else {
            if rest.is_empty() {
                return;
            }
            rest = skip(rest, &[',']);
            continue;
        };
        let Some((url, after)) = target.split_once('>') else {
            return;
        };
        let mut link = Link {
            url: url.trim().to_owned(),
            parameters: Vec::new(),
        };
        rest = parameters(&mut link.parameters, after);
        links.push(link);
    }
}

/// The parameters of one link; returns what comes after, from its comma on.
fn parameters<'a>(parameters: &mut Vec<(String, String)>, after: &'a str) -> &'a str {
    let mut places = HashMap::new();
    // What `name*` said, which counts more than what `name` says.
    let mut extended = Vec::new();
    let mut rest = after;
    loop {
        rest = skip(rest, &[',', ';']);
        let Some(parameter) = rest.strip_prefix(';') else {
            break;
        };
        let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let (name, after) = parameter.split_at(end);
        let name = name.trim_matches(is_space).to_ascii_lowercase();
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => parse_value(value.trim_start_matches(is_space)),
            None => (Cow::Borrowed(""), after),
        };
        rest = after;
        if name.is_empty() || places.contains_key(&name) {
            continue;
        }
        if let Some(plain) = name.strip_suffix('*').filter(|plain| !plain.is_empty())
            && let Some(decoded) = decode_extended(&value)
        {
            extended.push((plain.to_owned(), decoded));
        }
        places.insert(name.clone(), parameters.len());
        parameters.push((name, value.into_owned()));
    }
    for (name, value) in extended {
        match places.get(&name).and_then(|place| parameters.get_mut(*place)) {
            Some((_, plain)) => *plain = value,
            None => parameters.push((name, value)),
        }
    }
    rest
}

/// A token or a quoted string, and what comes after it.
fn parse_value(text: &str) -> (Cow<'_, str>, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, after) = unquote(quoted);
        return (value.into(), after);
    }
    let end = text.find([';', ',']).unwrap_or(text.len());
    let (token, after) = text.split_at(end);
    let token = token.trim_matches(is_space);
    let inside = token
        .strip_prefix('\'')
        .and_then(|token| token.strip_suffix('\''));
    (inside.unwrap_or(token).into(), after)
}

/// The rest of a quoted string, without its backslashes (RFC 9110, section 5.6.4), and what comes after it.
/// Without a closing quote it is all the rest.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => value.extend(chars.next()),
            _ => value.push(char),
        }
    }
    (value, chars.as_str())
}

/// From the first of `ends` that is not within quotes on; nothing if there is none.
fn skip<'a>(text: &'a str, ends: &[char]) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find(|char| char == '"' || ends.contains(&char)) {
        let (_, found) = rest.split_at(at);
        match found.strip_prefix('"') {
            Some(quoted) => rest = unquote(quoted).1,
            None => return found,
        }
    }
    ""
}

/// `UTF-8'en'%e2%82%ac`: RFC 8187, section 3.2. None if it is not that.
fn decode_extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = Encoding::for_label(parts.next()?.as_bytes())?;
    let _language = parts.next()?;
    let bytes: Cow<'_, [u8]> = percent_decode_str(parts.next()?).into();
    let text = charset.decode_without_bom_handling_and_without_replacement(&bytes)?;
    Some(text.into_owned())
}

/// OWS: RFC 9110, section 5.6.3.
fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t')
}
