//! Cookies that the program makes: what it may say of them.
//!
//! The rules that guard servers from each other (secure origins, prefixes) are not put on it; what could not
//! be sent, or would go to all of a registry, is refused. No message shows a value.

use std::net::Ipv6Addr;

use url::Host;

use super::cookie::{Cookie, SameSite, is_address, is_forbidden};
use crate::error::{Error, Result};
use crate::http::headers::text_of;

/// What a program says of a cookie, in its own words.
#[derive(Debug, Default)]
pub struct Said<'a> {
    pub domain: &'a str,
    pub host_only: bool,
    /// Empty for `/`.
    pub path: &'a str,
    pub expires: Option<i64>,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: Option<&'a str>,
}

/// A cookie, or a ValueError.
pub fn cookie(name: &[u8], value: &[u8], said: &Said<'_>) -> Result<Cookie> {
    check_pair(name, value)?;
    let domain = domain(said.domain)?;
    if said.host_only && domain.is_empty() {
        return Err(Error::value(
            "a cookie for one host only needs the host as its domain",
        ));
    }
    let host_only = said.host_only || is_single(&domain)?;
    if !said.path.is_empty() && !said.path.starts_with('/') {
        let path = said.path;
        return Err(Error::value(format!(
            "the path of a cookie begins with '/', unlike {path:?}"
        )));
    }
    if said.path.bytes().any(is_breaking) {
        return Err(Error::value(
            "the path of a cookie has a ';' or a control character",
        ));
    }
    let same_site = said.same_site.map(same_site).transpose()?;
    Ok(Cookie {
        name: name.into(),
        value: value.into(),
        domain,
        host_only,
        path: if said.path.is_empty() { "/" } else { said.path }.into(),
        expires: said.expires,
        secure: said.secure,
        http_only: said.http_only,
        same_site,
    })
}

/// Refuses a pair that the program has made up, and not taken from a server: with a name, and without tabs.
pub fn check_own(name: &[u8], value: &[u8]) -> Result<()> {
    if name.is_empty() {
        return Err(Error::value("a cookie needs a name"));
    }
    check_pair(name, value)?;
    if name.contains(&b'\t') || value.contains(&b'\t') {
        let name = text_of(name).escape_debug().to_string();
        return Err(Error::value(format!(
            "cookie '{name}' has a tab, a control character"
        )));
    }
    Ok(())
}

/// Refuses what would not be the same pair when a server reads it.
fn check_pair(name: &[u8], value: &[u8]) -> Result<()> {
    let shown = || text_of(name).escape_debug().to_string();
    if name.is_empty() && value.is_empty() {
        return Err(Error::value("a cookie needs a name or a value"));
    }
    if name.iter().any(|byte| is_breaking(*byte) || *byte == b'=') || name.trim_ascii() != name {
        return Err(Error::value(format!(
            "'{}' cannot be the name of a cookie: it has a '=', a ';', a control character, or a space at an end",
            shown()
        )));
    }
    if value.iter().copied().any(is_breaking) {
        return Err(Error::value(format!(
            "the value of cookie '{}' has a ';' or a control character, which no header can hold: encode it",
            shown()
        )));
    }
    Ok(())
}

fn is_breaking(byte: u8) -> bool {
    is_forbidden(byte) || byte == b';'
}

/// A domain as URLs have it: in lower case and ASCII, and without a leading dot. Empty stays empty.
pub fn domain(given: &str) -> Result<Box<str>> {
    let bare = given.strip_prefix('.').unwrap_or(given);
    if given.is_empty() {
        return Ok("".into());
    }
    if let Ok(address) = bare.parse::<Ipv6Addr>() {
        return Ok(format!("[{address}]").into());
    }
    match Host::parse(bare) {
        Ok(host) => Ok(host.to_string().into()),
        Err(_) => Err(Error::value(format!(
            "{given:?} is not a domain; it is a host, without scheme and port"
        ))),
    }
}

/// Whether there are no hosts below `domain` that a cookie for it should go to.
fn is_single(domain: &str) -> Result<bool> {
    if domain.is_empty() {
        return Ok(false);
    }
    if is_address(domain) {
        return Ok(true);
    }
    match psl::suffix(domain.as_bytes()) {
        Some(suffix) if suffix == domain.as_bytes() && suffix.is_known() => Err(Error::value(format!(
            "'{domain}' is a public suffix, and no cookie is for all hosts below it; \
             with host_only=True it is for that host alone"
        ))),
        // A name without dots: `localhost`, or one of the local network.
        Some(suffix) => Ok(suffix == domain.as_bytes()),
        None => Ok(false),
    }
}

fn same_site(text: &str) -> Result<SameSite> {
    SameSite::parse(text.as_bytes()).ok_or_else(|| {
        Error::value(format!(
            "same_site must be 'Strict', 'Lax', 'None' or None, not {text:?}"
        ))
    })
}
