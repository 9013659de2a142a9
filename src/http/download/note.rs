//! The note beside a part: of which state of which URL it is a part.
//!
//! Invariant: what the note says holds for every byte of the part. It is taken away before a part is begun
//! anew, and written before the first byte.
//!
//! The URL is kept as a digest: many have secrets in them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use super::validator::Validator;

/// Nothing longer is a note, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What stands for a URL in a note.
pub fn origin(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, url.as_str().as_bytes()))
}

/// The validator in the note at `path`, if it is one about `origin`. A note that cannot be read is none.
pub fn read(path: &Path, origin: &str) -> Option<Validator> {
    let mut text = String::new();
    let file = fs::File::open(path).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let note: Value = serde_json::from_str(&text).ok()?;
    if note.get("origin").and_then(Value::as_str) != Some(origin) {
        return None;
    }
    let field = |name| note.get(name).and_then(Value::as_str).map(str::to_owned);
    let validator = match (field("etag"), field("last-modified")) {
        (Some(tag), None) => Validator::Tag(tag),
        (None, Some(date)) => Validator::Date(date),
        _ => return None,
    };
    validator.if_range().map(|_| validator)
}

/// Writes a note where there is none. One that was written in part is not read as any.
pub fn write(path: &Path, origin: &str, validator: &Validator) -> io::Result<()> {
    let note = match validator {
        Validator::Tag(tag) => json!({"origin": origin, "etag": tag}),
        Validator::Date(date) => json!({"origin": origin, "last-modified": date}),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(format!("{note}\n").as_bytes())
}

/// Takes a note away, if there is one.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_for_its_own_url_only() {
        let path = std::env::temp_dir().join(format!("aioxide-note-{}", std::process::id()));
        let url = Url::parse("http://host/file?signature=secret#here").unwrap();
        let other = Url::parse("http://host/file?signature=other").unwrap();
        for validator in [
            Validator::Tag("\"a \\ b\"".into()),
            Validator::Date("Sun, 06 Nov 1994 08:49:37 GMT".into()),
        ] {
            write(&path, &origin(&url), &validator).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("secret"));
            assert_eq!(read(&path, &origin(&url)), Some(validator));
            assert_eq!(read(&path, &origin(&other)), None);
            for length in 0..text.trim_end().len() {
                fs::write(&path, text.get(..length).unwrap()).unwrap();
                assert_eq!(read(&path, &origin(&url)), None);
            }
            remove(&path).unwrap();
        }
        remove(&path).unwrap();
        assert_eq!(read(&path, &origin(&url)), None);
    }
}
