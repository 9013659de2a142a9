"""Which cookies are kept, and where they go: RFC 6265bis, seen from `Cookies`."""

import threading
import time
from email.message import Message
from email.utils import formatdate
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import SimpleNamespace
from urllib.request import Request as LibraryRequest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Cookie, Cookies, Headers

DAY = 86_400


def kept(url: str, *headers: str | bytes) -> Cookies:
    cookies = Cookies()
    cookies.extract(url, headers)
    return cookies


# Where from, what is set, where to, and what goes there.
CASES = [
    # Names and values.
    ("http://a.test/", "a=1", "http://a.test/", "a=1"),
    ("http://a.test/", "  a \t=\t 1  ; Path=/", "http://a.test/", "a=1"),
    ("http://a.test/", 'a="1 2"', "http://a.test/", 'a="1 2"'),
    ("http://a.test/", "a=b=c", "http://a.test/", "a=b=c"),
    ("http://a.test/", "a=", "http://a.test/", "a="),
    ("http://a.test/", "a", "http://a.test/", "a"),
    ("http://a.test/", "=a", "http://a.test/", "a"),
    ("http://a.test/", "=a=b", "http://a.test/", "a=b"),
    ("http://a.test/", "=", "http://a.test/", None),
    ("http://a.test/", "", "http://a.test/", None),
    ("http://a.test/", "; Path=/", "http://a.test/", None),
    ("http://a.test/", "a=1,b=2", "http://a.test/", "a=1,b=2"),
    ("http://a.test/", "a=ä", "http://a.test/", "a=ä"),
    ("http://a.test/", b"a=\xe4", "http://a.test/", "a=ä"),
    ("http://a.test/", "a=1\tb", "http://a.test/", "a=1\tb"),
    ("http://a.test/", "a=1\x00", "http://a.test/", None),
    ("http://a.test/", "a=1\r\nb: c", "http://a.test/", None),
    ("http://a.test/", "a=1; Path=/\x7f", "http://a.test/", None),
    # Sizes.
    ("http://a.test/", "a=" + "x" * 4095, "http://a.test/", "a=" + "x" * 4095),
    ("http://a.test/", "a=" + "x" * 4096, "http://a.test/", None),
    ("http://a.test/x/y", "a=1; Path=/" + "p" * 1024, "http://a.test/x/", "a=1"),
    ("http://a.test/", "a=1; Domain=" + "d" * 1025, "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Other=" + "d" * 9000, "http://a.test/", "a=1"),
    # Domains.
    ("http://a.test/", "a=1", "http://b.a.test/", None),
    ("http://a.test/", "a=1; Domain=a.test", "http://b.a.test/", "a=1"),
    ("http://a.test/", "a=1; Domain=a.test", "http://ba.test/", None),
    ("http://b.a.test/", "a=1; Domain=.A.Test", "http://c.a.test/", "a=1"),
    ("http://b.a.test/", "a=1; domain = a.test", "http://a.test/", "a=1"),
    ("http://b.a.test/", "a=1; Domain=..a.test", "http://b.a.test/", None),
    ("http://a.test/", "a=1; Domain=b.a.test", "http://b.a.test/", None),
    ("http://a.test/", "a=1; Domain=b.test", "http://b.test/", None),
    ("http://a.test/", "a=1; Domain=", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Domain=", "http://b.a.test/", None),
    ("http://a.test/", "a=1; Domain=.", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Domain=b.test; Domain=a.test", "http://b.a.test/", "a=1"),
    ("http://a.test/", "a=1; Domain=a.test; Domain=b.test", "http://a.test/", None),
    ("http://a.test/", "a=1; Domain=ä.test", "http://a.test/", None),
    ("http://A.TEST/", "a=1", "http://a.test/", "a=1"),
    ("http://bücher.test/", "a=1; Domain=xn--bcher-kva.test", "http://x.bücher.test/", "a=1"),
    ("http://a.test:81/", "a=1", "http://a.test:82/", "a=1"),
    # Public suffixes.
    ("http://a.co.uk/", "a=1; Domain=co.uk", "http://a.co.uk/", None),
    ("http://a.co.uk/", "a=1; Domain=uk", "http://a.co.uk/", None),
    ("http://b.a.co.uk/", "a=1; Domain=a.co.uk", "http://a.co.uk/", "a=1"),
    ("http://a.github.io/", "a=1; Domain=github.io", "http://a.github.io/", None),
    ("http://github.io/", "a=1; Domain=github.io", "http://github.io/", "a=1"),
    ("http://github.io/", "a=1; Domain=github.io", "http://a.github.io/", None),
    ("http://a.unheard-of/", "a=1; Domain=unheard-of", "http://a.unheard-of/", None),
    ("http://a.公司.cn/", "a=1; Domain=xn--55qx5d.cn", "http://a.公司.cn/", None),
    ("http://a.com./", "a=1; Domain=com.", "http://a.com./", None),
    # Addresses and names without dots.
    ("http://127.0.0.1/", "a=1", "http://127.0.0.1/", "a=1"),
    ("http://127.0.0.1/", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "a=1"),
    ("http://127.0.0.1/", "a=1; Domain=0.0.1", "http://127.0.0.1/", None),
    ("http://127.0.0.1/", "a=1", "http://127.0.0.2/", None),
    ("http://[::1]/", "a=1; Domain=[::1]", "http://[0:0::1]/", "a=1"),
    ("http://localhost/", "a=1", "http://localhost:8000/", "a=1"),
    ("http://localhost/", "a=1; Domain=localhost", "http://localhost/", "a=1"),
    ("http://localhost/", "a=1; Domain=localhost", "http://x.localhost/", None),
    ("http://intranet/", "a=1", "http://intranet/", "a=1"),
    # Paths.
    ("http://a.test/x/y", "a=1", "http://a.test/x/", "a=1"),
    ("http://a.test/x/y", "a=1", "http://a.test/x", "a=1"),
    ("http://a.test/x/y", "a=1", "http://a.test/xy", None),
    ("http://a.test/x/y", "a=1", "http://a.test/", None),
    ("http://a.test/x", "a=1", "http://a.test/", "a=1"),
    ("http://a.test/x/y?z/w", "a=1", "http://a.test/x/z", "a=1"),
    ("http://a.test/x/y", "a=1; Path=/", "http://a.test/z", "a=1"),
    ("http://a.test/x/y", "a=1; Path=/z", "http://a.test/z/w", "a=1"),
    ("http://a.test/x/y", "a=1; Path=/z/", "http://a.test/z", None),
    ("http://a.test/x/y", "a=1; Path=z", "http://a.test/x/z", "a=1"),
    ("http://a.test/x/y", "a=1; Path=/z; Path=", "http://a.test/x/z", "a=1"),
    ("http://a.test/x/y", "a=1; Path=/Z", "http://a.test/z", None),
    ("http://a.test", "a=1; Path", "http://a.test/x", "a=1"),
    # Secure.
    ("https://a.test/", "a=1; Secure", "https://a.test/", "a=1"),
    ("https://a.test/", "a=1; sEcUrE=no", "http://a.test/", None),
    ("https://a.test/", "a=1", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Secure", "https://a.test/", None),
    ("http://localhost:8000/", "a=1; Secure", "http://localhost:8000/", "a=1"),
    ("http://x.localhost/", "a=1; Secure", "http://x.localhost/", "a=1"),
    ("http://127.0.0.1/", "a=1; Secure", "https://127.0.0.1/", None),
    # Prefixes.
    ("https://a.test/", "__Secure-a=1; Secure", "https://a.test/", "__Secure-a=1"),
    ("https://a.test/", "__Secure-a=1", "https://a.test/", None),
    ("https://a.test/", "__sEcUrE-a=1", "https://a.test/", None),
    ("https://a.test/", "__Host-a=1; Secure; Path=/", "https://a.test/", "__Host-a=1"),
    ("https://a.test/", "__Host-a=1; Secure", "https://a.test/", None),
    ("https://a.test/", "__Host-a=1; Path=/", "https://a.test/", None),
    ("https://a.test/", "__hOsT-a=1; Secure; Path=/; Domain=a.test", "https://a.test/", None),
    ("https://a.test/x/y", "__Host-a=1; Secure; Path=/x", "https://a.test/x/", None),
    ("https://a.test/", "=__Secure-a=1; Secure", "https://a.test/", None),
    ("https://a.test/", "__Host-a; Secure; Path=/", "https://a.test/", None),
    # SameSite has no effect, except that None is for secure cookies.
    ("http://a.test/", "a=1; SameSite=Strict", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; SameSite=None", "http://a.test/", None),
    ("https://a.test/", "a=1; SameSite=none; Secure", "https://a.test/", "a=1"),
    ("http://a.test/", "a=1; SameSite=None; SameSite=nonsense", "http://a.test/", "a=1"),
    # Times.
    ("http://a.test/", "a=1; Max-Age=100", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=0", "http://a.test/", None),
    ("http://a.test/", "a=1; Max-Age=-1", "http://a.test/", None),
    ("http://a.test/", "a=1; Max-Age=" + "9" * 40, "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=-" + "9" * 40, "http://a.test/", None),
    ("http://a.test/", "a=1; Max-Age=-", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=0.5", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=+0", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=0; Max-Age=x", "http://a.test/", None),
    ("http://a.test/", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.test/", None),
    ("http://a.test/", "a=1; Expires=Thursday, 01-Jan-70 00:00:00 GMT", "http://a.test/", None),
    ("http://a.test/", "a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Expires=soon", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://a.test/", "a=1"),
    ("http://a.test/", "a=1; Max-Age=0; Expires=Fri, 31 Dec 2100 23:59:59 GMT", "http://a.test/", None),
]


@pytest.mark.parametrize(("source", "header", "target", "sent"), CASES)
def test_what_is_set_goes_where_it_may(source: str, header: str, target: str, sent: str | None) -> None:
    assert kept(source, header).header_for(target) == sent


def test_attributes_are_kept() -> None:
    now = int(time.time())
    [cookie] = kept(
        "https://x.a.test/",
        "a=1; Domain=a.test; Path=/p; Max-Age=100; Secure; HttpOnly; SameSite=lax; Priority=High",
    ).all()
    assert now + 100 <= cookie.expires <= int(time.time()) + 100
    assert cookie == Cookie(
        "a",
        "1",
        domain="a.test",
        path="/p",
        expires=cookie.expires,
        secure=True,
        http_only=True,
        same_site="Lax",
    )
    [plain] = kept("http://a.test/x/y", "b=2").all()
    assert plain == Cookie("b", "2", domain="a.test", path="/x", host_only=True)


def test_no_server_is_remembered_for_longer_than_400_days() -> None:
    now = int(time.time())
    cookies = kept(
        "http://a.test/",
        f"a=1; Max-Age={500 * DAY}",
        f"b=1; Expires={formatdate(now + 500 * DAY, usegmt=True)}",
        f"c=1; Expires={formatdate(now + 100 * DAY, usegmt=True)}",
    )
    a, b, c = (cookie.expires for cookie in cookies.all())
    assert now + 400 * DAY <= a <= b + 1 <= int(time.time()) + 400 * DAY + 1
    assert c == now + 100 * DAY


def test_longer_paths_come_first_then_older_cookies() -> None:
    cookies = kept("http://x.a.test/p/q", "a=1; Path=/", "b=2; Path=/p/q", "c=3; Path=/p", "d=4; Path=/p")
    cookies.extract("http://a.test/", ["e=5; Domain=a.test; Path=/p"])
    # Set anew, it keeps its place.
    cookies.extract("http://x.a.test/p/q", ["c=6; Path=/p"])
    assert cookies.header_for("http://x.a.test/p/q") == "b=2; c=6; d=4; e=5; a=1"


def test_one_cookie_for_a_name_domain_path_and_kind() -> None:
    cookies = kept("http://a.test/x/y", "a=1", "a=2; Path=/", "a=3; Domain=a.test", "A=4", "a=5")
    assert cookies.multi_items() == [("a", "5"), ("a", "2"), ("a", "3"), ("A", "4")]


def test_a_server_removes_its_cookie_with_one_that_is_expired() -> None:
    cookies = kept("http://a.test/", "a=1", "b=2")
    cookies.extract("http://a.test/", ["a=; Max-Age=0", "b=; Max-Age=0; Path=/other"])
    assert cookies.multi_items() == [("b", "2")]


@pytest.mark.parametrize(
    ("secure", "plain", "stays"),
    [
        ("a=1; Secure", "a=2", True),
        ("a=1; Secure", "a=; Max-Age=0", True),
        ("a=1; Secure", "a=2; Domain=a.test", True),
        ("a=1; Secure; Path=/login", "a=2; Path=/login/en", True),
        ("a=1; Secure; Path=/login", "a=2; Path=/", False),
        ("a=1; Secure", "b=2", False),
        ("a=1", "a=2", False),
    ],
)
def test_what_comes_in_the_clear_cannot_hide_a_secure_cookie(secure: str, plain: str, stays: bool) -> None:
    cookies = kept("https://a.test/", secure)
    cookies.extract("http://a.test/", [plain])
    assert ("2" not in dict(cookies.multi_items()).values()) == stays
    if stays:
        assert cookies.multi_items() == [("a", "1")]


def test_a_secure_cookie_of_a_neighbour_is_safe_too() -> None:
    below = kept("https://x.a.test/", "a=1; Secure")
    below.extract("http://a.test/", ["a=2; Domain=a.test"])
    assert below.multi_items() == [("a", "1")]
    above = kept("https://a.test/", "a=1; Secure; Domain=a.test")
    above.extract("http://x.a.test/", ["a=2"])
    assert above.multi_items() == [("a", "1")]
    beside = kept("https://x.a.test/", "a=1; Secure")
    beside.extract("http://y.a.test/", ["a=2"])
    beside.extract("http://aa.test/", ["a=3"])
    assert len(beside.all()) == 3


def test_a_domain_has_at_most_180_cookies() -> None:
    cookies = Cookies()
    cookies.extract("https://a.test/", [f"safe{n}=1; Secure" for n in range(100)])
    cookies.extract("https://b.test/", ["other=1"])
    cookies.extract("https://a.test/", [f"a{n}=1; Path=/{n}" for n in range(80)])
    assert len(cookies.all()) == 181
    # One that is used stays, though it is the oldest of those that are not secure.
    assert cookies.header_for("http://a.test/0") == "a0=1"
    cookies.extract("https://a.test/", ["last=1"])
    names = {cookie.name for cookie in cookies.all()}
    assert len(names) == 151
    assert names >= {f"safe{n}" for n in range(100)} | {"last", "other", "a0", "a79"}
    assert names.isdisjoint({f"a{n}" for n in range(1, 31)})


def test_there_is_an_end_to_cookies() -> None:
    cookies = Cookies({"mine": "1"})
    # A domain with a crowd of cookies loses some before others lose any.
    cookies.extract("http://crowd.test/", [f"c{n}=1" for n in range(100)])
    for n in range(9_899):
        cookies.extract(f"http://h{n}.test/", ["a=1"])
    assert len(cookies.all()) == 10_000
    assert cookies.header_for("http://h0.test/") == "mine=1; a=1"
    cookies.extract("http://last.test/", ["a=1"])
    left = {cookie.domain for cookie in cookies.all()}
    assert len(cookies.all()) == 9_000
    assert {"", "h0.test", "last.test", "h9898.test"} <= left
    assert left.isdisjoint({"crowd.test", "h1.test", "h899.test"})


def test_headers_are_searched_for_set_cookie() -> None:
    cookies = Cookies()
    cookies.extract("http://a.test/", Headers([("Set-Cookie", "a=1"), ("X", "b=2"), ("set-cookie", "c=3")]))
    cookies.extract("http://a.test/", "d=4")
    cookies.extract("http://a.test/", [])
    assert cookies.header_for("http://a.test/") == "a=1; c=3; d=4"


@pytest.mark.parametrize("headers", [3, None, [3]])
def test_headers_of_another_type_are_a_type_error(headers: object) -> None:
    with pytest.raises(TypeError, match=r"et.[cC]ookie"):
        Cookies().extract("http://a.test/", headers)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["", "a.test", "http://", "http://a b/"])
def test_urls_that_are_none(url: str) -> None:
    for refused in [lambda: Cookies().extract(url, []), lambda: Cookies().header_for(url)]:
        with pytest.raises(aioxide.InvalidURL):
            refused()


# ---- against models ----

labels = st.sampled_from(["a", "b", "ab"])
hosts = st.lists(labels, max_size=3).map(lambda names: ".".join([*names, "site", "test"]))
paths = st.lists(st.sampled_from(["p", "q", "pq", ""]), max_size=3).map(lambda parts: "/" + "/".join(parts))


@given(hosts, hosts, paths, paths)
def test_domains_and_paths_match_by_the_definitions(source: str, target: str, path: str, cookie: str) -> None:
    """Sections 5.1.3 and 5.1.4, said in another way."""
    labels, wanted = target.split("."), source.split(".")
    below = labels[-len(wanted) :] == wanted
    inside = path == cookie or (path.startswith(cookie.rstrip("/") + "/") and path.startswith(cookie))
    cookies = kept(f"http://{source}/", f"a=1; Domain={source}; Path={cookie}")
    assert (cookies.header_for(f"http://{target}{path}") == "a=1") == (below and inside)
    alone = kept(f"http://{source}/", f"a=1; Path={cookie}")
    assert (alone.header_for(f"http://{target}{path}") == "a=1") == (source == target and inside)


sets = st.tuples(hosts, paths, st.sampled_from("xyz"), st.booleans(), st.booleans())


@given(st.lists(sets, max_size=12), hosts, paths)
def test_the_standard_librarys_jar_sends_the_same(
    sets: list[tuple[str, str, str, bool, bool]], host: str, path: str
) -> None:
    """Where both follow the same rules: it has no order of age, and no path but the request's."""
    ours = Cookies()
    theirs = CookieJar(DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain))
    for number, (source, where, name, wide, deep) in enumerate(sets):
        url, header = f"http://{source}{where}", f"{name}={number}; Path={where if deep else '/'}"
        if wide:
            header += "; Domain=.site.test"
        ours.extract(url, [header])
        message = Message()
        message["Set-Cookie"] = header
        theirs.extract_cookies(SimpleNamespace(info=lambda message=message: message), LibraryRequest(url))
    request = LibraryRequest(f"http://{host}{path}")
    theirs.add_cookie_header(request)
    sent = ours.header_for(f"http://{host}{path}")
    assert sorted((sent or "").split("; ")) == sorted((request.get_header("Cookie") or "").split("; "))
    # What is taken over from it is sent as before.
    assert sorted((Cookies(theirs).header_for(f"http://{host}{path}") or "").split("; ")) == sorted(
        (sent or "").split("; ")
    )


@given(st.binary(max_size=80).map(lambda noise: b"a=1; " + noise) | st.binary(max_size=80))
def test_nothing_that_a_server_sends_is_an_error(header: bytes) -> None:
    cookies = Cookies()
    cookies.extract("https://x.site.test/p", [header])
    sent = cookies.header_for("https://x.site.test/p")
    for cookie in cookies.all():
        assert cookie.domain in {"x.site.test", "site.test"}
        assert not set(cookie.name + cookie.value) & {";", "\r", "\n", "\0"}
    assert sent is None or "\n" not in sent
    assert Cookies(cookies.all()) == cookies


times = st.integers(0, 4_102_444_799)


@given(
    times,
    st.sampled_from(
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%Y %H:%M:%S GMT", "%b %d %Y %H:%M:%S", "%H:%M:%S %Y %B %d"]
    ),
)
def test_dates_are_read_whatever_their_form(seconds: int, form: str) -> None:
    [*cookies] = kept("http://a.test/", f"a=1; Expires={time.strftime(form, time.gmtime(seconds))}").all()
    now = time.time()
    if seconds <= now - 5:
        assert cookies == []
    elif now + 5 < seconds < now + 399 * DAY:
        assert cookies[0].expires == seconds


def test_threads_share_a_jar() -> None:
    cookies = Cookies()
    start = threading.Barrier(8)
    seen: list[str | None] = []

    def work(number: int) -> None:
        start.wait()
        for turn in range(200):
            url = f"http://h{number}.test/"
            cookies.extract(url, [f"a={turn}", f"b{turn % 5}=1; Max-Age={turn % 2}"])
            assert f"a={turn}" in (cookies.header_for(url) or "")
            cookies.set("shared", str(turn), domain="site.test")
            cookies.delete("shared" if turn % 2 else "none")
        seen.append(cookies.header_for(url))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(header and header.startswith("a=199") for header in seen)
    assert {cookie.domain for cookie in cookies.all()} >= {f"h{n}.test" for n in range(8)}


def test_a_forked_child_has_the_cookies_and_changes_its_own(script) -> None:
    printed = script.works("""
        import os, aioxide
        cookies = aioxide.Cookies({"a": "1"})
        child = os.fork()
        if not child:
            cookies["a"] = "2"
            print(cookies["a"], flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(cookies["a"])
    """)
    assert printed == "2\n1\n"
