"""Redirects: which are followed, with what, and what is kept of them."""

from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering, answer, redirect

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_they_are_followed(session: Any, server: Answering, status: int) -> None:
    server.on("/a", redirect("/b?x=1", status))
    async with session.get(f"{server.url}/a", headers={"X": "y"}) as response:
        assert response.status == 200
        assert response.url == URL(f"{server.url}/b?x=1")
        [before] = response.history
        assert (before.status, before.url) == (status, URL(f"{server.url}/a"))
        assert before.headers["Location"] == "/b?x=1"
        assert response.request_info.url == response.url
    assert [seen.target for seen in server.seen] == ["/a", "/b?x=1"]
    assert [seen.one("x") for seen in server.seen] == ["y", "y"]


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("http:/b", "/b"),
        ("http:b?x=1", "/dir/b?x=1"),
        ("HTTP:../b", "/b"),
        ("//{host}/b", "/b"),
    ],
)
async def test_a_scheme_may_stand_before_what_is_relative(
    session: Any, server: Answering, location: str, target: str, middlewares: Any
) -> None:
    """As browsers have it: RFC 3986, section 5.2.2, leaves it open."""
    host = server.url.removeprefix("http://")
    server.on("/dir/a", redirect(location.format(host=host)))
    async with session.get(f"{server.url}/dir/a", middlewares=middlewares) as response:
        assert response.status == 200
        assert response.url == URL(server.url + target)


@pytest.mark.parametrize("status", [300, 304, 305])
async def test_those_that_are_not(session: Any, server: Answering, status: int) -> None:
    server.on("/a", redirect("/b", status))
    async with session.get(f"{server.url}/a") as response:
        assert response.status == status
    assert len(server.seen) == 1


async def test_not_if_one_does_not_want_to(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b"))
    async with session.get(f"{server.url}/a", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/b")
        assert response.history == ()


async def test_head_follows_if_it_is_told_to(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b"))
    async with session.head(f"{server.url}/a") as response:
        assert response.status == 302
    async with session.head(f"{server.url}/a", allow_redirects=True) as response:
        assert response.status == 200
    assert [seen.method for seen in server.seen] == ["HEAD"] * 3


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "DELETE", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (301, "PUT", "PUT"),
        (302, "PUT", "PUT"),
        (307, "DELETE", "DELETE"),
    ],
)
async def test_the_method_and_the_body(
    session: Any, server: Answering, status: int, method: str, then: str
) -> None:
    server.on("/a", redirect("/b", status))
    async with session.request(method, f"{server.url}/a", data=b"body") as response:
        assert response.method == then
    first, second = server.seen
    assert (first.method, first.body) == (method, b"body")
    assert second.method == then
    assert second.body == (b"" if then == "GET" and method != "GET" else b"body")
    if then == "GET":
        assert second.one("content-length") is None


async def test_params_are_not_asked_again(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b"))
    async with session.get(f"{server.url}/a", params={"x": "1"}):
        pass
    assert [seen.target for seen in server.seen] == ["/a?x=1", "/b"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/c d", "/c%20d"),
        ("e", "/a/e"),
        ("../f", "/f"),
        ("/\xe9", "/%C3%A9"),
        ("/g#part", "/g"),
    ],
)
async def test_where_to(session: Any, server: Answering, location: str, target: str) -> None:
    server.on("/a/b", redirect(location))
    async with session.get(f"{server.url}/a/b") as response:
        assert response.status == 200
    assert server.seen[-1].target == target


async def test_a_url_that_must_not_be_touched(aiohttp: Any, server: Answering) -> None:
    server.on("/a", redirect(f"{server.url}/%7Eb%2f?c=%7E"))
    async with aiohttp.ClientSession(requote_redirect_url=False) as session, session.get(f"{server.url}/a"):
        pass
    assert server.seen[-1].target == "/%7Eb%2f?c=%7E"


async def test_without_a_location(session: Any, server: Answering) -> None:
    server.on("/a", answer(302, body=b"no place"))
    async with session.get(f"{server.url}/a") as response:
        assert response.status == 302
        assert await response.read() == b"no place"


@pytest.mark.parametrize("location", ["", " "])
@pytest.mark.parametrize("through_python", [False, True])
async def test_with_an_empty_location(
    session: Any, server: Answering, location: str, through_python: bool
) -> None:
    server.on("/a", answer(302, [("Location", location)], b"no place"))
    options = {"read_bufsize": 1000} if through_python else {}
    async with session.get(f"{server.url}/a", **options) as response:
        assert response.status == 302
        assert await response.read() == b"no place"
    assert len(server.seen) == 1


async def test_too_many(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/a", redirect("/a"))
    with pytest.raises(aiohttp.TooManyRedirects) as caught:
        await session.get(f"{server.url}/a")
    assert len(server.seen) == 10
    assert [response.status for response in caught.value.history] == [302] * 10
    assert caught.value.request_info.url == URL(f"{server.url}/a")
    assert caught.value.status == 0


async def test_as_many_as_one_says(aiohttp: Any, session: Any, server: Answering) -> None:
    for n in range(3):
        server.on(f"/{n}", redirect(f"/{n + 1}"))
    with pytest.raises(aiohttp.TooManyRedirects):
        await session.get(f"{server.url}/0", max_redirects=3)
    async with session.get(f"{server.url}/0", max_redirects=4) as response:
        assert response.status == 200
        assert len(response.history) == 3
    with pytest.raises(aiohttp.TooManyRedirects):
        await session.get(f"{server.url}/0", max_redirects=1)


@pytest.mark.parametrize("location", ["ftp://example.org/", "mailto:a@b"])
async def test_to_another_scheme(aiohttp: Any, session: Any, server: Answering, location: str) -> None:
    server.on("/a", redirect(location))
    with pytest.raises(aiohttp.NonHttpUrlRedirectClientError) as caught:
        await session.get(f"{server.url}/a")
    assert isinstance(caught.value, aiohttp.RedirectClientError)


@pytest.mark.parametrize("location", ["http://", "http://[::1/"])
async def test_to_nowhere(aiohttp: Any, session: Any, server: Answering, location: str) -> None:
    server.on("/a", redirect(location))
    with pytest.raises(aiohttp.InvalidUrlRedirectClientError) as caught:
        await session.get(f"{server.url}/a")
    assert isinstance(caught.value, aiohttp.InvalidURL)


async def test_secrets_stay_with_their_origin(session: Any, server: Answering) -> None:
    with Answering() as other:
        server.on("/a", redirect("/b"))
        server.on("/b", redirect(f"{other.url}/c"))
        headers = {"Authorization": "secret", "Cookie": "c=secret", "X": "y"}
        async with session.get(f"{server.url}/a", headers=headers):
            pass
        assert [seen.one("authorization") for seen in server.seen] == ["secret", "secret"]
        [there] = other.seen
        assert there.one("authorization") is None
        assert there.one("cookie") is None
        assert there.one("x") == "y"
        assert there.one("host") == other.url.removeprefix("http://")


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
async def test_auth_stays_with_its_origin(aiohttp: Any, session: Any, server: Answering) -> None:
    with Answering() as other:
        server.on("/a", redirect("/b"))
        server.on("/b", redirect(f"{other.url}/c"))
        async with session.get(f"{server.url}/a", auth=aiohttp.BasicAuth("user", "secret")):
            pass
        assert [seen.one("authorization") is None for seen in server.seen] == [False, False]
        assert other.seen[0].one("authorization") is None


async def test_cookies_set_on_the_way(aiohttp: Any, server: Answering) -> None:
    server.on("/a", redirect("/b", headers=[("Set-Cookie", "a=1; Path=/")]))
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        session.get(f"{server.url}/a") as response,
    ):
        assert response.cookies == {}
        assert response.history[0].cookies["a"].value == "1"
    assert server.seen[-1].one("cookie") == "a=1"


async def test_the_connection_is_used_again(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b"))
    async with session.get(f"{server.url}/a") as response:
        await response.read()
    assert [seen.connection for seen in server.seen] == [0, 0]


async def test_a_body_that_is_gone(aiohttp: Any, session: Any, server: Answering) -> None:
    async def chunks() -> Any:
        yield b"body"

    server.on("/a", redirect("/b", 307))
    with pytest.raises(aiohttp.ClientPayloadError):
        await session.post(f"{server.url}/a", data=chunks())


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
@pytest.mark.parametrize("data", [b"x", "x", {"a": "b"}], ids=["bytes", "text", "form"])
async def test_a_get_that_was_a_post_has_nothing_of_its_body(
    session: Any, server: Answering, data: Any, middlewares: Any
) -> None:
    server.on("/a", redirect("/b", 302))
    async with session.post(f"{server.url}/a", data=data, middlewares=middlewares):
        pass
    assert server.seen[0].one("content-type")
    assert (server.seen[1].method, server.seen[1].body) == ("GET", b"")
    assert not {"content-type", "content-length", "transfer-encoding"} & set(server.seen[1].names)
