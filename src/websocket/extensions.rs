//! What is agreed about compression: the parameters of permessage-deflate, RFC 7692, section 7.1.

use super::deflate::Way;

const NAME: &str = "permessage-deflate";

/// What a server uses: a window of 4 KiB costs it an eighth of the memory of the widest, and messages are short.
const SERVER_BITS: u8 = 12;
const WIDEST: u8 = 15;

/// zlib cannot compress with a window of 256 bytes.
const NARROWEST: u8 = 9;

/// What was agreed, from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// None: this side does not compress.
    pub ours: Option<Way>,
    /// Whether the peer's messages may refer to those before them.
    pub their_takeover: bool,
}

/// The parameters of one offer, or of the answer to it.
#[derive(Debug, Default)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// `Some(None)`: named without a value.
    client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// None where something is unknown, twice there, or out of range.
    fn parse<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut parsed = Self::default();
        for parameter in parameters {
            let (name, value) = match parameter.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
                None => (parameter.trim(), None),
            };
            let bits = match value {
                None => None,
                Some(value) => Some(bits(value)?),
            };
            match (name, bits) {
                ("server_no_context_takeover", None) if !parsed.server_no_takeover => {
                    parsed.server_no_takeover = true;
                }
                ("client_no_context_takeover", None) if !parsed.client_no_takeover => {
                    parsed.client_no_takeover = true;
                }
                ("server_max_window_bits", Some(bits)) if parsed.server_bits.is_none() => {
                    parsed.server_bits = Some(bits);
                }
                ("client_max_window_bits", bits) if parsed.client_bits.is_none() => {
                    parsed.client_bits = Some(bits);
                }
                _ => return None,
            }
        }
        Some(parsed)
    }
}

/// From 8 to 15, without a zero before it.
fn bits(value: &str) -> Option<u8> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit()) && !value.starts_with('0');
    let bits = value.parse().ok()?;
    (is_number && (8..=WIDEST).contains(&bits)).then_some(bits)
}

/// The extensions that a header names, each with its parameters.
fn each(header: &str) -> impl Iterator<Item = (&str, impl Iterator<Item = &str>)> {
    header.split(',').filter_map(|extension| {
        let mut parts = extension.split(';');
        let name = parts.next()?.trim();
        (!name.is_empty()).then_some((name, parts))
    })
}

/// What a client asks for. `window`: how wide the server's may be.
pub fn offer(window: Option<u8>) -> String {
    match window.filter(|bits| *bits < WIDEST) {
        Some(bits) => format!("{NAME}; client_max_window_bits; server_max_window_bits={bits}"),
        None => format!("{NAME}; client_max_window_bits"),
    }
}

/// What a client that offered such a window makes of the answer: None if nothing was agreed, and the words for an answer that is wrong.
pub fn accepted(header: &str, window: Option<u8>) -> Result<Option<Agreed>, String> {
    let mut agreed = None;
    for (name, parameters) in each(header) {
        if name != NAME || agreed.is_some() {
            return Err(format!(
                "the server chose an extension that was not offered: '{}'",
                name.escape_debug()
            ));
        }
        let parameters = Parameters::parse(parameters)
            .filter(|parameters| parameters.client_bits != Some(None))
            .filter(|parameters| parameters.server_bits <= Some(window.unwrap_or(WIDEST)))
            .ok_or("the server's parameters for permessage-deflate are not valid")?;
        let bits = parameters.client_bits.flatten().unwrap_or(WIDEST);
        agreed = Some(Agreed {
            ours: (bits >= NARROWEST).then_some(Way {
                bits,
                takeover: !parameters.client_no_takeover,
            }),
            their_takeover: !parameters.server_no_takeover,
        });
    }
    Ok(agreed)
}

/// The first offer that a server can accept, and what it answers.
pub fn choose(header: &str) -> Option<(Agreed, String)> {
    each(header).find_map(|(name, parameters)| {
        if name != NAME {
            return None;
        }
        let offered = Parameters::parse(parameters)?;
        let bits = offered.server_bits.unwrap_or(SERVER_BITS).min(SERVER_BITS);
        if bits < NARROWEST {
            return None;
        }
        let mut answer = NAME.to_owned();
        if offered.server_no_takeover {
            answer.push_str("; server_no_context_takeover");
        }
        if offered.client_no_takeover {
            answer.push_str("; client_no_context_takeover");
        }
        // Said where it was asked for: others take any window for the widest, which reads a narrower one too.
        if offered.server_bits.is_some() {
            answer.push_str(&format!("; server_max_window_bits={bits}"));
        }
        let agreed = Agreed {
            ours: Some(Way {
                bits,
                takeover: !offered.server_no_takeover,
            }),
            their_takeover: !offered.client_no_takeover,
        };
        Some((agreed, answer))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn agreed(bits: u8, takeover: bool, their_takeover: bool) -> Agreed {
        Agreed {
            ours: Some(Way { bits, takeover }),
            their_takeover,
        }
    }

    #[test]
    fn a_server_takes_the_first_offer_that_it_can() {
        let taken = |header: &str| choose(header).unwrap();
        assert_eq!(taken(&offer(None)), (agreed(12, true, true), NAME.into()));
        let all = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                   server_max_window_bits=\"10\"; client_max_window_bits=11";
        let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                      server_max_window_bits=10";
        assert_eq!(taken(all), (agreed(10, false, false), answer.into()));
        let second = "x-other, permessage-deflate; server_max_window_bits=8, permessage-deflate";
        assert_eq!(taken(second), (agreed(12, true, true), NAME.into()));
    }

    #[test]
    fn an_offer_that_is_wrong_is_declined() {
        for parameters in [
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=+9",
            "server_no_context_takeover=1",
            "server_no_context_takeover; server_no_context_takeover",
            "client_max_window_bits=x",
            "unknown",
        ] {
            assert_eq!(
                choose(&format!("permessage-deflate; {parameters}")),
                None,
                "{parameters}"
            );
        }
    }

    #[test]
    fn a_client_takes_what_it_offered_and_nothing_else() {
        assert_eq!(accepted("", None), Ok(None));
        assert_eq!(
            accepted("permessage-deflate", None),
            Ok(Some(agreed(15, true, true)))
        );
        let narrow = "permessage-deflate; client_max_window_bits=9; client_no_context_takeover";
        assert_eq!(accepted(narrow, None), Ok(Some(agreed(9, false, true))));
        let silent = accepted("permessage-deflate; client_max_window_bits=8", None)
            .unwrap()
            .unwrap();
        assert_eq!(silent.ours, None);
        for wrong in [
            "x-webkit-deflate-frame",
            "permessage-deflate, permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; bits",
        ] {
            assert!(accepted(wrong, None).is_err(), "{wrong}");
        }
        // No wider than was asked for: section 7.1.2.1.
        for bits in 8..=15 {
            let answer = format!("permessage-deflate; server_max_window_bits={bits}");
            assert_eq!(accepted(&answer, Some(10)).is_ok(), bits <= 10, "{bits}");
            assert!(accepted(&answer, None).is_ok());
        }
    }
}
