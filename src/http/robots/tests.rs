//! The RFC's examples, Google's, and files as hostile as they come.

use super::*;

fn url(path: &str) -> Url {
    Url::parse("https://user:secret@example.org:8443")
        .unwrap()
        .join(path)
        .unwrap()
}

fn allows(file: impl AsRef<[u8]>, agent: &str, path: &str) -> bool {
    Rules::parse(file.as_ref(), agent).allows(&url(path))
}

/// Whether a rule with that path covers the URL.
fn covers(rule: &str, path: &str) -> bool {
    !allows(format!("user-agent: *\ndisallow: {rule}\n"), "mybot", path)
}

fn delay_of(file: &str, agent: &str) -> Option<Duration> {
    Rules::parse(file.as_bytes(), agent).crawl_delay()
}

#[test]
fn one_for_all_and_shared_by_threads() {
    fn shared<T: Send + Sync + std::fmt::Debug>() {}
    shared::<Rules>();
    for path in ["/", "/a?b", "/robots.txt"] {
        assert!(Rules::allow_all().allows(&url(path)));
        assert_eq!(Rules::disallow_all().allows(&url(path)), path == "/robots.txt");
    }
    assert_eq!(Rules::allow_all().crawl_delay(), None);
    assert_eq!(Rules::disallow_all().crawl_delay(), None);
    // No path to speak of, and no panic.
    assert!(!Rules::disallow_all().allows(&Url::parse("mailto:a@example.org").unwrap()));
}

/// Section 2.2.2: a path of the file, and the URL that it is to match.
#[test]
fn the_table_of_the_rfc() {
    for (rule, path) in [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        (
            "/foo/bar?baz=https://foo.bar",
            "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
        ),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        // Section 2.2.3.
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
    ] {
        assert!(covers(rule, path), "{rule} {path}");
        assert!(!covers(rule, "/foo/ba"), "{rule}");
    }
}

#[test]
fn encoded_or_not_is_the_same() {
    for (one, other) in [
        ("/baz", "/%62a%7A"),
        ("/%e3%83%84", "/ツ"),
        ("/a:b@c!d", "/a%3Ab%40c%21d"),
        ("/a|b\"c", "/a%7cb%22c"),
        ("/a%20b", "/a%20b"),
        ("/100%", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/%", "/%25"),
        ("/a?u=x/y?z", "/a?u=x%2fy%3fz"),
        ("/~joe", "/%7Ejoe"),
    ] {
        assert!(covers(one, one), "{one}");
        assert!(covers(one, other), "{one} {other}");
        assert!(covers(other, one), "{other} {one}");
        assert!(covers(other, other), "{other}");
    }
    // In a path these separate, and encoded they do not.
    for (one, other) in [("/a/b", "/a%2Fb"), ("/a?b", "/a%3Fb")] {
        assert!(covers(one, one) && covers(other, other));
        assert!(!covers(one, other) && !covers(other, one), "{one} {other}");
    }
    // The rule need not show where the query begins.
    for rule in [
        "/*u=http://x",
        "/*u=http%3A%2F%2Fx",
        "/*?u=http:%2f/x",
        "*=http:/*/x",
    ] {
        assert!(covers(rule, "/r?u=http://x"), "{rule}");
        assert!(covers(rule, "/r?u=http%3a%2F%2fx"), "{rule}");
    }
    // A star or dollar of the URL is no sign, and only the last dollar of a rule is.
    assert!(!covers("/%2A$", "/abc"));
    assert!(!covers("/a%24", "/a"));
    assert!(covers("/a$b", "/a$bc") && !covers("/a$b", "/a"));
    assert!(covers("/a$$", "/a$") && !covers("/a$$", "/a$$"));
    // The signs of our own form cannot be written.
    for octet in 0x80..=0x85_u8 {
        let file = [b"user-agent: *\ndisallow: /a".as_slice(), &[octet]].concat();
        assert!(allows(&file, "mybot", "/abc"), "{octet:x}");
        assert!(!allows(&file, "mybot", &format!("/a%{octet:x}")), "{octet:x}");
    }
}

const SIMPLE: &str = "\
    User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n\
    User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n\
    User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\n\
    User-Agent: quxbot\n\nEOF";

/// Section 5.1.
#[test]
fn the_simple_example_of_the_rfc() {
    for (agent, path, allowed) in [
        ("anybot", "/a.gif", false),
        ("anybot", "/a.gif?b", true),
        ("anybot", "/example/", false),
        ("anybot", "/publications/x", true),
        // Longer than `*.gif$`.
        ("anybot", "/publications/x.gif", true),
        ("foobot", "/", false),
        ("foobot", "/publications/", false),
        ("FooBot", "/example/page.html", true),
        ("foobot", "/example/allowed.gif", true),
        ("barbot", "/example/page.html", false),
        ("bazbot", "/example/page.html", false),
        ("bazbot", "/example/a.gif", true),
        // It has a group, and no rules.
        ("quxbot", "/example/", true),
    ] {
        assert_eq!(allows(SIMPLE, agent, path), allowed, "{agent} {path}");
    }
}

/// Section 5.2.
#[test]
fn the_longest_match_of_the_rfc() {
    let file = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
    assert!(!allows(file, "foobot", "/example/page/disallowed.gif"));
    assert!(allows(file, "foobot", "/example/page/disallowed.png"));
    assert!(allows(file, "barbot", "/example/page/disallowed.gif"));
}

#[test]
fn the_paths_of_google() {
    let fish = [
        "/fish",
        "/fish.html",
        "/fish/salmon.html",
        "/fishheads",
        "/fishheads/yummy.html",
        "/fish.php?id=anything",
    ];
    let no_fish = ["/Fish.asp", "/catfish", "/?id=fish", "/desert/fish"];
    let table: &[(&str, &[&str], &[&str])] = &[
        ("/", &["/", "/a", "/?b"], &[]),
        ("/*", &["/", "/a", "/?b"], &[]),
        ("/$", &["/"], &["/a", "/?b"]),
        ("/fish", &fish, &no_fish),
        ("/fish*", &fish, &no_fish),
        (
            "/fish/",
            &["/fish/", "/fish/?id=anything", "/fish/salmon.htm"],
            &["/fish", "/fish.html", "/animals/fish/", "/Fish/Salmon.asp"],
        ),
        (
            "/*.php",
            &[
                "/index.php",
                "/filename.php",
                "/folder/any.php.file.html",
                "/filename.php/",
                "/a.php?b",
            ],
            &["/", "/windows.PHP"],
        ),
        (
            "/*.php$",
            &["/filename.php", "/folder/filename.php", "/a.php.php"],
            &[
                "/filename.php?parameters",
                "/filename.php/",
                "/filename.php5",
                "/windows.PHP",
            ],
        ),
        (
            "/fish*.php",
            &["/fish.php", "/fishheads/catfish.php?parameters"],
            &["/Fish.PHP"],
        ),
        // Without a slash in front, as it was surely meant.
        ("fish/", &["/fish/a"], &["/a/fish/"]),
        ("*fish", &["/a/fish/"], &["/a"]),
    ];
    for (rule, covered, others) in table {
        for path in *covered {
            assert!(covers(rule, path), "{rule} {path}");
        }
        for path in *others {
            assert!(!covers(rule, path), "{rule} {path}");
        }
    }
}

#[test]
fn the_precedence_of_google() {
    for (allow, disallow, path, allowed) in [
        ("/p", "/", "/page", true),
        ("/folder", "/folder", "/folder/page", true),
        ("/page", "/*.htm", "/page.htm", false),
        ("/page", "/*.ph", "/page.php5", true),
        ("/$", "/", "/", true),
        ("/$", "/", "/page.htm", false),
    ] {
        let rules = [format!("allow: {allow}\n"), format!("disallow: {disallow}\n")];
        for rules in [rules.concat(), rules.iter().rev().map(String::as_str).collect()] {
            let file = format!("user-agent: *\n{rules}");
            assert_eq!(allows(&file, "mybot", path), allowed, "{file} {path}");
        }
    }
}

#[test]
fn groups() {
    // Split, and merged: a group of one's own, without that of `*`.
    let split =
        "User-agent: mybot\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n\nUser-agent: MYBOT\nDisallow: /c";
    for (path, named, other) in [("/a", false, true), ("/b", true, false), ("/c", false, true)] {
        assert_eq!(allows(split, "mybot", path), named, "{path}");
        assert_eq!(allows(split, "otherbot", path), other, "{path}");
    }
    // Several agents before the rules, whatever stands between them.
    let several = "User-agent: a\n\n# and\nSitemap: https://x/\nHost: y\nUser-agent: b\nUser-agent: *\nDisallow: /x\nNonsense\nDisallow: /y";
    for agent in ["a", "b", "c"] {
        assert!(
            !allows(several, agent, "/x") && !allows(several, agent, "/y"),
            "{agent}"
        );
    }
    // Rules before any group are nobody's; an empty one ends the naming of agents all the same.
    assert!(allows("Disallow: /\nUser-agent: *\nDisallow: /a", "mybot", "/b"));
    let empty = "User-agent: mybot\nDisallow:\nUser-agent: *\nDisallow: /";
    assert!(allows(empty, "mybot", "/a") && !allows(empty, "otherbot", "/a"));
    assert!(!allows("User-agent: *\nDisallow: /\nAllow:", "mybot", "/a"));
    // Nothing to read at all.
    for file in [
        "",
        "\n\r\n",
        "User-agent: *",
        "User-agent:\nDisallow: /",
        ":",
        "<html>\n<p>no: /\n",
        "{\"a\": 1}",
    ] {
        assert!(allows(file, "mybot", "/a"), "{file:?}");
    }
}

#[test]
fn agents() {
    for (line, agent, named) in [
        ("mybot", "MyBot", true),
        ("MYBOT/1.2 (comment)", "mybot", true),
        ("mybot", "mybot/1.2 (+https://example.org)", true),
        ("MJ12bot", "mj12bot", true),
        ("my", "mybot", false),
        ("mybot-images", "mybot", false),
        ("mybot", "mybot-images", false),
        ("* mybot", "mybot", true),
        ("*bot", "mybot", false),
        ("*", "", true),
        ("*", "*", true),
        ("", "", false),
    ] {
        let file = format!("User-agent: {line}\nDisallow: /");
        assert_eq!(!allows(&file, agent, "/a"), named, "{line} {agent}");
    }
}

#[test]
fn the_product_token_of_a_header() {
    for (header, token) in [
        ("mybot/1.2 (+https://example.org)", Some("mybot")),
        ("mybot", Some("mybot")),
        (" my-bot_x; y", Some("my-bot_x")),
        ("MJ12bot/v1.4.8", Some("MJ12bot")),
        ("Mozilla/5.0 (compatible; mybot/1.0)", Some("Mozilla")),
        ("python-requests/2.32", Some("python-requests")),
        ("bötchen/1", Some("b")),
        ("", None),
        ("  ", None),
        ("*", None),
        ("/1.2", None),
        ("(mybot)", None),
        ("ö", None),
    ] {
        assert_eq!(product_token(header), token, "{header:?}");
    }
}

#[test]
fn lines_as_they_are_written() {
    for file in [
        "user-agent: *\r\ndisallow: /a\r\n",
        "user-agent: *\rdisallow: /a\r",
        "user-agent: *\r\r\n\ndisallow: /a",
        "\u{feff}USER-AGENT: *\nDISALLOW: /a",
        "  User-agent :\t*  # all\n\tDisallow\t:/a# comment\n",
        "User agent: *\nDissallow: /a",
        "useragent *\ndisallow /a",
        "user-agent: *\ndisallow: /a\0\0\0",
        "user-agent: *\ndisallow\ndisallow /b /c\ndisallow: /a",
    ] {
        assert!(!allows(file, "mybot", "/a/b"), "{file:?}");
        assert!(allows(file, "mybot", "/b"), "{file:?}");
    }
    assert!(!allows("user-agent: *\ndisallow: /a b", "mybot", "/a%20b"));
    assert!(allows("user-agent: *\ndisallow: /a:b", "mybot", "/a"));
}

#[test]
fn octets_that_are_no_text() {
    let file = b"\xff\xfe\nuser-agent: \xff\nuser-agent: *\n\0\ndis\xffallow: /b\ndisallow: /\xff\0x\nallow: \0\ndisallow: /a\n";
    assert!(!allows(file, "mybot", "/%ff%00xy"));
    assert!(!allows(file, "mybot", "/a"));
    assert!(allows(file, "mybot", "/b"));
    let utf16: Vec<u8> = "user-agent: *\ndisallow: /\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(allows(utf16, "mybot", "/a"));
}

#[test]
fn no_more_than_the_limit() {
    let head = "user-agent: *\ndisallow: /a\n";
    let file = |last: &str, within: usize, after: &str| {
        let comment = "#".repeat(line::LIMIT - head.len() - within - 1);
        format!("{head}{comment}\n{last}{after}")
    };
    let last = "allow: /a/b";
    for (within, after, read) in [
        (last.len(), "", true),
        (last.len(), "\nallow: /a\n", true),
        (last.len(), "\rallow: /a\n", true),
        // Cut: `allow: /a/` must not be taken for all there is.
        (last.len() - 1, "", false),
        (last.len() - 1, "\n", false),
        (last.len(), "/c\n", false),
        (0, "\n", false),
    ] {
        let file = file(last, within, after);
        assert_eq!(allows(&file, "mybot", "/a/bc"), read, "{within} {after:?}");
        assert!(!allows(&file, "mybot", "/a/"), "{within} {after:?}");
    }
    // Nothing but one line, too long.
    assert!(allows(
        format!("user-agent: {}", "*".repeat(line::LIMIT)),
        "mybot",
        "/"
    ));
}

#[test]
fn crawl_delays() {
    for (value, seconds) in [
        ("0", Some(0.0)),
        ("0.5", Some(0.5)),
        ("10 # slowly", Some(10.0)),
        ("1e9", Some(1e9)),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("1e30", None),
        ("-1", None),
        ("5s", None),
        ("1,5", None),
        ("", None),
        ("\u{ff15}", None),
    ] {
        let file = format!("User-agent: *\nCrawl-delay: {value}\nDisallow: /a");
        assert_eq!(
            delay_of(&file, "mybot"),
            seconds.map(Duration::from_secs_f64),
            "{value}"
        );
        assert!(!allows(&file, "mybot", "/a"), "{value}");
    }
    // The longest there is; one of no number changes nothing.
    let file = "User-agent: a\nCrawl-delay: 2\nDisallow: /x\nCrawl-delay: no\nUser-agent: *\nCrawl-delay: 9\nDisallow: /y\nUser-agent: a\nCrawl-delay: 1";
    assert_eq!(delay_of(file, "a"), Some(Duration::from_secs(2)));
    assert_eq!(delay_of(file, "b"), Some(Duration::from_secs(9)));
    // It ends no naming of agents, and is for those above it.
    let between = "User-agent: a\nCrawl-delay: 3\nUser-agent: *\nDisallow: /x";
    assert_eq!(delay_of(between, "a"), Some(Duration::from_secs(3)));
    assert_eq!(delay_of(between, "b"), None);
    assert!(!allows(between, "a", "/x") && !allows(between, "b", "/x"));
    assert_eq!(delay_of("Crawl-delay: 3\nUser-agent: *", "a"), None);
}

/// What the pattern means, tried out in all ways.
fn naive(pattern: &[u8], path: &[u8]) -> bool {
    match pattern {
        [] => true,
        b"$" => path.is_empty(),
        [b'*', rest @ ..] => (0..=path.len()).any(|taken| naive(rest, path.get(taken..).unwrap())),
        [octet, rest @ ..] => path.first() == Some(octet) && naive(rest, path.get(1..).unwrap()),
    }
}

#[test]
fn like_a_naive_matcher() {
    // xorshift64: any numbers will do, if they are the same in each run.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % limit
    };
    let mut text = |first: &[u8], letters: &[u8], most: usize| {
        let length = below(most + 1);
        let rest = (0..length).map(|_| *letters.get(below(letters.len())).unwrap());
        String::from_utf8(first.iter().copied().chain(rest.collect::<Vec<_>>()).collect()).unwrap()
    };
    let mut matched = 0;
    for _ in 0..60_000 {
        // The dollar is a sign at the end alone, and the paths have none, so in the middle nothing matches it.
        let pattern = text(b"/", b"ab/***$", 9);
        let path = text(b"/", b"aab/", 11);
        let expected = naive(pattern.as_bytes(), path.as_bytes());
        let found = Pattern::new(pattern.as_bytes()).matches(&Target::new(&path), &mut { WORK });
        assert_eq!(found, Some(expected), "{pattern} {path}");
        matched += usize::from(expected);
    }
    assert!((5_000..55_000).contains(&matched), "{matched}");
}

/// As many lines as fit into what is read.
fn hostile(line: impl Fn(usize) -> String) -> String {
    let mut file = String::from("user-agent: *\n");
    for number in 0.. {
        let line = line(number);
        if file.len() + line.len() > line::LIMIT {
            break;
        }
        file += &line;
    }
    file
}

#[test]
fn what_costs_too_much_allows_nothing() {
    let long = format!("/{}", "a".repeat(4000));
    // Each of these rules is tried at each character, and matches nowhere: there are `ab` and `bc`, but no `abc`.
    let rule = |number: usize| format!("disallow: /*{}bc\n", "a".repeat(number));
    let path = format!("{long}babdbc");
    assert!(allows(format!("user-agent: *\n{}", rule(100)), "mybot", &path));
    let file = hostile(|number| rule(number % 200));
    assert!(!allows(file, "mybot", &path));
    let costly = Pattern::new(format!("/*{}bc", "a".repeat(1900)).as_bytes());
    assert_eq!(costly.matches(&Target::new(&path), &mut { WORK }), None);

    // Many rules that cost next to nothing are no reason: the URL does not end with `b`.
    let file = hostile(|number| format!("disallow: /*a{number}*b\n"));
    assert!(allows(&file, "mybot", &long));
    let one = format!("user-agent: *\ndisallow: /{}b", "*a".repeat(100_000));
    assert!(allows(one, "mybot", &long));
    // A rule that is repeated counts once.
    let file = hostile(|_| "disallow: /*aaaab\n".to_owned());
    assert_eq!(Rules::parse(file.as_bytes(), "mybot").rules.len(), 1);
    assert!(allows(file, "mybot", &format!("{long}cb")));
}
