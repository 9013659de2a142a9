"""`Cookies` as a mapping, what it is made of, and what it refuses."""

import copy
import pickle
import time
from collections.abc import MutableMapping
from http.cookiejar import CookieJar
from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Cookie, CookieConflict, Cookies

try:
    import httpx
except ImportError:
    httpx = None


def test_cookies_are_a_mapping() -> None:
    cookies = Cookies({"a": "1"})
    assert isinstance(cookies, MutableMapping)
    cookies["b"] = "2"
    assert (cookies["a"], cookies["b"]) == ("1", "2")
    assert list(cookies) == list(cookies.keys()) == ["a", "b"]
    assert list(cookies.values()) == ["1", "2"]
    assert list(cookies.items()) == [("a", "1"), ("b", "2")]
    assert dict(cookies) == {**cookies} == {"a": "1", "b": "2"}
    assert len(cookies) == 2
    assert "a" in cookies
    assert "A" not in cookies
    assert not cookies.__contains__(3)
    assert cookies.pop("a") == "1"
    assert cookies.pop("a", "x") == "x"
    assert cookies.setdefault("b", "x") == "2"
    assert cookies.setdefault("c", "3") == cookies["c"] == "3"
    assert cookies.setdefault("d") == cookies["d"] == ""
    assert cookies.popitem() == ("d", "")
    del cookies["c"]
    assert cookies == {"b": "2"}
    cookies.clear()
    assert not cookies
    for refused in [
        lambda: cookies["b"],
        lambda: cookies.__delitem__("b"),
        lambda: cookies.pop("b"),
        cookies.popitem,
    ]:
        with pytest.raises(KeyError):
            refused()
    with pytest.raises(TypeError):
        hash(cookies)


def several() -> Cookies:
    cookies = Cookies({"a": "0"})
    cookies.set("a", "1", domain="site.test")
    cookies.set("a", "2", domain="site.test", path="/p")
    cookies.set("b", "3", domain="site.test")
    return cookies


def test_a_name_of_several_cookies_is_a_conflict() -> None:
    cookies = several()
    for refused in [
        lambda: cookies["a"],
        lambda: cookies.get("a"),
        lambda: cookies.get("a", domain="site.test"),
        lambda: cookies.__setitem__("a", "x"),
        lambda: cookies.update({"a": "x"}),
        lambda: cookies.pop("a"),
        lambda: dict(cookies),
    ]:
        with pytest.raises(
            CookieConflict, match=r"cookies are named 'a', for .*site.test/p: say which"
        ) as caught:
            refused()
        assert isinstance(caught.value, ValueError)
    assert cookies.get("a", domain="") == "0"
    assert cookies.get("a", path="/p") == "2"
    assert cookies.get("a", domain=".Site.TEST", path="/") == "1"
    assert cookies.get("a", "x", domain="other.test") == "x"
    assert cookies.get("none") is None
    # Each name once in the mapping, and every cookie where they are listed.
    assert list(cookies) == ["a", "b"]
    assert len(cookies) == 2
    assert cookies.multi_items() == [("a", "0"), ("a", "1"), ("a", "2"), ("b", "3")]
    assert len(cookies.all()) == 4


def test_a_conflict_comes_back_from_a_pickle() -> None:
    with pytest.raises(CookieConflict) as caught:
        several()["a"]
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (type(twin), twin.args) == (CookieConflict, caught.value.args)


def test_cookies_are_removed_by_name_domain_and_path() -> None:
    cookies = several()
    cookies.delete("a", path="/p")
    cookies.delete("none")
    assert [cookie.value for cookie in cookies.all()] == ["0", "1", "3"]
    cookies.delete("a", domain="site.test")
    assert cookies.multi_items() == [("a", "0"), ("b", "3")]
    cookies.clear(domain="site.test")
    assert cookies.multi_items() == [("a", "0")]
    several_left = several()
    del several_left["a"]
    assert several_left == {"b": "3"}
    paths = several()
    paths.clear(path="/")
    assert paths.multi_items() == [("a", "2")]


def test_setting_a_name_changes_the_cookie_that_has_it() -> None:
    cookies = Cookies()
    cookies.extract("https://site.test/p/", ["a=1; Secure; HttpOnly"])
    [before] = cookies.all()
    cookies["a"] = "2"
    [after] = cookies.all()
    assert (after.value, after.domain, after.path, after.secure, after.http_only) == (
        "2",
        before.domain,
        before.path,
        True,
        True,
    )


def test_a_cookie_for_every_host_gives_way_to_that_of_the_server() -> None:
    cookies = Cookies({"a": "mine", "b": "mine"})
    cookies.extract("http://site.test/", ["a=its"])
    assert cookies.header_for("http://site.test/") == "b=mine; a=its"
    assert cookies.header_for("http://x.site.test/") == "a=mine; b=mine"
    assert cookies.header_for("http://127.0.0.1/") == "a=mine; b=mine"


@pytest.mark.parametrize(
    ("domain", "goes", "stays"),
    [
        ("site.test", ["site.test", "x.site.test"], ["asite.test", "test"]),
        (".Site.TEST", ["site.test", "x.site.test"], []),
        ("bücher.test", ["xn--bcher-kva.test", "x.bücher.test"], []),
        ("localhost", ["localhost"], ["x.localhost"]),
        ("intranet", ["intranet"], ["x.intranet"]),
        ("127.0.0.1", ["127.0.0.1"], ["x.test"]),
        ("::1", ["[::1]"], []),
        ("[::1]", ["[::1]"], []),
        ("", ["site.test", "[::1]", "localhost"], []),
    ],
)
def test_where_a_cookie_of_the_program_goes(domain: str, goes: list[str], stays: list[str]) -> None:
    cookies = Cookies()
    cookies.set("a", "1", domain=domain)
    assert [host for host in goes + stays if cookies.header_for(f"http://{host}/")] == goes


def test_set_takes_all_that_a_cookie_has() -> None:
    cookies = Cookies()
    later = time.time() + 1_000.5
    cookies.set(
        "a",
        "1",
        domain="site.test",
        path="/p",
        secure=True,
        httponly=True,
        expires=later,
        same_site="strict",
        host_only=True,
    )
    [cookie] = cookies.all()
    assert (cookie.name, cookie.value, cookie.domain, cookie.path) == ("a", "1", "site.test", "/p")
    assert (cookie.secure, cookie.http_only, cookie.same_site, cookie.host_only) == (
        True,
        True,
        "Strict",
        True,
    )
    assert cookie.expires == int(later)
    assert cookies.header_for("https://site.test/p/q") == "a=1"
    assert cookies.header_for("https://x.site.test/p/q") is None
    cookies.set("a", "", domain="site.test", path="/p", host_only=True, expires=1)
    assert not cookies


BROKEN = ["a;b", "a\rb", "a\nb", "a\r\nSet-Cookie: x", "a\0", "a\x1f", "a\x7f", "\ud800", "a\tb"]


@pytest.mark.parametrize("text", BROKEN)
def test_what_would_break_the_header_is_refused(text: str) -> None:
    for cookies in [{"name": text}, {text: "x"}, [("name", text)], [(text, "x")]]:
        with pytest.raises(ValueError, match="cookie"):
            Cookies(cookies)
    for call in [lambda: Cookies().set("name", text), lambda: Cookies().set(text, "x")]:
        with pytest.raises(ValueError):  # noqa: PT011 - a surrogate is refused on the way in
            call()


@pytest.mark.parametrize("name", ["", "a=b", " a", "a "])
def test_names_that_a_server_would_read_otherwise(name: str) -> None:
    for refused in [lambda: Cookies({name: "x"}), lambda: Cookies().set(name, "x")]:
        with pytest.raises(ValueError, match="cookie"):
            refused()


@pytest.mark.parametrize(
    "domain", ["co.uk", ".co.uk", "github.io", "a b", "http://a.test", "a.test:80", "a/b", "."]
)
def test_domains_that_are_none_or_too_wide(domain: str) -> None:
    with pytest.raises(ValueError, match=r"domain|public suffix"):
        Cookies().set("a", "1", domain=domain)


def test_a_public_suffix_may_have_a_cookie_of_its_own() -> None:
    cookies = Cookies()
    cookies.set("a", "1", domain="github.io", host_only=True)
    assert cookies.header_for("http://github.io/") == "a=1"
    assert cookies.header_for("http://x.github.io/") is None


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "p"},
        {"path": "/a\nb"},
        {"path": "/a;b"},
        {"expires": float("nan")},
        {"same_site": "Sometimes"},
        {"host_only": True},
    ],
)
def test_other_values_that_could_never_be_right(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"path|expires|same_site|host"):
        Cookies().set("a", "1", **settings)


@pytest.mark.parametrize(
    "given_cookies",
    [
        3,
        "a=b",
        b"a=b",
        [("a",)],
        [1],
        {"a": 1},
        {"a": None},
        {1: "a"},
        {"a": ["b"]},
        object(),
        [("a", "b", "c")],
    ],
)
def test_cookies_of_another_type_are_a_type_error(given_cookies: Any) -> None:
    for refused in [lambda: Cookies(given_cookies), lambda: Cookies().update(given_cookies)]:
        with pytest.raises(TypeError, match="cookie"):
            refused()
    for refused in [
        lambda: Cookies().set("a", 1),  # type: ignore[arg-type]
        lambda: Cookies().set("a", "1", expires="tomorrow"),  # type: ignore[arg-type]
        lambda: Cookies().set("a", "1", expires=True),
    ]:
        with pytest.raises(TypeError):
            refused()


def test_no_message_and_no_repr_shows_a_value() -> None:
    cookies = several()
    cookies.set("sid", "hunter2", domain="bank.test", path="/p")
    shown = repr(cookies)
    assert shown == (
        "<Cookies: 'a' for every host, 'a' for site.test, 'a' for site.test/p, 'b' for site.test, "
        "'sid' for bank.test/p>"
    )
    assert repr(Cookies()) == "<Cookies: none>"
    assert repr(cookies.all()[-1]) == "Cookie('sid', [secure], domain='bank.test', path='/p')"
    assert "and 5 more" in repr(Cookies({f"n{n}": "hunter2" for n in range(25)}))
    for refused in [
        lambda: Cookies({"a": "hunter2;"}),
        lambda: cookies.set("a", "hunter2\n"),
        lambda: Cookies([("a", "hunter2\ud800")]),
    ]:
        with pytest.raises(ValueError, match="cookie 'a'") as caught:
            refused()
        assert "hunter2" not in str(caught.value)


def everything() -> Cookies:
    cookies = several()
    cookies.extract(
        "https://x.site.test/", [b"l=\xe4", "nameless", "t=1\t2; SameSite=Lax; Secure; HttpOnly; Max-Age=99"]
    )
    return cookies


def test_copies_are_equal_and_apart() -> None:
    cookies = everything()
    for twin in [
        cookies.copy(),
        copy.copy(cookies),
        copy.deepcopy(cookies),
        pickle.loads(pickle.dumps(cookies)),
        pickle.loads(pickle.dumps(cookies, protocol=2)),
        Cookies(cookies),
        Cookies(cookies.all()),
    ]:
        assert twin == cookies
        assert twin.all() == cookies.all()
        assert twin.header_for("https://x.site.test/p") == cookies.header_for("https://x.site.test/p")
        twin["b"] = "other"
        assert twin != cookies
        assert cookies["b"] == "3"


def test_equality() -> None:
    assert Cookies({"a": "1", "b": "2"}) == Cookies([("b", "2"), ("a", "1")])
    assert Cookies({"a": "1"}) == {"a": "1"}
    assert Cookies({"a": "1"}) != {"a": "2"}
    assert Cookies({"a": "1"}) != {}
    assert Cookies() == {}
    assert several() != {"a": "0", "b": "3"}
    assert Cookies({"a": "1"}) != "a"
    narrow = Cookies([Cookie("a", "1", domain="site.test")])
    assert narrow != Cookies({"a": "1"})


def test_a_cookie_is_a_value() -> None:
    cookie = Cookie("a", "1", domain=".Site.test", path="/p", expires=1e10, secure=True)
    assert cookie == pickle.loads(pickle.dumps(cookie)) == copy.copy(cookie)
    assert hash(cookie) == hash(copy.copy(cookie))
    assert cookie != Cookie("a", "1")
    assert (cookie.domain, cookie.expires) == ("site.test", 10**10)
    with pytest.raises(AttributeError):
        cookie.value = "2"  # type: ignore[misc]


def test_cookies_are_made_of_what_other_libraries_have() -> None:
    simple = SimpleCookie()
    simple["a"] = "x y"
    simple["b"] = "2"
    simple["b"]["domain"] = ".site.test"
    simple["b"]["path"] = "/p"
    simple["b"]["httponly"] = True
    simple["c"] = "3"
    simple["c"]["max-age"] = 0
    assert Cookies(simple).all() == [
        Cookie("a", '"x y"'),
        Cookie("b", "2", domain="site.test", path="/p", http_only=True),
    ]
    assert Cookies([("a", "1"), Cookie("b", "2", domain="site.test")]).multi_items() == [
        ("a", "1"),
        ("b", "2"),
    ]
    assert Cookies(CookieJar()) == Cookies(None) == Cookies([]) == {}


@pytest.mark.skipif(httpx is None, reason="httpx is for comparison")
def test_the_cookies_of_httpx_are_taken_over() -> None:
    theirs = httpx.Cookies({"a": "1"})
    theirs.set("b", "2", domain="site.test", path="/p")
    reply = httpx.Response(
        200,
        headers=[("set-cookie", "c=3; Secure; Max-Age=99"), ("set-cookie", "d=4; Domain=site.test")],
        request=httpx.Request("GET", "https://x.site.test/"),
    )
    theirs.extract_cookies(reply)
    for cookies in [Cookies(theirs), Cookies(theirs.jar)]:
        assert sent(cookies, "https://x.site.test/p") == {"a=1", "b=2", "c=3", "d=4"}
        assert sent(cookies, "http://x.site.test/") == {"a=1", "d=4"}
        assert sent(cookies, "http://y.site.test/p") == {"a=1", "b=2", "d=4"}
        assert sent(cookies, "http://site.test.other/p") == {"a=1"}
        assert sent(cookies, "http://site.test/p") == {"a=1", "b=2", "d=4"}


def sent(cookies: Cookies, url: str) -> set[str]:
    return set((cookies.header_for(url) or "").split("; "))


names = st.text("abcXYZ_-", min_size=1, max_size=3)
values = st.text(
    st.characters(blacklist_characters=";\x7f", min_codepoint=32, blacklist_categories=["Cs"]), max_size=8
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "del", "pop", "update", "setdefault"]), names, values), max_size=30
    )
)
def test_it_behaves_as_a_dict(steps: list[tuple[str, str, str]]) -> None:
    cookies, model = Cookies(), {}
    for step, name, value in steps:
        match step:
            case "set":
                cookies[name] = model[name] = value
            case "del" if name in model:
                del cookies[name], model[name]
            case "pop":
                assert cookies.pop(name, None) == model.pop(name, None)
            case "update":
                cookies.update({name: value})
                model |= {name: value}
            case "setdefault":
                assert cookies.setdefault(name, value) == model.setdefault(name, value)
        assert cookies == model
    assert list(cookies.items()) == list(model.items())
    header = "; ".join(f"{name}={value}" for name, value in model.items())
    assert cookies.header_for("http://site.test/") == (header or None)
    assert aioxide.Cookies(dict(cookies)) == cookies
