"""In which order headers are sent: servers know clients by it."""

from typing import Any

import pytest
from yarl import URL

from tests.servers.answering import Answering

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

AUTO = ["accept", "accept-encoding", "user-agent"]
BODY = ["content-length", "content-type"]

#: What is asked, and what is sent after the session's headers, without the cookies.
CASES: dict[str, tuple[str, dict[str, Any], list[str], list[str]]] = {
    "nothing": ("GET", {}, AUTO, []),
    "headers": ("GET", {"headers": {"User-Agent": "a", "X-A": "b"}}, ["user-agent", "x-a", *AUTO[:2]], []),
    "cookies": ("GET", {"cookies": {"own": "1"}}, AUTO, []),
    "json": ("POST", {"json": {"a": 1}}, AUTO, BODY),
    "json and cookies": ("POST", {"json": [], "cookies": {"own": "1"}}, AUTO, BODY),
    "bytes": ("PUT", {"data": b"x"}, AUTO, BODY),
    "a form": ("POST", {"data": {"a": "b"}}, AUTO, BODY),
    "no body": ("POST", {}, AUTO, BODY),
    "a type": (
        "POST",
        {"data": b"x", "headers": {"Content-Type": "a/b", "X-A": "b"}},
        ["content-type", "x-a", *AUTO],
        ["content-length"],
    ),
    "Authorization": ("GET", {"headers": {"Authorization": "x"}}, ["authorization", *AUTO], []),
    "chunks": ("POST", {"data": b"x", "chunked": True}, AUTO, ["content-type", "transfer-encoding"]),
    "compressed": (
        "POST",
        {"data": b"x", "compress": "gzip"},
        AUTO,
        ["content-encoding", "content-type", "transfer-encoding"],
    ),
    "Expect": ("POST", {"data": b"x", "expect100": True}, AUTO, [*BODY, "expect"]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("with_cookies", [False, True])
async def test_the_order(aiohttp: Any, server: Answering, name: str, with_cookies: bool) -> None:
    method, options, before, after = CASES[name]
    jar = aiohttp.CookieJar(unsafe=True)
    if with_cookies:
        jar.update_cookies({"a": "1"}, URL(server.url))
    async with (
        aiohttp.ClientSession(cookie_jar=jar, headers={"X-Session": "1"}) as session,
        session.request(method, f"{server.url}/", **options) as response,
    ):
        assert response.status == 200
    cookies = ["cookie"] if with_cookies or "cookies" in options else []
    assert server.seen[0].names == ["host", "x-session", *before, *cookies, *after]


async def test_credentials_in_the_url(session: Any, server: Answering) -> None:
    url = server.url.replace("http://", "http://user:pass@")
    async with session.get(url, cookies={"a": "1"}) as response:
        assert response.status == 200
    assert server.seen[0].names == ["host", *AUTO, "cookie", "authorization"]
