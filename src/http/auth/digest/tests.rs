//! Conversations: what is sent when, for as long as the server has something new to say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::header::{HeaderName, PROXY_AUTHENTICATE, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};
use url::Url;

use super::*;
use crate::http::auth::credentials::Secret;

const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

fn digest() -> Digest {
    Digest::new(Credentials::new("user", Secret::new("password")).unwrap())
}

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
}

/// A challenge of the realm `r`.
fn challenge(params: &str) -> HeaderMap {
    let value = format!("Digest realm=r, qop=auth, {params}");
    headers(WWW_AUTHENTICATE, &value)
}

fn info(value: &str) -> HeaderMap {
    headers(HeaderName::from_static("authentication-info"), value)
}

/// Nonce and count.
fn turn(sent: &Option<Sent>) -> Option<(String, u32)> {
    let turn = &sent.as_ref()?.proof.as_ref()?.turn;
    Some((String::from_utf8_lossy(&turn.nonce).into_owned(), turn.count))
}

fn at(nonce: &str, count: u32) -> Option<(String, u32)> {
    Some((nonce.to_owned(), count))
}

/// One `Digest`, asked about GETs.
struct Talk {
    digest: Digest,
}

impl Talk {
    fn new() -> Self {
        Self { digest: digest() }
    }

    fn authorize(&self, url: &str) -> Option<Sent> {
        let url = Url::parse(url).unwrap();
        self.digest.authorize(&Asked::of(&Method::GET, &url, None))
    }

    fn answer(&self, url: &str, headers: &HeaderMap, sent: Option<&Sent>) -> Option<Sent> {
        let url = Url::parse(url).unwrap();
        let asked = Asked::of(&Method::GET, &url, None);
        self.digest.answer(&asked, REFUSED, headers, sent)
    }

    fn learn(&self, url: &str, headers: &HeaderMap, sent: &Sent) {
        let url = Url::parse(url).unwrap();
        let asked = Asked::of(&Method::GET, &url, None);
        self.digest.learn(&asked, StatusCode::OK, headers, sent);
    }

    /// Answers a challenge, and the server likes it.
    fn accepted(&self, url: &str, headers: &HeaderMap) -> Option<Sent> {
        let sent = self.answer(url, headers, None)?;
        self.learn(url, &HeaderMap::new(), &sent);
        Some(sent)
    }
}

#[test]
fn nonces_are_counted() {
    let talk = Talk::new();
    assert!(talk.authorize("http://h/").is_none());
    let first = talk.accepted("http://h/", &challenge("nonce=a"));
    assert_eq!(turn(&first), at("a", 1));
    assert!(first.unwrap().value().is_sensitive());
    assert_eq!(turn(&talk.authorize("http://h/x")), at("a", 2));
    assert_eq!(turn(&talk.authorize("http://h/y?z")), at("a", 3));
    // Another request was challenged meanwhile, with the same nonce and then with a new one.
    assert_eq!(
        turn(&talk.answer("http://h/", &challenge("nonce=a"), None)),
        at("a", 4)
    );
    assert_eq!(
        turn(&talk.accepted("http://h/", &challenge("nonce=b"))),
        at("b", 1)
    );
    // A late answer brings the old one back: the count goes on.
    assert_eq!(
        turn(&talk.answer("http://h/", &challenge("nonce=a"), None)),
        at("a", 5)
    );
    assert_eq!(turn(&talk.authorize("http://h/")), at("b", 2));
}

#[test]
fn a_nonce_is_of_one_request_until_it_is_accepted() {
    let talk = Talk::new();
    let first = talk
        .answer("http://h/", &challenge("nonce=a, opaque=x"), None)
        .unwrap();
    assert!(talk.authorize("http://h/").is_none());
    let second = talk.answer("http://h/", &challenge("nonce=b, opaque=y"), None);
    assert_eq!(turn(&second), at("b", 1));
    talk.learn("http://h/", &HeaderMap::new(), &first);
    let sent = talk.authorize("http://h/");
    assert_eq!(turn(&sent), at("a", 2));
    // And with what came along with it.
    assert!(sent.unwrap().value().to_str().unwrap().contains("opaque=\"x\""));
}

#[test]
fn counts_are_given_out_once_to_threads() {
    let talk = Talk::new();
    talk.accepted("http://h/", &challenge("nonce=a")).unwrap();
    let mut counts: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..100)
                        .map(|_| turn(&talk.authorize("http://h/")).unwrap().1)
                        .collect()
                })
            })
            .collect();
        let counts = threads.into_iter().map(|thread| thread.join().unwrap());
        counts.collect::<Vec<Vec<u32>>>().concat()
    });
    counts.sort_unstable();
    assert_eq!(counts, (2..402).collect::<Vec<u32>>());
}

#[test]
fn a_wrong_password_is_tried_once() {
    let talk = Talk::new();
    let sent = talk.accepted("http://h/", &challenge("nonce=a"));
    // It was right, until the user changed it.
    assert!(
        talk.answer("http://h/", &challenge("nonce=b"), sent.as_ref())
            .is_none()
    );
    // And not sent unasked after that.
    assert!(talk.authorize("http://h/").is_none());
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let talk = Talk::new();
    let stale = |nonce: &str| challenge(&format!("nonce={nonce}, stale=TRUE"));
    let mut sent = talk.answer("http://h/", &challenge("nonce=a"), None);
    assert_eq!(turn(&sent), at("a", 1));
    for nonce in ["b", "c"] {
        sent = talk.answer("http://h/", &stale(nonce), sent.as_ref());
        assert_eq!(turn(&sent), at(nonce, 1));
    }
    assert!(talk.answer("http://h/", &stale("d"), sent.as_ref()).is_none());
}

#[test]
fn what_was_sent_unasked_may_be_refused_once_more() {
    let talk = Talk::new();
    talk.accepted("http://h/", &challenge("nonce=a")).unwrap();
    // The server was restarted, and does not call it stale.
    let unasked = talk.authorize("http://h/");
    let sent = talk.answer("http://h/", &challenge("nonce=b"), unasked.as_ref());
    assert_eq!(turn(&sent), at("b", 1));
    assert!(
        talk.answer("http://h/", &challenge("nonce=c"), sent.as_ref())
            .is_none()
    );
    // Nothing has changed but the server's mind.
    talk.accepted("http://h/", &challenge("nonce=d")).unwrap();
    let unasked = talk.authorize("http://h/");
    assert!(
        talk.answer("http://h/", &challenge("nonce=d"), unasked.as_ref())
            .is_none()
    );
}

#[test]
fn only_a_challenge_is_answered() {
    let digest = digest();
    let url = Url::parse("http://h/").unwrap();
    let asked = Asked::of(&Method::GET, &url, None);
    let answer = |status, headers: &HeaderMap| digest.answer(&asked, status, headers, None);
    assert!(answer(StatusCode::OK, &challenge("nonce=a")).is_none());
    assert!(answer(StatusCode::FORBIDDEN, &challenge("nonce=a")).is_none());
    let proxys = headers(PROXY_AUTHENTICATE, "Digest realm=r, nonce=a");
    assert!(answer(REFUSED, &proxys).is_none());
    assert!(answer(StatusCode::PROXY_AUTHENTICATION_REQUIRED, &proxys).is_none());
    assert!(answer(REFUSED, &HeaderMap::new()).is_none());
    // A password is not shown to a server that would rather see it.
    assert!(answer(REFUSED, &headers(WWW_AUTHENTICATE, "Basic realm=r")).is_none());
}

#[test]
fn the_strongest_of_several_headers() {
    let mut all = challenge("nonce=a, algorithm=MD5");
    let values = [
        "Basic realm=r, Digest realm=r, nonce=b, algorithm=SHA-256, qop=auth",
        "Digest realm=r, nonce=c, algorithm=SHA-256-sess, qop=auth, Digest realm=r, nonce=d, algorithm=SHA-9",
    ];
    for value in values {
        all.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
    }
    assert_eq!(turn(&Talk::new().answer("http://h/", &all, None)), at("b", 1));
}

#[test]
fn other_servers_see_nothing() {
    let talk = Talk::new();
    let domain = challenge("nonce=a, domain=\"/ http://other/\"");
    talk.accepted("http://h/", &domain).unwrap();
    for url in ["https://h/", "http://h:8080/", "http://other/", "http://h.h/"] {
        assert!(talk.authorize(url).is_none(), "{url}");
    }
    assert!(talk.authorize("http://h:80/").is_some());
}

#[test]
fn the_domain_says_where() {
    let talk = Talk::new();
    let domain = challenge("nonce=a, domain=\"/private http://h/too\"");
    talk.accepted("http://h/private/x", &domain).unwrap();
    for (url, belongs) in [
        ("http://h/private", true),
        ("http://h/private/y?z", true),
        ("http://h/too/", true),
        ("http://h/privates", false),
        ("http://h/", false),
    ] {
        assert_eq!(talk.authorize(url).is_some(), belongs, "{url}");
    }
    // Of two that fit, the one that says more.
    let value = "Digest realm=inner, nonce=i, qop=auth, domain=\"/private/inner\"";
    let inner = headers(WWW_AUTHENTICATE, value);
    talk.accepted("http://h/private/inner/", &inner).unwrap();
    assert_eq!(turn(&talk.authorize("http://h/private/inner/x")), at("i", 2));
    assert_eq!(turn(&talk.authorize("http://h/private/")).unwrap().0, "a");
}

#[test]
fn the_next_nonce() {
    let talk = Talk::new();
    let sent = talk.answer("http://h/", &challenge("nonce=a"), None).unwrap();
    talk.learn("http://h/", &info("nextnonce=\"b\""), &sent);
    assert_eq!(turn(&talk.authorize("http://h/")), at("b", 1));
    // By someone who does not know the password.
    talk.learn(
        "http://h/",
        &info("nextnonce=\"c\", qop=auth, rspauth=\"0\""),
        &sent,
    );
    assert_eq!(turn(&talk.authorize("http://h/")), at("b", 2));
    // Said twice.
    talk.learn("http://h/", &info("nextnonce=\"b\""), &sent);
    assert_eq!(turn(&talk.authorize("http://h/")), at("b", 3));
}

#[test]
fn proxies_too() {
    let digest = digest();
    let proxy = Url::parse("http://proxy:3128/").unwrap();
    let asked = Asked::of_proxy(&Method::CONNECT, &proxy, "host:443", None);
    let status = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
    let headers = headers(
        PROXY_AUTHENTICATE,
        "Digest realm=r, nonce=a, qop=auth, domain=\"/x\"",
    );
    let sent = digest.answer(&asked, status, &headers, None).unwrap();
    digest.learn(&asked, status, &HeaderMap::new(), &sent);
    assert!(digest.authorize(&asked).is_none());
    digest.learn(&asked, StatusCode::OK, &HeaderMap::new(), &sent);
    assert!(sent.value().to_str().unwrap().contains("uri=\"host:443\""));
    assert_eq!(turn(&digest.authorize(&asked)), at("a", 2));
    // The server at the same address is somebody else.
    assert!(digest.authorize(&Asked::of(&Method::GET, &proxy, None)).is_none());
}

#[test]
fn memory_is_bounded() {
    let talk = Talk::new();
    for number in 0..200 {
        let nonce = challenge(&format!("nonce={number}"));
        talk.accepted("http://h/", &nonce).unwrap();
        talk.accepted(&format!("http://h{number}/"), &nonce).unwrap();
    }
    assert_eq!(turn(&talk.authorize("http://h199/")), at("199", 2));
    assert!(talk.authorize("http://h0/").is_none());
    assert_eq!(turn(&talk.authorize("http://h/")), at("199", 2));
    // So long ago that its count is forgotten.
    assert_eq!(
        turn(&talk.answer("http://h/", &challenge("nonce=0"), None)),
        at("0", 1)
    );
}
