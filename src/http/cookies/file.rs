//! `cookies.txt`: the format of Netscape, which curl, wget, yt-dlp and Python's `MozillaCookieJar` read and write.
//!
//! A line has seven fields with tabs between: domain, whether hosts below it are meant, path, secure, expiry
//! (0 for a cookie of the session), name, value. `#HttpOnly_` before the domain is part of the line; any other `#`
//! makes it a comment. What the program set for every host has no place in the format: it is written as a
//! comment, `#EveryHost_` before an empty domain, which only we read.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cookie::{Cookie, is_public_suffix};
use super::program::{self, Said};
use crate::error::{Error, Result};
use crate::http::headers::text_of;

const HEAD: &str = "# Netscape HTTP Cookie File\n\
    # https://curl.se/docs/http-cookies.html\n\
    # Whoever can read this file can use the sessions in it.\n\n";
const HTTP_ONLY: &[u8] = b"#HttpOnly_";
const EVERY_HOST: &[u8] = b"#EveryHost_";
const FIELDS: usize = 7;

/// The file for `cookies`. One with a tab in it, which separates fields, cannot be written and is left out.
pub fn format(cookies: &[Cookie], session: bool) -> Vec<u8> {
    let mut text = HEAD.as_bytes().to_vec();
    for cookie in cookies {
        let Cookie {
            name, value, path, ..
        } = cookie;
        let has_tab = [&**name, &**value, path.as_bytes()]
            .iter()
            .any(|field| field.contains(&b'\t'));
        if has_tab || (cookie.expires.is_none() && !session) {
            continue;
        }
        if cookie.domain.is_empty() {
            text.extend_from_slice(EVERY_HOST);
        }
        if cookie.http_only {
            text.extend_from_slice(HTTP_ONLY);
        }
        let flag = |set| if set { "TRUE" } else { "FALSE" };
        let below = !cookie.host_only;
        let dot = if below && !cookie.domain.is_empty() {
            "."
        } else {
            ""
        };
        let fields = format!(
            "{dot}{}\t{}\t{path}\t{}\t{}\t",
            cookie.domain,
            flag(below),
            flag(cookie.secure),
            cookie.expires.unwrap_or(0).max(0)
        );
        text.extend_from_slice(fields.as_bytes());
        text.extend_from_slice(name);
        text.push(b'\t');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text
}

/// The cookies of a file; those for a public suffix, which no server could have set, are left out.
///
/// A ValueError says which line is none of the format; it does not show it.
pub fn parse(text: &[u8]) -> Result<Vec<Cookie>> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut cookies = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let wrong = |why: &str| Error::value(format!("line {number}: {why}"));
        cookies.extend(parse_line(line).map_err(|error| wrong(error.message()))?);
    }
    Ok(cookies)
}

fn parse_line(line: &[u8]) -> Result<Option<Cookie>> {
    let (line, every_host) = strip(line, EVERY_HOST);
    let (line, http_only) = strip(line, HTTP_ONLY);
    if line.trim_ascii().is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let fields: Vec<&[u8]> = line.splitn(FIELDS, |byte| *byte == b'\t').collect();
    let (head, value) = match fields.as_slice() {
        [head @ .., value] if head.len() == FIELDS - 1 => (head, *value),
        // Some writers leave out an empty value, and the tab before it.
        head if head.len() == FIELDS - 1 => (head, &b""[..]),
        fields => {
            let why = format!(
                "{} fields with tabs between, and not the {FIELDS} of a cookies.txt",
                fields.len()
            );
            return Err(Error::value(why));
        }
    };
    let [domain, below, path, secure, expires, name] = head else {
        return Ok(None);
    };
    let domain = program::domain(&text_of(domain))?;
    let host_only = !is_true(below);
    if domain.is_empty() != every_host {
        return Err(Error::value("it has no domain"));
    }
    if !host_only && domain.contains('.') && is_public_suffix(&domain) {
        return Ok(None);
    }
    let path: Cow<'_, str> = Some(text_of(path))
        .filter(|path| path.starts_with('/'))
        .unwrap_or("/".into());
    let said = Said {
        domain: &domain,
        host_only: host_only && !every_host,
        path: &path,
        expires: expiry(expires)?,
        secure: is_true(secure),
        http_only,
        same_site: None,
    };
    program::cookie(name, value, &said).map(Some)
}

fn strip<'a>(line: &'a [u8], prefix: &[u8]) -> (&'a [u8], bool) {
    match line.strip_prefix(prefix) {
        Some(rest) => (rest, true),
        None => (line, false),
    }
}

fn is_true(field: &[u8]) -> bool {
    field.eq_ignore_ascii_case(b"TRUE")
}

/// Some programs write fractions, and others -1 for a cookie of the session.
fn expiry(field: &[u8]) -> Result<Option<i64>> {
    let text = text_of(field);
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "what is beyond is as good as never"
            )]
            let seconds = seconds as i64;
            Ok(Some(seconds).filter(|seconds| *seconds > 0))
        }
        _ => Err(Error::value("its expiry is no number of seconds")),
    }
}

/// Writes the whole file, for its owner only, or leaves what was there as it was.
pub fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link goes on leading to the file.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (draft, mut file) = create_beside(&path)?;
    let written = file
        .write_all(text)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A new file in the same directory, since only within one file system is a rename atomic.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    loop {
        let mut draft = std::ffi::OsString::from(".");
        draft.push(name);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        draft.push(format!(".{}.{count}", process::id()));
        let draft = path.with_file_name(draft);
        match options.open(&draft) {
            Ok(file) => return Ok((draft, file)),
            // Left by a process that died.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
