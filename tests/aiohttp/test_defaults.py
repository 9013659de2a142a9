"""What goes over the wire if nothing is said: the names and values of headers, and the body."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.servers.answering import Answering, Seen

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

AUTOMATIC = ["accept", "accept-encoding", "host", "user-agent"]


async def asked(session: Any, server: Answering, method: str, **options: Any) -> Seen:
    async with session.request(method, f"{server.url}/x", **options) as response:
        assert response.status == 200
        await response.read()
    return server.seen[-1]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_without_a_body(session: Any, server: Answering, method: str) -> None:
    seen = await asked(session, server, method)
    assert (seen.method, seen.target, seen.version) == (method, "/x", "HTTP/1.1")
    assert sorted(seen.names) == AUTOMATIC
    assert seen.one("host") == server.url.removeprefix("http://")
    assert seen.one("accept") == "*/*"
    assert seen.one("accept-encoding").startswith("gzip, deflate")
    assert seen.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_no_body_where_there_could_be_one(session: Any, server: Answering, method: str) -> None:
    seen = await asked(session, server, method)
    assert sorted(seen.names) == sorted([*AUTOMATIC, "content-length", "content-type"])
    assert seen.one("content-length") == "0"
    assert seen.one("content-type") == "application/octet-stream"


@pytest.mark.parametrize("method", ["DELETE", "PURGE"])
async def test_no_body_and_no_type(session: Any, server: Answering, method: str) -> None:
    seen = await asked(session, server, method)
    assert sorted(seen.names) == sorted([*AUTOMATIC, "content-length"])
    assert seen.one("content-length") == "0"


async def chunks() -> AsyncIterator[bytes]:
    yield b"on"
    yield b"e"


FORM = "application/x-www-form-urlencoded"
BODIES: dict[str, tuple[dict[str, Any], str, bytes]] = {
    "bytes": ({"data": b"abc"}, "application/octet-stream", b"abc"),
    "bytearray": ({"data": bytearray(b"abc")}, "application/octet-stream", b"abc"),
    "memoryview": ({"data": memoryview(b"abc")}, "application/octet-stream", b"abc"),
    "no bytes": ({"data": b""}, "application/octet-stream", b""),
    "text": ({"data": "ab\xe9"}, "text/plain; charset=utf-8", b"ab\xc3\xa9"),
    "no text": ({"data": ""}, "text/plain; charset=utf-8", b""),
    "form": ({"data": {"a": "b c", "d": "\xe9&"}}, FORM, b"a=b+c&d=%C3%A9%26"),
    "empty form": ({"data": {}}, FORM, b""),
    "pairs": ({"data": [("a", "1"), ("a", "2")]}, FORM, b"a=1&a=2"),
    "json": ({"json": {"a": ["\xe9", None, 1.5]}}, "application/json", b'{"a": ["\\u00e9", null, 1.5]}'),
    "json false": ({"json": False}, "application/json", b"false"),
    "json empty": ({"json": []}, "application/json", b"[]"),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_a_body(session: Any, server: Answering, name: str, method: str) -> None:
    options, media_type, body = BODIES[name]
    seen = await asked(session, server, method, **options)
    assert seen.body == body
    assert sorted(seen.names) == sorted([*AUTOMATIC, "content-length", "content-type"])
    assert seen.one("content-type") == media_type
    assert seen.one("content-length") == str(len(body))


@pytest.mark.parametrize("file", [lambda: io.BytesIO(b"abc"), lambda: io.StringIO("abc")])
async def test_a_file(session: Any, server: Answering, file: Any) -> None:
    seen = await asked(session, server, "POST", data=(file := file()))
    assert (seen.body, seen.one("content-length")) == (b"abc", "3")
    text = isinstance(file, io.StringIO)
    assert seen.one("content-type") == ("text/plain; charset=utf-8" if text else "application/octet-stream")


async def test_json_none_is_no_body(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "POST", json=None)
    assert (seen.body, seen.one("content-length")) == (b"", "0")


async def test_chunks_have_no_length(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "POST", data=chunks())
    assert seen.body == b"one"
    assert sorted(seen.names) == sorted([*AUTOMATIC, "content-type", "transfer-encoding"])
    assert seen.one("transfer-encoding") == "chunked"
    assert seen.one("content-type") == "application/octet-stream"


async def test_a_file_among_the_fields(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "POST", data={"f": io.BytesIO(b"xyz"), "g": "h"})
    media_type, _, boundary = seen.one("content-type").partition("; boundary=")
    assert media_type == "multipart/form-data"
    mark = b"--" + boundary.encode()
    assert seen.body == b"\r\n".join(
        [
            mark,
            b"Content-Type: application/octet-stream",
            b'Content-Disposition: form-data; name="f"; filename="f"',
            b"",
            b"xyz",
            mark,
            b"Content-Type: text/plain; charset=utf-8",
            b'Content-Disposition: form-data; name="g"',
            b"",
            b"h",
            mark + b"--",
            b"",
        ]
    )
    assert seen.one("content-length") == str(len(seen.body))


async def test_what_is_said_replaces(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", headers={"X-One": "y", "ACCEPT": "a/b"})
    assert sorted(seen.names) == [*AUTOMATIC, "x-one"]
    assert (seen.one("x-one"), seen.one("accept")) == ("y", "a/b")


async def test_cookies_are_a_header(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", cookies={"a": "b"})
    assert sorted(seen.names) == sorted([*AUTOMATIC, "cookie"])


async def test_automatic_headers_are_left_out(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(skip_auto_headers=["User-Agent"]) as session:
        seen = await asked(session, server, "POST", data=b"a", skip_auto_headers=["accept", "Content-Type"])
        assert sorted(seen.names) == ["accept-encoding", "content-length", "host"]
        seen = await asked(session, server, "GET", headers={"User-Agent": "mine"})
        assert seen.one("user-agent") == "mine"


async def test_the_default_agent_is_of_aiohttp_or_ours(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET")
    assert seen.one("user-agent").startswith("Python/3.")


async def test_the_host_can_be_said(session: Any, server: Answering) -> None:
    seen = await asked(session, server, "GET", headers={"Host": "example.org"})
    assert seen.all("host") == ["example.org"]


async def test_the_order_of_headers(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(headers={"X-Session": "1", "User-Agent": "me"}) as session:
        async with session.get(server.url):
            pass
        async with session.get(server.url, headers={"X-Request": "1", "Accept": "text/html"}):
            pass
    first, second = server.seen
    assert first.names == ["host", "x-session", "user-agent", "accept", "accept-encoding"]
    assert second.names == ["host", "x-session", "user-agent", "x-request", "accept", "accept-encoding"]
