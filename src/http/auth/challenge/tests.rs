//! Challenges as servers send them, and as nobody should.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// A challenge as a line: the scheme, the token, the parameters.
fn shown(value: &str) -> Vec<String> {
    parse(value.as_bytes()).iter().map(show).collect()
}

fn show(challenge: &Challenge) -> String {
    let mut line = challenge.scheme.clone();
    if let Some(token) = &challenge.token {
        line += &format!(" <{token}>");
    }
    for (name, value) in &challenge.params.0 {
        line += &format!(" {name}[{}]", String::from_utf8_lossy(value));
    }
    line
}

#[test]
fn challenges_are_told_apart() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (" , ,", &[]),
        ("Basic", &["basic"]),
        ("Negotiate, NTLM", &["negotiate", "ntlm"]),
        ("Basic realm=\"simple\"", &["basic realm[simple]"]),
        (
            "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
            &[
                "newauth realm[apps] type[1] title[Login to \"apps\"]",
                "basic realm[simple]",
            ],
        ),
        (
            "Negotiate YWJj==, Custom a-._~+/z, Basic realm=x",
            &["negotiate <YWJj==>", "custom <a-._~+/z>", "basic realm[x]"],
        ),
        (
            "Digest realm=\"a, Basic b=\\\"c\\\"\",nonce=n,,Basic realm=x",
            &["digest realm[a, Basic b=\"c\"] nonce[n]", "basic realm[x]"],
        ),
        // White space around the `=`, tabs, names in upper case, no white space at all.
        (
            "Digest  REALM = \"x\"\t,nonce\t=\t\"y\"",
            &["digest realm[x] nonce[y]"],
        ),
        ("Basic realm=\"\"", &["basic realm[]"]),
        // Of what repeats, all is there, in order.
        ("Basic realm=a, realm=b", &["basic realm[a] realm[b]"]),
    ];
    for (value, challenges) in cases {
        assert_eq!(shown(value), *challenges, "{value:?}");
    }
}

#[test]
fn what_makes_no_sense_is_left_out() {
    let cases: &[(&str, &[&str])] = &[
        ("=", &[]),
        ("\"", &[]),
        ("\"a, Basic\", Basic", &["basic"]),
        ("realm=\"before any scheme\", Basic realm=x", &["basic realm[x]"]),
        ("Basic realm=\"never ends", &["basic"]),
        ("Basic realm=\"never ends\\", &["basic"]),
        ("Basic realm=\"x\", @, qop=y", &["basic realm[x] qop[y]"]),
        ("Basic realm=\"x\"junk, qop=y", &["basic realm[x] qop[y]"]),
        ("Basic realm=, Digest", &["basic <realm=>", "digest"]),
        ("Bearer a=1, b=two words, c=3", &["bearer a[1] b[two] c[3]"]),
        // Unquoted, though no tokens.
        (
            "Digest nonce=a/b==, domain=/x",
            &["digest nonce[a/b==] domain[/x]"],
        ),
        // Only a space where there should be a comma.
        (
            "Digest realm=\"r\" nonce=\"n\" qop=auth",
            &["digest realm[r] nonce[n] qop[auth]"],
        ),
    ];
    for (value, challenges) in cases {
        assert_eq!(shown(value), *challenges, "{value:?}");
    }
}

#[test]
fn values_stay_bytes() {
    let challenges = parse(b"Basic realm=\"\xe4\xff\"");
    let params = &challenges.first().unwrap().params;
    assert_eq!(params.get("realm"), Some(b"\xe4\xff".as_slice()));
}

#[test]
fn endless_values_are_not_read() {
    let value = format!("Basic realm=\"{}\"", "x".repeat(LONGEST));
    assert_eq!(parse(value.as_bytes()), []);
}

#[test]
fn params_alone() {
    let params = parse_params(b"nextnonce=\"a,b\", qop=auth, rspauth=\"0\", nc=00000001");
    assert_eq!(params.get("nextnonce"), Some(b"a,b".as_slice()));
    assert!(params.says("qop", "AUTH"));
    assert_eq!(params.get("cnonce"), None);
}

/// Numbers that look random and are the same in each run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len());
        all.get(at).unwrap()
    }

    fn text(&mut self, alphabet: &[u8], longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length).map(|_| *self.one_of(alphabet)).collect()
    }

    fn token(&mut self) -> String {
        let letters = b"abcxyz019!#$%&'*+-.^_`|~";
        let mut token = self.text(letters, 6);
        token.push(*self.one_of(letters));
        String::from_utf8(token).unwrap()
    }
}

/// Any bytes, and the pieces that mean something, in any order.
#[test]
fn nothing_is_too_strange() {
    let pieces: [&[u8]; 16] = [
        b"Basic",
        b"Digest",
        b"realm",
        b"nonce",
        b" ",
        b"\t",
        b",",
        b"=",
        b"\"",
        b"\\",
        b"==",
        b"a",
        b"/",
        b"\xff",
        b"\0",
        b"\"x, y\"",
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..50_000 {
        let mut value = Vec::new();
        for _ in 0..dice.below(16) {
            value.extend_from_slice(dice.one_of::<&[u8]>(&pieces));
            if dice.below(8) == 0 {
                value.push(u8::try_from(dice.below(256)).unwrap());
            }
        }
        for challenge in parse(&value) {
            assert!(!challenge.scheme.is_empty(), "{value:?}");
            assert!(challenge.scheme.bytes().all(is_token), "{value:?}");
            for (name, _) in &challenge.params.0 {
                assert!(!name.is_empty() && name.bytes().all(is_token), "{value:?}");
            }
        }
        parse_params(&value);
    }
}

/// What is written by the grammar is read as it was meant.
#[test]
fn what_is_written_is_read() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for _ in 0..5_000 {
        let mut challenges = Vec::new();
        let mut written = String::new();
        for _ in 0..=dice.below(3) {
            if !written.is_empty() {
                written += dice.one_of::<&str>(&[",", ", ", " ,\t", ",,"]);
            }
            let scheme = dice.token();
            written += &scheme;
            let mut challenge = Challenge {
                scheme,
                token: None,
                params: Params::default(),
            };
            if dice.below(4) == 0 {
                let token = *dice.one_of(&["a", "abc=", "a/b+c==", "~"]);
                written += &format!(" {token}");
                challenge.token = Some(token.to_owned());
            } else {
                for count in 0..dice.below(4) {
                    written += if count == 0 {
                        " "
                    } else {
                        dice.one_of::<&str>(&[",", ", "])
                    };
                    let name = dice.token();
                    let value = dice.text(b"ab \",\\=\xc3", 8);
                    let bare = !value.is_empty() && value.iter().copied().all(is_token);
                    let value: String = value.into_iter().map(char::from).collect();
                    if bare && dice.below(2) == 0 {
                        written += &format!("{name}={value}");
                    } else {
                        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
                        written += &format!("{name}{}=\"{quoted}\"", dice.one_of(&["", " "]));
                    }
                    challenge.params.0.push((name, value.into_bytes()));
                }
            }
            challenges.push(challenge);
        }
        assert_eq!(parse(written.as_bytes()), challenges, "{written:?}");
    }
}
