//! The encoding of a text that does not say it, guessed from its bytes.
//!
//! The guess is that of Firefox (crate `chardetng`), which knows how often letters follow each other in the
//! languages of each legacy encoding. It looks at the first 64 KiB from where the text stops being ASCII.

use std::str;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};
use url::Url;

/// How much is looked at.
const LOOKED_AT: usize = 64 * 1024;

/// The letters before the first that is not ASCII tell something too, though not many do.
const BEFORE: usize = 64;

/// A text is UTF-8 with damage if it has this many good characters of more than one byte for each bad one.
const GOOD_FOR_A_BAD: usize = 5;

/// The likely encoding of a text that is no valid UTF-8. `url`: where it is from, whose top-level domain is a
/// hint of the language.
pub fn guess(body: &[u8], url: &str) -> &'static Encoding {
    let first = Encoding::ascii_valid_up_to(body);
    let rest = body.get(first.saturating_sub(BEFORE)..).unwrap_or_default();
    let looked_at = rest.get(..LOOKED_AT).unwrap_or(rest);
    // Bytes that are no text: nothing that is guessed would be right.
    if looked_at.contains(&0) || is_damaged_utf8(looked_at) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(looked_at, looked_at.len() == rest.len());
    let domain = top_level_domain(url);
    detector.guess(domain.as_deref().map(str::as_bytes), Utf8Detection::Allow)
}

/// Whether the text is valid UTF-8, or is so but for a character that was cut in two at its end.
pub fn is_utf8(body: &[u8]) -> bool {
    match str::from_utf8(body) {
        Ok(_) => true,
        // Only where there are whole ones before: two bytes of ASCII and one more are as well Latin-1.
        Err(error) => {
            let whole = body.get(..error.valid_up_to()).unwrap_or_default();
            error.error_len().is_none() && !whole.is_ascii()
        }
    }
}

/// Whether this is UTF-8 from a program that cut some characters in two. The detector would not hear of it
/// after the first.
fn is_damaged_utf8(text: &[u8]) -> bool {
    let (mut good, mut bad) = (0, 0);
    for chunk in text.utf8_chunks() {
        good += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good >= GOOD_FOR_A_BAD * bad && good > 0
}

/// In lower case and Punycode, which the detector insists on.
fn top_level_domain(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let domain = url.domain()?.trim_end_matches('.');
    let last = domain.rsplit('.').next()?.to_ascii_lowercase();
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!last.is_empty() && last.bytes().all(is_label)).then_some(last)
}
