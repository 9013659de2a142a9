//! The text of a netrc file: hosts, and a name and a password for each.
//!
//! ```text
//! machine example.com login me password "with \" and spaces"   # a comment
//! default login anonymous password me@example.com
//! macdef init
//! cd /pub                         (of FTP, and left out, down to the blank line)
//! ```
//!
//! Words, in any arrangement of lines; a backslash takes what follows as it is. A fault has its line, and
//! never a word of the text: where it stands, a password may stand.

use std::sync::Arc;

use url::Host;

use crate::http::auth::basic::Basic;
use crate::http::auth::credentials::{Credentials, Secret};

/// What is wrong, and in which line, from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub what: String,
}

type Result<T> = std::result::Result<T, Fault>;

/// What is said of one host.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// None for all hosts that are not named.
    pub host: Option<String>,
    /// None if there is neither name nor password.
    pub basic: Option<Arc<Basic>>,
}

/// The entries, in order.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>> {
    let mut words = Words::of(text);
    let mut entries = Vec::new();
    let mut open: Option<Draft> = None;
    while let Some(word) = words.keyword()? {
        match word.as_slice() {
            b"machine" | b"default" => {
                let line = words.line;
                if let Some(draft) = open.take() {
                    entries.push(draft.finish()?);
                }
                let host = match word.as_slice() {
                    b"machine" => Some(canonical(&words.value("machine")?)),
                    _ => None,
                };
                open = Some(Draft {
                    line,
                    host,
                    login: None,
                    password: None,
                });
            }
            b"login" | b"user" => words.draft(&mut open)?.login = Some(words.value("login")?),
            b"password" => words.draft(&mut open)?.password = Some(words.value("password")?),
            b"account" => {
                words.draft(&mut open)?;
                words.value("account")?;
            }
            b"macdef" => {
                words.value("macdef")?;
                words.skip_macro();
            }
            _ => {
                let what = "expected machine, default, login, password, account or macdef";
                return Err(words.fault(what));
            }
        }
    }
    if let Some(draft) = open {
        entries.push(draft.finish()?);
    }
    Ok(entries)
}

/// A host as URLs have it: lower case, punycode, no brackets.
pub fn canonical(host: &[u8]) -> String {
    let host = String::from_utf8_lossy(host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<std::net::Ipv6Addr>() {
        return address.to_string();
    }
    Host::parse(host).map_or_else(|_| host.to_ascii_lowercase(), |host| host.to_string())
}

/// An entry in the making.
struct Draft {
    line: usize,
    host: Option<String>,
    login: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
}

impl Draft {
    fn finish(self) -> Result<Entry> {
        let (host, line) = (self.host, self.line);
        if self.login.is_none() && self.password.is_none() {
            return Ok(Entry { host, basic: None });
        }
        let password = Secret::new(self.password.unwrap_or_default());
        let basic = Credentials::new(self.login.unwrap_or_default(), password).and_then(Basic::new);
        match basic {
            Ok(basic) => Ok(Entry {
                host,
                basic: Some(Arc::new(basic)),
            }),
            Err(error) => Err(Fault {
                line,
                what: error.to_string(),
            }),
        }
    }
}

/// The words of a text, one at a time.
struct Words<'a> {
    lines: std::slice::Split<'a, u8, fn(&u8) -> bool>,
    /// What is not read yet of the current line.
    rest: &'a [u8],
    line: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a [u8]) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let ends: fn(&u8) -> bool = |byte| *byte == b'\n';
        Self {
            lines: text.split(ends),
            rest: b"",
            line: 0,
        }
    }

    /// The next word where one begins that says what comes; there, `#` begins a comment.
    fn keyword(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if !self.seek() {
                return Ok(None);
            }
            if !self.rest.starts_with(b"#") {
                return self.word().map(Some);
            }
            self.rest = b"";
        }
    }

    /// The word that belongs to `keyword`, whatever it looks like.
    fn value(&mut self, keyword: &str) -> Result<Vec<u8>> {
        let line = self.line;
        if self.seek() {
            return self.word();
        }
        let what = format!("nothing follows {keyword}");
        Err(Fault { line, what })
    }

    /// Goes to the next word, which may be lines away; false at the end.
    fn seek(&mut self) -> bool {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if !self.rest.is_empty() {
                return true;
            }
            if !self.next_line() {
                return false;
            }
        }
    }

    /// Goes on to the blank line that ends a macro, or to the end.
    fn skip_macro(&mut self) {
        while self.next_line() && !self.rest.trim_ascii().is_empty() {}
        self.rest = b"";
    }

    fn next_line(&mut self) -> bool {
        match self.lines.next() {
            Some(line) => {
                self.rest = line;
                self.line += 1;
                true
            }
            None => false,
        }
    }

    /// The word that begins here.
    fn word(&mut self) -> Result<Vec<u8>> {
        let mut word = Vec::new();
        let quoted = self.rest.starts_with(b"\"");
        let start = usize::from(quoted);
        let mut bytes = self.rest.iter().enumerate().skip(start);
        let mut end = None;
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                b'\\' => word.extend(bytes.next().map(|(_, &escaped)| escaped)),
                _ if !quoted && byte.is_ascii_whitespace() => {
                    end = Some(at);
                    break;
                }
                _ => word.push(byte),
            }
        }
        if quoted && end.is_none() {
            return Err(self.fault("a quote does not end"));
        }
        self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or_default();
        Ok(word)
    }

    fn draft<'d>(&self, open: &'d mut Option<Draft>) -> Result<&'d mut Draft> {
        let what = "a word that belongs to a machine stands before the first machine";
        open.as_mut().ok_or_else(|| self.fault(what))
    }

    fn fault(&self, what: &str) -> Fault {
        Fault {
            line: self.line,
            what: what.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
