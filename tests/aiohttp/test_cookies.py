"""Cookies of a session: what is kept, and what is sent where."""

from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering, answer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.fixture
def local(server: Answering) -> str:
    """The URL of the server by a name, since cookies are not for addresses."""
    return server.url.replace("127.0.0.1", "localhost")


def setting(*cookies: str) -> bytes:
    return answer(headers=[("Set-Cookie", cookie) for cookie in cookies])


def kept(session: Any) -> dict[str, str]:
    return {cookie.key: cookie.value for cookie in session.cookie_jar}


async def test_they_are_kept_and_sent(session: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/", "b=2; Path=/sub", "c=3; Path=/; Max-Age=0", "d=x y; Path=/"))
    async with session.get(f"{local}/set"):
        pass
    assert kept(session) == {"a": "1", "b": "2", "d": "x y"}
    async with session.get(f"{local}/other"):
        pass
    async with session.get(f"{local}/sub/x"):
        pass
    first, second = (sorted((seen.one("cookie") or "").split("; ")) for seen in server.seen[1:])
    assert first == ["a=1", 'd="x y"'] or first == ["a=1", "d=x y"]
    assert [pair.partition("=")[0] for pair in second] == ["a", "b", "d"]


async def test_they_are_overwritten_and_dropped(session: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/"))
    server.on("/again", setting("a=2; Path=/"))
    server.on("/drop", setting("a=; Path=/; Max-Age=0"))
    for path, then in (("set", "a=1"), ("again", "a=2"), ("drop", None)):
        async with session.get(f"{local}/{path}"):
            pass
        async with session.get(local):
            pass
        assert server.seen[-1].one("cookie") == then


async def test_addresses_get_none(session: Any, server: Answering) -> None:
    server.on("/set", setting("a=1; Path=/"))
    async with session.get(f"{server.url}/set") as response:
        assert response.cookies["a"].value == "1"
    assert kept(session) == {}


async def test_unless_one_says_so(aiohttp: Any, server: Answering) -> None:
    server.on("/set", setting("a=1; Path=/"))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{server.url}/set"):
            pass
        async with session.get(server.url):
            pass
    assert server.seen[-1].one("cookie") == "a=1"


async def test_they_stay_with_their_host(session: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/", "b=2; Path=/; Domain=example.org"))
    async with session.get(f"{local}/set"):
        pass
    assert kept(session) == {"a": "1"}
    async with session.get(server.url):
        pass
    assert server.seen[-1].one("cookie") is None


async def test_secure_ones_do_not_go_in_the_clear(session: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/; Secure"))
    async with session.get(f"{local}/set"):
        pass
    async with session.get(local):
        pass
    assert server.seen[-1].one("cookie") is None


async def test_none_are_kept(aiohttp: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/"))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.get(f"{local}/set"):
            pass
        async with session.get(local):
            pass
        assert kept(session) == {}
    assert server.seen[-1].one("cookie") is None


async def test_a_jar_of_two_sessions(aiohttp: Any, server: Answering, local: str) -> None:
    server.on("/set", setting("a=1; Path=/"))
    jar = aiohttp.CookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(f"{local}/set"):
        pass
    async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(local):
        pass
    assert server.seen[-1].one("cookie") == "a=1"


async def test_the_jar_is_changed_by_the_program(session: Any, server: Answering, local: str) -> None:
    jar = session.cookie_jar
    jar.update_cookies({"a": "1"})
    jar.update_cookies(SimpleCookie("b=2"), URL(local))
    jar.update_cookies({"c": "3"}, URL("http://example.org/"))
    assert len(jar) == 3
    async with session.get(local):
        pass
    assert sorted((server.seen[-1].one("cookie") or "").split("; ")) == ["a=1", "b=2"]
    found = jar.filter_cookies(URL(local))
    assert {name: morsel.value for name, morsel in found.items()} == {"a": "1", "b": "2"}
    jar.clear_domain("localhost")
    async with session.get(local):
        pass
    assert server.seen[-1].one("cookie") == "a=1"
    jar.clear()
    assert list(jar) == []
    async with session.get(local):
        pass
    assert server.seen[-1].one("cookie") is None


async def test_a_jar_is_saved(aiohttp: Any, server: Answering, local: str, tmp_path: Path) -> None:
    server.on("/set", setting("a=1; Path=/; Max-Age=1000"))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{local}/set"):
            pass
        session.cookie_jar.save(tmp_path / "jar")
    jar = aiohttp.CookieJar()
    jar.load(tmp_path / "jar")
    async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(local):
        pass
    assert server.seen[-1].one("cookie") == "a=1"


async def test_a_jar_of_ones_own(aiohttp: Any, server: Answering, local: str) -> None:
    class Jar(aiohttp.abc.AbstractCookieJar):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.updated: list[str] = []

        def __iter__(self) -> Any:
            return iter(())

        def __len__(self) -> int:
            return 0

        quote_cookie = True
        unsafe = False
        treat_as_secure_origin = frozenset[str]()
        cookies = host_only_cookies = None

        def clear(self, predicate: Any = None) -> None:
            pass

        def clear_domain(self, domain: str) -> None:
            pass

        def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
            pairs = cookies.items() if hasattr(cookies, "items") else cookies
            self.updated += [name for name, _ in pairs]

        def filter_cookies(self, request_url: URL) -> Any:
            return SimpleCookie("own=1")

    server.on("/set", setting("a=1; Path=/"))
    jar = Jar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session, session.get(f"{local}/set"):
        pass
    assert server.seen[-1].one("cookie") == "own=1"
    assert jar.updated == ["a"]


async def test_those_of_a_request_go_by_the_trust_of_the_jar(aiohttp: Any, server: Answering) -> None:
    secret: Morsel[str] = Morsel()
    secret.set("secret", "1", "1")
    secret["secure"] = True
    for trusted, sent in ((server.url, "secret=1"), ((), None)):
        jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=trusted)
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as session,
            session.get(server.url, cookies={"secret": secret}),
        ):
            pass
        assert server.seen[-1].one("cookie") == sent


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_a_request_may_have_any_number_of_them(
    session: Any, server: Answering, middlewares: Any
) -> None:
    cookies = {f"cookie{number}": "value" for number in range(201)}
    async with session.get(server.url, cookies=cookies, middlewares=middlewares):
        pass
    sent = dict(pair.split("=") for pair in (server.seen[0].one("cookie") or "").split("; "))
    assert sent == cookies


async def test_an_empty_one_is_written_in_quotes(session: Any, server: Answering) -> None:
    async with session.get(server.url, cookies={"a": "", "b": "1"}):
        pass
    assert server.seen[0].one("cookie") == 'a=""; b=1'


async def test_those_of_a_request_win_over_a_jar_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Jar(aiohttp.CookieJar):  # type: ignore[misc, name-defined]
        def filter_cookies(self, request_url: Any = None) -> Any:
            return SimpleCookie({"a": "jar", "b": "jar"})

    async with (
        aiohttp.ClientSession(cookie_jar=Jar()) as session,
        session.get(server.url, cookies={"a": "own", "c": "own"}),
    ):
        pass
    assert sorted((server.seen[0].one("cookie") or "").split("; ")) == ["a=own", "b=jar", "c=own"]
