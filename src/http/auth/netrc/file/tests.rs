//! Files as people write them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// `host login:password`, as the header has it.
fn entries(text: &str) -> Vec<(Option<String>, Option<Arc<Basic>>)> {
    let all = parse(text.as_bytes()).unwrap().into_iter();
    all.map(|entry| (entry.host, entry.basic)).collect()
}

fn entry(host: &str, login: &str, password: &str) -> (Option<String>, Option<Arc<Basic>>) {
    let credentials = Credentials::new(login, Secret::new(password)).unwrap();
    let host = (host != "*").then(|| host.to_owned());
    (host, Some(Arc::new(Basic::new(credentials).unwrap())))
}

#[test]
fn any_arrangement_of_lines() {
    for text in [
        "machine h login me password p",
        "machine h\n\tlogin me\r\n\tpassword p\r\n",
        "\u{feff}machine\nh\nlogin\nme\npassword\np",
        "# first\nmachine h # login you\n#\nlogin me password p #",
        "machine H account a password p user me",
        "machine h login \"me\" password \"p\"",
        "machine h login m\\e password \\p",
        "macdef init\nmachine x login y\n\nmachine h login me password p",
        "machine h login me password p\nmacdef init\nmachine x",
    ] {
        assert_eq!(entries(text), [entry("h", "me", "p")], "{text:?}");
    }
}

#[test]
fn values_are_what_they_look_like_least() {
    let text = "machine h login machine password #p\n\
                machine i login \"a b\" password \"\\\"q\\\\ \u{e4}\"\n\
                machine j password \"\"\n\
                default login any";
    let expected = [
        entry("h", "machine", "#p"),
        entry("i", "a b", "\"q\\ \u{e4}"),
        entry("j", "", ""),
        entry("*", "any", ""),
    ];
    assert_eq!(entries(text), expected);
}

#[test]
fn hosts_are_as_urls_have_them() {
    for (host, canonical) in [
        ("EXAMPLE.com", "example.com"),
        ("b\u{fc}cher.de", "xn--bcher-kva.de"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("0:0::1", "::1"),
    ] {
        assert_eq!(super::canonical(host.as_bytes()), canonical, "{host}");
    }
}

#[test]
fn an_entry_without_anything() {
    assert_eq!(
        entries("machine h\nmachine i"),
        [(Some("h".into()), None), (Some("i".into()), None)]
    );
    assert_eq!(entries(""), []);
    assert_eq!(entries("  \n# nothing"), []);
}

#[test]
fn faults_have_their_line_and_no_secret() {
    for (text, line, what) in [
        ("machine h\nlogin me password my secret", 2, "expected machine"),
        ("login me", 1, "before the first machine"),
        ("\n\nmachine", 3, "nothing follows machine"),
        ("machine h password\n\n", 1, "nothing follows password"),
        ("machine h\npassword \"secret", 2, "quote"),
        ("\nmachine h\nlogin se:cret password x", 2, "colon"),
        (
            "machine h login x password \"secret\u{1}\"",
            1,
            "control character",
        ),
    ] {
        let fault = parse(text.as_bytes()).unwrap_err();
        assert_eq!(fault.line, line, "{text:?}");
        assert!(fault.what.contains(what), "{text:?}: {}", fault.what);
        assert!(!fault.what.contains("secret"), "{}", fault.what);
    }
}
