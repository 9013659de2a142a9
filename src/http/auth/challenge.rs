//! What a server asks for: the challenges of `WWW-Authenticate` (RFC 9110, section 11.6.1).
//!
//! ```text
//! Digest realm="a, b", qop=auth, Negotiate, Custom dG9rZW4=, Basic realm="\"x\""
//! ```
//!
//! The comma is both between challenges and between parameters: after one, a word with a `=` behind it is a
//! parameter, and any other begins a challenge. Reading never fails: what makes no sense is left out up
//! to the next comma. Values stay bytes, because a client has to send some of them back as they were.

use http::HeaderMap;
use http::header::HeaderName;

/// Longer values of the header are not read. Parts of them are kept for as long as the settings live.
const LONGEST: usize = 8 * 1024;

/// One challenge: a scheme, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// In lower case: schemes have no case.
    pub scheme: String,
    /// The one unnamed value, as of `Negotiate`.
    pub token: Option<String>,
    /// Names in lower case, and values without quotes.
    pub params: Params,
}

/// Named values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, Vec<u8>)>);

impl Params {
    /// The value of `name`, which is in lower case; the first, if a server says several.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(own, _)| own == name)?;
        Some(&found.1)
    }

    /// Whether `name` is there and, but for case, `value`.
    pub fn says(&self, name: &str, value: &str) -> bool {
        self.get(name)
            .is_some_and(|own| own.eq_ignore_ascii_case(value.as_bytes()))
    }
}

/// The challenges in all the headers of that name, in order.
pub fn parse_all(headers: &HeaderMap, name: &HeaderName) -> Vec<Challenge> {
    let values = headers.get_all(name).iter();
    values.flat_map(|value| parse(value.as_bytes())).collect()
}

/// The challenges in one value.
pub fn parse(value: &[u8]) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    // What comes before any scheme belongs to nothing.
    let mut stray = Params::default();
    let mut input = Input::of(value);
    while input.next_item() {
        let params = challenges.last_mut().map_or(&mut stray, |last| &mut last.params);
        if !input.read_params(params) {
            let scheme = lower(input.token());
            if !scheme.is_empty() {
                let token = input.token68();
                let mut params = Params::default();
                input.read_params(&mut params);
                challenges.push(Challenge {
                    scheme,
                    token,
                    params,
                });
            }
        }
        input.skip_item();
    }
    challenges
}

/// The parameters in a value that has nothing else: `Authentication-Info` (RFC 7615, section 3).
pub fn parse_params(value: &[u8]) -> Params {
    let mut params = Params::default();
    let mut input = Input::of(value);
    while input.next_item() {
        input.read_params(&mut params);
        input.skip_item();
    }
    params
}

fn lower(token: &[u8]) -> String {
    // Tokens are ASCII, so nothing is lost.
    String::from_utf8_lossy(token).to_ascii_lowercase()
}

/// What is not read yet of a value.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn of(value: &'a [u8]) -> Self {
        let rest = if value.len() <= LONGEST { value } else { b"" };
        Self { rest }
    }

    /// Goes past white space and commas; false at the end.
    fn next_item(&mut self) -> bool {
        self.take(|byte| is_space(byte) || byte == b',');
        !self.rest.is_empty()
    }

    /// Goes to the next comma that is not in quotes.
    fn skip_item(&mut self) {
        while let Some(byte) = self.rest.first() {
            match byte {
                b',' => return,
                b'"' => {
                    self.quoted();
                }
                _ => self.advance(1),
            }
        }
    }

    fn token(&mut self) -> &'a [u8] {
        self.take(is_token)
    }

    /// A `=` and what stands behind it; None, and nothing is read, if there is no `=`. Within: None if it
    /// is no value.
    fn value(&mut self) -> Option<Option<Vec<u8>>> {
        let rest = self.rest.trim_ascii_start().strip_prefix(b"=")?;
        self.rest = rest.trim_ascii_start();
        if self.rest.first() == Some(&b'"') {
            return Some(self.quoted());
        }
        // More than a token: servers leave out the quotes around paths and base64.
        let bare = self.take(|byte| !is_space(byte) && !matches!(byte, b',' | b'"'));
        Some((!bare.is_empty()).then(|| bare.to_vec()))
    }

    /// Reads the parameters that come now; whether there was one. RFC 9110 wants commas between them, and
    /// some servers have only spaces.
    fn read_params(&mut self, params: &mut Params) -> bool {
        let mut any = false;
        loop {
            let before = self.rest;
            self.take(is_space);
            let name = self.token();
            let value = if name.is_empty() { None } else { self.value() };
            let Some(value) = value else {
                self.rest = before;
                return any;
            };
            any = true;
            params.0.extend(value.map(|value| (lower(name), value)));
        }
    }

    /// The quoted string that begins here; None, and all is read, if it does not end.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut bytes = self.rest.iter().skip(1).enumerate();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.advance(at + 2);
                    return Some(text);
                }
                b'\\' => text.extend(bytes.next().map(|(_, &escaped)| escaped)),
                _ => text.push(byte),
            }
        }
        self.rest = b"";
        None
    }

    /// The one unnamed value of a challenge; None, and nothing is read, if that is not what comes.
    fn token68(&mut self) -> Option<String> {
        let before = self.rest;
        self.take(is_space);
        let whole = self.rest;
        let letters = self.take(is_token68).len();
        let padding = self.take(|byte| byte == b'=').len();
        let token = whole.get(..letters + padding).unwrap_or_default();
        let ends = matches!(self.rest.trim_ascii_start().first(), None | Some(b','));
        if letters == 0 || !ends {
            self.rest = before;
            return None;
        }
        Some(String::from_utf8_lossy(token).into_owned())
    }

    fn take(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !belongs(byte));
        let (taken, rest) = self
            .rest
            .split_at_checked(end.unwrap_or(self.rest.len()))
            .unwrap_or((self.rest, b""));
        self.rest = rest;
        taken
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110, section 11.2.
fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

#[cfg(test)]
mod tests;
