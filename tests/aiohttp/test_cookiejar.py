"""The cookie jar of the drop-in: native, and what a program sees of aiohttp's."""

import asyncio
import pickle
import stat
from http.cookies import CookieError, Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

import aioxide
from aioxide.aiohttp import cookiejar
from aioxide.testing import LocalSite

HERE = URL("http://www.site.test/a/b")
BOTH = pytest.mark.parametrize("kind", ["ours", "theirs"])


def jar_of(kind: str, **options: Any) -> Any:
    if kind == "ours":
        return cookiejar.CookieJar(**options)
    loop = asyncio.new_event_loop()
    loop.close()
    return aiohttp.CookieJar(loop=loop, **options)


def told(jar: Any) -> set[Any]:
    """What a program sees of the cookies in a jar, but for dates."""
    names = ("domain", "path", "secure", "httponly", "samesite")
    return {(one.key, one.value, one.coded_value, *(str(one[name]).lower() for name in names)) for one in jar}


def sent(jar: Any, url: str | URL) -> list[tuple[str, str, str]]:
    return [(name, one.value, one.coded_value) for name, one in jar.filter_cookies(URL(url)).items()]


# ---- any sequence ----

HOSTS = ["site.test", "www.site.test", "a.www.site.test", "other.test", "127.0.0.1", "[::1]", "localhost"]
PATHS = ["", "/", "/a", "/a/", "/a/b", "/a/b/c", "/ab"]
URLS = st.builds(
    lambda scheme, host, path: URL(f"{scheme}://{host}{path}"),
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.sampled_from(PATHS),
)
VALUES = [
    "1",
    "",
    "two words",
    '"quoted"',
    '"in\\"ner\\054"',
    '"',
    '"open',
    "{json:1}",
    "a=b",
    "a,b",
    "\u00e4\u2713",
    "caf\u00e9",
    '"tab\\011"',
    "back\\slash",
]
ATTRIBUTES = st.sampled_from(
    [
        "",
        "; Path=/",
        "; Path=/a",
        "; Path=/a/",
        "; Path=a",
        "; Path=",
        "; Domain=site.test",
        "; Domain=.site.test",
        "; Domain=www.site.test",
        "; Domain=other.test",
        "; Domain=127.0.0.1",
        "; HttpOnly",
        "; SameSite=Lax",
        "; SameSite=None",
        "; Max-Age=0",
        "; Max-Age=-5",
        "; Max-Age=1000",
        "; Expires=Fri, 01 Jan 1971 00:00:00 GMT",
        "; Expires=Fri, 01-Jan-2100 00:00:00 GMT",
        "; Expires=Wed Jun  9 10:18:14 2021",
        "; Expires=never",
        "; Unknown=x",
        " ;httponly ;path=/ab",
    ]
)
COOKIES = st.builds(
    lambda name, value, attributes: f"{name}={value}{''.join(attributes)}",
    st.sampled_from(["a", "b", "c-[1]", "path", " d "]),
    st.sampled_from(VALUES),
    # Of two that are one the RFC takes the last that is right, aiohttp the last.
    st.lists(ATTRIBUTES, max_size=3, unique_by=lambda text: text[:6]),
)


@settings(max_examples=400, deadline=None)
@given(
    steps=st.lists(st.tuples(URLS, st.lists(COOKIES, max_size=3)), max_size=6),
    urls=st.lists(URLS, max_size=6),
    unsafe=st.booleans(),
    quote=st.booleans(),
)
@example(
    steps=[(URL("http://site.test/a/b"), ["a=1; Path=/a", "a=2; Path=/a/"])],
    urls=[URL("http://site.test/a/x")],
    unsafe=False,
    quote=True,
)
def test_any_sequence_is_to_us_what_it_is_to_aiohttp(
    steps: Any, urls: list[URL], unsafe: bool, quote: bool
) -> None:
    ours, theirs = (jar_of(kind, unsafe=unsafe, quote_cookie=quote) for kind in ("ours", "theirs"))
    for url, headers in steps:
        for jar in (ours, theirs):
            jar.update_cookies_from_headers(headers, url)
        assert told(ours) == told(theirs)
        assert len(ours) == len(list(ours))
        # Below an address there are no hosts.
        assert {one for one in ours.host_only_cookies if not one[0].startswith(("127", ":"))} == {
            one for one in theirs.host_only_cookies if not one[0].startswith(("127", ":"))
        }
        for asked in [*urls, url]:
            # One that has passed when it comes keeps its place in aiohttp, if the response sets it again.
            assert sorted(sent(ours, asked)) == sorted(sent(theirs, asked))


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.just(URL()) | URLS, st.dictionaries(st.sampled_from("abc"), st.sampled_from(VALUES))),
        max_size=4,
    ),
    urls=st.lists(URLS, max_size=6),
)
def test_so_are_cookies_of_the_program(steps: Any, urls: list[URL]) -> None:
    ours, theirs = jar_of("ours"), jar_of("theirs")
    for url, cookies in steps:
        for jar in (ours, theirs):
            jar.update_cookies(cookies, url)
    assert told(ours) == told(theirs)
    for url in urls:
        assert sent(ours, url) == sent(theirs, url)


@settings(max_examples=300, deadline=None)
@given(headers=st.lists(COOKIES | st.text(max_size=20), max_size=5))
@example(headers=['a="b;c"; Path=/'])
@example(headers=["a=b; Path=/ HttpOnly Secure"])
@example(headers=['a=b; Path="/x\\057"; Domain="site.test"'])
@example(headers=["a=b; Expires=Wednesday, 09-Jun-21 10:18:14 GMT; Secure=1"])
@example(headers=["a=b;;;  ; ,; Path=/x", "=x", "a", "\u00e4=1", "a\tb=1"])
def test_the_cookies_of_a_response_are_aiohttps(headers: list[str]) -> None:
    from aiohttp._cookie_helpers import parse_set_cookie_headers

    theirs = SimpleCookie()
    theirs.update(parse_set_cookie_headers(headers))
    ours = cookiejar.response_cookies(headers)
    assert {name: (dict(one), one.value, one.coded_value) for name, one in ours.items()} == {
        name: (dict(one), one.value, one.coded_value) for name, one in theirs.items()
    }


# ---- the rest of its face ----


@BOTH
def test_secure_cookies_leave_over_tls_only(kind: str) -> None:
    jar = jar_of(kind)
    jar.update_cookies_from_headers(["a=1; Secure"], URL("http://localhost/"))
    assert len(jar) == 1
    assert sent(jar, "http://localhost/") == []
    assert sent(jar, "https://localhost/") == [("a", "1", "1")]


@BOTH
@pytest.mark.parametrize(
    "origin", ["http://localhost:81", URL("http://localhost:81/x"), ["http://localhost:81"]]
)
def test_or_to_where_the_program_says(kind: str, origin: Any) -> None:
    jar = jar_of(kind, treat_as_secure_origin=origin)
    jar.update_cookies_from_headers(["a=1; Secure"], URL("https://localhost/"))
    assert sent(jar, "http://localhost:81/y") == [("a", "1", "1")]
    assert sent(jar, "http://localhost:82/") == []
    assert jar.treat_as_secure_origin == {URL("http://localhost:81")}


@BOTH
def test_clearing(kind: str) -> None:
    jar = jar_of(kind, unsafe=True)
    jar.update_cookies({"a": "1", "b": "2"}, HERE)
    jar.update_cookies({"c": "3"}, URL("http://site.test"))
    jar.update_cookies({"d": "4"}, URL("http://[::1]/x/"))
    jar.clear(lambda cookie: cookie.key == "a" and cookie["path"] == "/a")
    assert {one.key for one in jar} == {"b", "c", "d"}
    jar.clear_domain("www.site.test")
    assert {one.key for one in jar} == {"c", "d"}
    jar.clear_domain("site.test")
    assert [(one.key, one["domain"]) for one in jar] == [("d", "::1")]
    jar.clear_domain("::1")
    assert len(jar) == 0
    jar.update_cookies({"a": "1"})
    jar.clear()
    assert len(jar) == 0


@BOTH
def test_cookies_by_domain_and_path(kind: str) -> None:
    jar = jar_of(kind)
    jar.update_cookies_from_headers(["a=1; Path=/x/", "b=2; Domain=site.test"], HERE)
    jar.update_cookies({"c": "3"})
    assert set(jar.cookies) == {("www.site.test", "/x"), ("site.test", "/a"), ("", "")}
    assert jar.cookies["site.test", "/a"]["b"].value == "2"
    with pytest.raises(TypeError):
        jar.cookies["x"] = 1
    assert jar._cookies.keys() == jar.cookies.keys()


@BOTH
def test_morsels_of_the_program(kind: str) -> None:
    jar = jar_of(kind)
    cookies = SimpleCookie()
    for name, said in {
        "below": {"domain": ".site.test", "path": "/a"},
        "dotted": {"domain": "site.test.", "path": "/"},
        "foreign": {"domain": "other.test"},
        "past": {"max-age": "0"},
        "soon": {"max-age": "100", "secure": True, "httponly": True, "samesite": "Strict"},
    }.items():
        cookies[name] = "x y"
        cookies[name].update(said)
    jar.update_cookies(cookies, HERE)
    seen = {one.key: (one["domain"], one["path"], one.coded_value) for one in jar}
    assert seen == {
        "below": ("site.test", "/a", '"x y"'),
        "dotted": ("www.site.test", "/", '"x y"'),
        "soon": ("www.site.test", "/a", '"x y"'),
    }
    # What was given is the program's.
    assert cookies["below"]["domain"] == ".site.test"
    jar.update_cookies([("pair", cookies["below"])])
    assert ("below", "x y", '"x y"') in sent(jar, "http://site.test/a")


@BOTH
def test_a_shared_cookie_can_end(kind: str) -> None:
    jar = jar_of(kind)
    jar.update_cookies({"a": "1"})
    assert sent(jar, "http://any.test") == sent(jar, "http://1.2.3.4") == [("a", "1", "1")]
    cookie: Morsel[str] = Morsel()
    cookie.set("a", "1", "1")
    cookie["max-age"] = "0"
    jar.update_cookies({"a": cookie})
    assert len(list(jar)) == 0


@BOTH
def test_what_no_header_can_hold_is_dropped(kind: str) -> None:
    jar = jar_of(kind)
    cookie: Morsel[str] = Morsel()
    try:
        cookie.set("a", "x\n", "x\n")
    except CookieError:
        pytest.skip("this Python refuses it")
    jar.update_cookies({"a": cookie}, HERE)
    assert sent(jar, HERE) == []


@BOTH
def test_filtering_for_text_is_deprecated(kind: str) -> None:
    jar = jar_of(kind)
    jar.update_cookies({"a": "1"})
    with pytest.warns(DeprecationWarning, match="yarl"):
        assert list(jar.filter_cookies("http://h/")) == ["a"]


def test_a_request_has_no_more_than_a_server_takes() -> None:
    ours, theirs = jar_of("ours"), jar_of("theirs")
    for jar in (ours, theirs):
        for number in range(170):
            jar.update_cookies({f"n{number}": "x"}, HERE)
        jar.update_cookies({f"l{number}": "y" * 3000 for number in range(5)}, URL("http://site.test"))
    assert sent(ours, "http://www.site.test/a/b") == sent(theirs, "http://www.site.test/a/b")
    assert sent(ours, "http://site.test/") == sent(theirs, "http://site.test/")
    assert len(sent(ours, "http://www.site.test/a/b")) == 150
    assert len(sent(ours, "http://site.test/")) == 2


# ---- where aiohttp is less safe ----


def test_what_the_rfc_keeps_out() -> None:
    for url, headers in [
        ("http://a.co.uk/", ["a=1; Domain=co.uk"]),
        ("http://a.test/", ["__Secure-a=1"]),
        ("https://a.test/", ["__Host-a=1; Secure; Domain=a.test; Path=/"]),
    ]:
        ours, theirs = jar_of("ours"), jar_of("theirs")
        ours.update_cookies_from_headers(headers, URL(url))
        theirs.update_cookies_from_headers(headers, URL(url))
        assert (len(ours), len(theirs)) == (0, 1)


def test_no_response_in_the_clear_hides_a_secure_cookie() -> None:
    jar = jar_of("ours")
    jar.update_cookies_from_headers(["a=safe; Secure"], URL("https://site.test/"))
    jar.update_cookies_from_headers(["a=evil"], URL("http://site.test/"))
    assert sent(jar, "https://site.test/") == [("a", "safe", "safe")]


def test_what_the_rfc_reads_otherwise() -> None:
    jar = jar_of("ours")
    # To aiohttp the first second is no time.
    jar.update_cookies_from_headers(["gone=1"], HERE)
    jar.update_cookies_from_headers(["gone=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], HERE)
    assert len(jar) == 0
    jar.update_cookies_from_headers(
        ["a=1; Domain=SITE.test", "b=2; Max-Age=x; Expires=Fri, 01 Jan 2100"], HERE
    )
    assert sent(jar, "http://site.test/a") == [("a", "1", "1")]


# ---- files ----


@pytest.mark.parametrize(("writer", "reader"), [("ours", "ours"), ("ours", "theirs"), ("theirs", "ours")])
def test_a_file_is_read_by_either(tmp_path: Path, writer: str, reader: str) -> None:
    jar = jar_of(writer)
    headers = [
        "host=1",
        "wide=2; Domain=site.test; Path=/x/",
        "safe=3; Secure; HttpOnly; SameSite=Lax; Max-Age=1000",
        'quoted="a\\054b"',
    ]
    jar.update_cookies_from_headers(headers, URL("https://www.site.test/"))
    jar.update_cookies({"shared": "4"})
    path = tmp_path / "jar.json"
    jar.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = jar_of(reader)
    other.update_cookies({"gone": "1"})
    other.load(str(path))
    assert told(other) == told(jar)
    assert other.host_only_cookies == jar.host_only_cookies
    if writer == reader == "ours":
        assert {(one.name, one.expires) for one in other._native.all()} == {
            (one.name, one.expires) for one in jar._native.all()
        }


def test_pickles_of_older_versions(tmp_path: Path) -> None:
    theirs = jar_of("theirs")
    theirs.update_cookies({"a": "1"}, HERE)
    path = tmp_path / "jar.pickle"
    path.write_bytes(pickle.dumps(theirs._cookies))
    ours = jar_of("ours")
    ours.load(path)
    assert {(one.key, one.value, one["path"]) for one in ours} == {("a", "1", "/a")}
    path.write_bytes(pickle.dumps({("x", ""): Path}))
    with pytest.raises(pickle.UnpicklingError, match="pathlib"):
        ours.load(path)


@pytest.mark.parametrize("end", ["NaN", "Infinity", '"x"', "[]"])
def test_a_file_that_is_wrong_changes_nothing(tmp_path: Path, end: str) -> None:
    path = tmp_path / "jar.json"
    text = '{"h.test|": {"a": {"key": "a", "value": "1", "coded_value": "1", "expires_timestamp": END}}}'
    path.write_text(text.replace("END", end))
    jar = jar_of("ours")
    jar.update_cookies({"b": "2"})
    with pytest.raises(ValueError, match="finite"):
        jar.load(path)
    assert [one.key for one in jar] == ["b"]


# ---- and the client ----


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_client_uses_it_at_each_hop() -> None:
    jar = cookiejar.CookieJar(unsafe=True)
    strict = cookiejar.CookieJar()
    with LocalSite() as site:
        for used in (jar, strict):
            async with aioxide.Client(trust_env=False, cookies=cookiejar.native_jar(used)) as client:
                await client.get(site.url + "/cookies/set?a=1&b=two", follow_redirects=True)
                url = URL(site.url)
                assert used.filter_cookies(url).keys() == ({"a", "b"} if used is jar else set())
    assert len(strict) == 0


def test_which_jars_a_client_can_use() -> None:
    class Counting(cookiejar.CookieJar):
        def __len__(self) -> int:
            return 5

    class Filtering(cookiejar.CookieJar):
        def filter_cookies(self, request_url: URL = URL()) -> Any:  # noqa: B008
            return {}

    assert isinstance(cookiejar.native_jar(Counting()), aioxide.Cookies)
    for jar in (Filtering(), cookiejar.DummyCookieJar(), jar_of("theirs")):
        assert cookiejar.native_jar(jar) is None


def test_a_jar_that_keeps_nothing() -> None:
    jar = cookiejar.DummyCookieJar()
    jar.update_cookies({"a": "1"}, HERE)
    jar.update_cookies_from_headers(["a=1"], HERE)
    jar.clear()
    jar.clear_domain("x")
    assert (len(jar), list(jar), dict(jar.cookies), jar.host_only_cookies) == (0, [], {}, frozenset())
    assert (jar.unsafe, jar.quote_cookie, len(jar.filter_cookies(HERE))) == (False, True, 0)
    assert isinstance(jar, aiohttp.abc.AbstractCookieJar)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_aiohttp_takes_ours() -> None:
    jar = cookiejar.CookieJar(unsafe=True)
    with LocalSite() as site:
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as session,
            session.get(site.url + "/cookies/set?a=1") as response,
        ):
            await response.read()
    assert {one.key for one in jar} == {"a"}
