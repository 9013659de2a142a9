//! The encoding that a document names in its first lines: `<meta charset>`, or an XML declaration.
//!
//! "Prescan a byte stream to determine its encoding", step by step as the HTML standard has it (WHATWG HTML,
//! section 13.2.3.2). It knows of HTML what it must to skip comments and the attributes of other elements, and
//! no more.
//!
//! Invariant: a [`Scan`] only moves on, so the work is linear. Where the bytes end, [`Scan`] says None and all
//! of the prescan ends: half a tag says nothing.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// How far into a document it is looked for.
const LOOKED_AT: usize = 1024;

/// What an HTML document says in its first 1024 bytes.
pub fn of_html(body: &[u8]) -> Option<&'static Encoding> {
    let start = body.get(..LOOKED_AT).unwrap_or(body);
    wide_declaration(start)
        .or_else(|| Scan::of(start).metas())
        .or_else(|| declaration(start))
}

/// What an XML document says in its declaration.
pub fn of_xml(body: &[u8]) -> Option<&'static Encoding> {
    let start = body.get(..LOOKED_AT).unwrap_or(body);
    wide_declaration(start).or_else(|| declaration(start))
}

/// `<?x` in UTF-16.
fn wide_declaration(start: &[u8]) -> Option<&'static Encoding> {
    if start.starts_with(b"<\0?\0x\0") {
        Some(UTF_16LE)
    } else if start.starts_with(b"\0<\0?\0x") {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// `<?xml ... encoding="..." ...>`.
fn declaration(start: &[u8]) -> Option<&'static Encoding> {
    let inside = start.strip_prefix(b"<?xml")?;
    let inside = inside.get(..position(inside, b">")?)?;
    let after = inside.get(position(inside, b"encoding")? + b"encoding".len()..)?;
    let value = trim_start(trim_start(after).strip_prefix(b"=")?);
    let (quote, value) = value.split_first()?;
    if !b"\"'".contains(quote) {
        return None;
    }
    let label = value.get(..value.iter().position(|byte| byte == quote)?)?;
    if label.iter().any(|byte| *byte <= b' ') {
        return None;
    }
    Encoding::for_label(label).map(as_it_was_read)
}

/// The bytes were read as ASCII, so UTF-16 they are not.
fn as_it_was_read(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else {
        encoding
    }
}

/// A place in the first bytes of a document.
struct Scan<'a> {
    rest: &'a [u8],
}

/// The name and value of an attribute, in lower case.
struct Attribute {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl<'a> Scan<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// The byte here. None at the end, where the prescan ends.
    fn here(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or_default();
    }

    /// Moves on to the next byte of a kind.
    fn seek(&mut self, kind: impl Fn(u8) -> bool) -> Option<()> {
        let at = self.rest.iter().position(|byte| kind(*byte))?;
        self.advance(at);
        Some(())
    }

    /// The encoding of the first `meta` that names one.
    fn metas(&mut self) -> Option<&'static Encoding> {
        loop {
            self.seek(|byte| byte == b'<')?;
            if self.rest.starts_with(b"<!--") {
                // The dashes may be those of the beginning: `<!-->` is a comment.
                self.advance(2);
                self.advance(position(self.rest, b"-->")? + 2);
            } else if self.is_at_meta() {
                self.advance(b"<meta".len());
                if let Some(encoding) = self.meta()? {
                    return Some(encoding);
                }
            } else if self.is_at_tag() {
                self.seek(|byte| is_space(byte) || byte == b'>')?;
                while self.attribute()?.is_some() {}
            } else if matches!(self.rest.get(1), Some(b'!' | b'/' | b'?')) {
                self.seek(|byte| byte == b'>')?;
            }
            self.advance(1);
        }
    }

    fn is_at_meta(&self) -> bool {
        let (name, end) = (self.rest.get(1..5), self.rest.get(5));
        name.is_some_and(|name| name.eq_ignore_ascii_case(b"meta"))
            && end.is_some_and(|end| is_space(*end) || *end == b'/')
    }

    fn is_at_tag(&self) -> bool {
        let name = match self.rest.get(1) {
            Some(b'/') => self.rest.get(2),
            first => first,
        };
        name.is_some_and(u8::is_ascii_alphabetic)
    }

    /// The attributes of a `meta`. The outer None is the end of the bytes, the inner says that it names no
    /// encoding.
    fn meta(&mut self) -> Option<Option<&'static Encoding>> {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let (mut got_pragma, mut need_pragma) = (false, None);
        // Of `charset` even if there is no such encoding; then of `content` no more.
        let mut named: Option<Option<&'static Encoding>> = None;
        while let Some(Attribute { name, value }) = self.attribute()? {
            if seen.contains(&name) {
                continue;
            }
            match name.as_slice() {
                b"http-equiv" => got_pragma |= value == b"content-type",
                b"content" if named.is_none() => {
                    if let Some(encoding) = in_content(&value) {
                        (named, need_pragma) = (Some(Some(encoding)), Some(true));
                    }
                }
                b"charset" => (named, need_pragma) = (Some(Encoding::for_label(&value)), Some(false)),
                _ => {}
            }
            seen.push(name);
        }
        let usable = match need_pragma {
            None => false,
            Some(needed) => got_pragma || !needed,
        };
        let encoding = named.flatten().filter(|_| usable).map(as_it_was_read);
        Some(encoding.map(|encoding| {
            if encoding == X_USER_DEFINED {
                WINDOWS_1252
            } else {
                encoding
            }
        }))
    }

    /// "Get an attribute". The outer None is the end of the bytes, the inner the end of the tag.
    fn attribute(&mut self) -> Option<Option<Attribute>> {
        self.seek(|byte| !is_space(byte) && byte != b'/')?;
        if self.here()? == b'>' {
            return Some(None);
        }
        let mut attribute = Attribute {
            name: Vec::new(),
            value: Vec::new(),
        };
        loop {
            match self.here()? {
                b'=' if !attribute.name.is_empty() => break,
                b'/' | b'>' => return Some(Some(attribute)),
                byte if is_space(byte) => {
                    self.seek(|byte| !is_space(byte))?;
                    if self.here()? != b'=' {
                        return Some(Some(attribute));
                    }
                    break;
                }
                byte => attribute.name.push(byte.to_ascii_lowercase()),
            }
            self.advance(1);
        }
        // The equals sign.
        self.advance(1);
        self.seek(|byte| !is_space(byte))?;
        let quote = self.here()?;
        let ends: &dyn Fn(u8) -> bool = if matches!(quote, b'"' | b'\'') {
            self.advance(1);
            &|byte| byte == quote
        } else {
            &|byte| is_space(byte) || byte == b'>'
        };
        let from = self.rest;
        self.seek(ends)?;
        let value = from.get(..from.len() - self.rest.len()).unwrap_or_default();
        attribute.value = value.to_ascii_lowercase();
        if matches!(quote, b'"' | b'\'') {
            self.advance(1);
        }
        Some(Some(attribute))
    }
}

/// "Extract a character encoding from a meta element": `text/html; charset=...`, in lower case.
fn in_content(content: &[u8]) -> Option<&'static Encoding> {
    let mut rest = content;
    let value = loop {
        rest = trim_spaces(rest.get(position(rest, b"charset")? + b"charset".len()..)?);
        if let Some(value) = rest.strip_prefix(b"=") {
            break trim_spaces(value);
        }
    };
    let label = match value.split_first()? {
        (quote @ (b'"' | b'\''), value) => value.get(..value.iter().position(|byte| byte == quote)?)?,
        _ => value.split(|byte| is_space(*byte) || *byte == b';').next()?,
    };
    Encoding::for_label(label)
}

/// ASCII whitespace of the HTML standard.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn trim_spaces(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| is_space(**byte)).count();
    bytes.get(spaces..).unwrap_or_default()
}

/// Without what a declaration takes for space: everything up to it.
fn trim_start(bytes: &[u8]) -> &[u8] {
    let spaces = bytes.iter().take_while(|byte| **byte <= b' ').count();
    bytes.get(spaces..).unwrap_or_default()
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
