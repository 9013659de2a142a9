//! The examples of the RFCs, byte for byte.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::Method;
use url::Url;

use super::*;
use crate::http::auth::challenge;
use crate::http::auth::credentials::Secret;

struct Example {
    username: &'static str,
    password: &'static str,
    challenge: &'static str,
    cnonce: &'static str,
    count: u32,
    method: Method,
    url: &'static str,
    body: Option<&'static [u8]>,
}

impl Default for Example {
    fn default() -> Self {
        Self {
            username: "Mufasa",
            password: "Circle of Life",
            challenge: "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
                        nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                        opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            count: 1,
            method: Method::GET,
            url: "http://www.example.org/dir/index.html",
            body: Some(b""),
        }
    }
}

impl Example {
    fn sent(&self) -> Option<(HeaderValue, Proof)> {
        let challenges = challenge::parse(self.challenge.as_bytes());
        let offer = Offer::strongest(&challenges, self.body.is_some())?;
        let session = Session {
            nonce: offer.nonce.clone(),
            cnonce: self.cnonce.to_owned(),
        };
        let turn = Turn {
            nonce: offer.nonce.as_slice().into(),
            offer: Arc::new(offer),
            count: self.count,
            session: Arc::new(session),
        };
        let credentials = Credentials::new(self.username, Secret::new(self.password)).unwrap();
        let url = Url::parse(self.url).unwrap();
        respond(&credentials, turn, &Asked::of(&self.method, &url, self.body))
    }

    fn line(&self) -> String {
        String::from_utf8(self.sent().unwrap().0.as_bytes().to_vec()).unwrap()
    }
}

/// What is behind `name=` in a line.
fn part(line: &str, name: &str) -> String {
    let found = line.split(", ").find_map(|part| {
        let (own, value) = part.trim_start_matches("Digest ").split_once('=')?;
        (own == name).then_some(value)
    });
    found.unwrap_or_default().to_owned()
}

/// RFC 7616, section 3.9.1.
#[test]
fn md5_of_rfc_7616() {
    assert_eq!(
        Example::default().line(),
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
         algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
         cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
         response=\"8ca523f5e9506fed4657c9700eebdbec\", \
         opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
    );
}

/// The same section; of both challenges the stronger.
#[test]
fn sha_256_of_rfc_7616() {
    let challenge = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
                     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                     opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", \
                     Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
                     nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                     opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    let example = Example {
        challenge,
        ..Example::default()
    };
    assert_eq!(
        example.line(),
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
         algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
         cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
         response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", \
         opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
    );
}

/// RFC 7616, section 3.9.2, with the hashes of its erratum 4897: those printed are of another algorithm.
#[test]
fn sha_512_256_of_rfc_7616() {
    let example = Example {
        username: "J\u{e4}s\u{f8}n Doe",
        password: "Secret, or not?",
        challenge: "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
                    nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
                    opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true",
        cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
        url: "http://api.example.org/doe.json",
        ..Example::default()
    };
    assert_eq!(
        example.line(),
        "Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", \
         realm=\"api@example.org\", uri=\"/doe.json\", algorithm=SHA-512-256, \
         nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", nc=00000001, \
         cnonce=\"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v\", qop=auth, \
         response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\", \
         opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", userhash=true"
    );
}

/// RFC 2617, section 3.5. No algorithm came, so none goes.
#[test]
fn md5_of_rfc_2617() {
    let example = Example {
        password: "Circle Of Life",
        challenge: "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
                    nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        cnonce: "0a4f113b",
        url: "http://www.nowhere.org/dir/index.html",
        ..Example::default()
    };
    assert_eq!(
        example.line(),
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", nc=00000001, cnonce=\"0a4f113b\", qop=auth, \
         response=\"6629fae49393a05397450978507c4ef1\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
    );
}

/// RFC 2069, section 2.4, with the response of its erratum 749.
#[test]
fn without_qop() {
    let example = Example {
        password: "CircleOfLife",
        challenge: "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        url: "http://www.nowhere.org/dir/index.html",
        ..Example::default()
    };
    assert_eq!(
        example.line(),
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", uri=\"/dir/index.html\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", response=\"1949323746fe6a43ef61f9606e7febea\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
    );
}

#[test]
fn a_session_has_the_key_of_its_first_nonces() {
    let example = Example {
        challenge: "Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=MD5-sess",
        cnonce: "c",
        ..Example::default()
    };
    let md5 = |parts: &[&str]| Hash::Md5.of(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
    let key = md5(&[&md5(&["Mufasa", "r", "Circle of Life"]), "n", "c"]);
    let about = md5(&["GET", "/dir/index.html"]);
    let expected = md5(&[&key, "n", "00000001", "c", "auth", &about]);
    assert_eq!(part(&example.line(), "response"), format!("\"{expected}\""));
    assert_eq!(part(&example.line(), "algorithm"), "MD5-sess");
    // And keeps it when the server goes on to another nonce.
    let (_, proof) = example.sent().unwrap();
    let turn = Turn {
        nonce: b"n2".as_slice().into(),
        ..proof.turn
    };
    let credentials = Credentials::new(example.username, Secret::new(example.password)).unwrap();
    let url = Url::parse(example.url).unwrap();
    let (value, _) = respond(&credentials, turn, &Asked::of(&Method::GET, &url, None)).unwrap();
    let expected = md5(&[&key, "n2", "00000001", "c", "auth", &about]);
    assert_eq!(
        part(value.to_str().unwrap(), "response"),
        format!("\"{expected}\"")
    );
}

#[test]
fn the_body_counts_if_it_must() {
    let example = |challenge, body| Example {
        challenge,
        method: Method::POST,
        cnonce: "c",
        body,
        ..Example::default()
    };
    let only = "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"";
    let line = example(only, Some(b"body")).line();
    let md5 = |parts: &[&str]| Hash::Md5.of(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
    let key = md5(&["Mufasa", "r", "Circle of Life"]);
    let about = md5(&["POST", "/dir/index.html", &md5(&["body"])]);
    let expected = md5(&[&key, "n", "00000001", "c", "auth-int", &about]);
    assert_eq!(part(&line, "response"), format!("\"{expected}\""));
    assert_eq!(part(&line, "qop"), "auth-int");
    // Not known beforehand: no answer, unless another challenge can do without.
    assert!(example(only, None).sent().is_none());
    let both = "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\", algorithm=SHA-256, \
                Digest realm=\"r\", nonce=\"m\", qop=\"auth\"";
    assert_eq!(part(&example(both, None).line(), "nonce"), "\"m\"");
    assert_eq!(part(&example(both, Some(b"")).line(), "nonce"), "\"n\"");
}

#[test]
fn names_beyond_ascii() {
    let line = |challenge| {
        let example = Example {
            username: "J\u{e4}s\u{f8}n \"Doe\"",
            challenge,
            ..Example::default()
        };
        example.line()
    };
    let told = line("Digest realm=r, nonce=n, qop=auth, charset=utf-8");
    assert_eq!(part(&told, "username*"), "UTF-8''J%C3%A4s%C3%B8n%20%22Doe%22");
    assert_eq!(part(&told, "username"), "");
    let untold = line("Digest realm=r, nonce=n, qop=auth");
    assert_eq!(part(&untold, "username"), "\"J\u{e4}s\u{f8}n \\\"Doe\\\"\"");
}

#[test]
fn what_came_goes_back_as_it_was() {
    let example = Example {
        challenge: "Digest realm=\"a \\\"b\\\", c\\\\\", nonce=\"n\\n\", opaque=\"\", qop=auth, algorithm=md5",
        ..Example::default()
    };
    let line = example.line();
    assert!(line.contains("realm=\"a \\\"b\\\", c\\\\\", "), "{line}");
    assert_eq!(part(&line, "nonce"), "\"nn\"");
    assert_eq!(part(&line, "opaque"), "\"\"");
    assert_eq!(part(&line, "algorithm"), "MD5");
}

#[test]
fn the_uri_is_path_and_query() {
    let example = Example {
        url: "http://h/a%20b;c?d=%2F&e=f#g",
        count: 0x1f,
        ..Example::default()
    };
    let line = example.line();
    assert_eq!(part(&line, "uri"), "\"/a%20b;c?d=%2F&e=f\"");
    assert_eq!(part(&line, "nc"), "0000001f");
}

#[test]
fn what_is_not_known_is_not_answered() {
    for challenge in [
        "Basic realm=r",
        "Digest realm=r, qop=auth",
        "Digest realm=r, nonce=n, qop=better",
        "Digest realm=r, nonce=n, algorithm=SHA-3",
        "Negotiate",
    ] {
        let example = Example {
            challenge,
            ..Example::default()
        };
        assert!(example.sent().is_none(), "{challenge}");
    }
}

#[test]
fn the_server_proves_itself() {
    let (_, proof) = Example::default().sent().unwrap();
    let about = Hash::Md5.of(&[b"", b"/dir/index.html"]);
    let right = sign(Hash::Md5, &proof.key, &proof.turn, Quality::Auth, &about);
    let info = |value: &str| challenge::parse_params(value.as_bytes());
    assert!(proof.allows(&info(&format!("rspauth=\"{right}\", qop=auth"))));
    assert!(proof.allows(&info("nextnonce=\"x\"")));
    assert!(!proof.allows(&info("rspauth=\"0123\", qop=auth")));
}

#[test]
fn nothing_shows_secrets() {
    let (value, proof) = Example::default().sent().unwrap();
    let sent = crate::http::auth::asked::Sent::new(value);
    let shown = format!("{sent:?} {proof:?}");
    let key = Hash::Md5.of(&[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
    assert!(!shown.contains(&key), "{shown}");
    assert!(!shown.contains("8ca523f5"), "{shown}");
}
