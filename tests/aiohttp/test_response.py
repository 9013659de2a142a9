"""A response: what it tells, in aiohttp's types."""

import gzip
import zlib
from http.cookies import SimpleCookie
from typing import Any

import pytest
from multidict import CIMultiDictProxy, MultiDictProxy, istr
from yarl import URL

from aioxide.aiohttp import hdrs
from tests.http.test_streaming import dripping
from tests.servers.answering import Answering, answer, chunked
from tests.servers.raw import RawServer, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_what_was_asked_has_its_host(session: Any, server: Answering, middlewares: Any) -> None:
    host = server.url.removeprefix("http://")
    async with session.get(server.url, middlewares=middlewares) as response:
        assert next(iter(response.request_info.headers.items())) == ("Host", host)
    async with session.get(server.url, headers={"Host": "x.test"}, middlewares=middlewares) as response:
        assert response.request_info.headers.getall("Host") == ["x.test"]


async def test_a_reason_that_is_no_ascii(session: Any, server: Answering) -> None:
    server.on("/", answer(404, reason="Nicht verfügbar"))
    async with session.get(server.url) as response:
        assert (response.status, response.reason) == (404, "Nicht verfügbar")


async def test_who_reads_on_after_a_failure_hears_the_same(
    aiohttp: Any, session: Any, server: Answering
) -> None:
    server.on("/", answer(body=b"half", length=8, headers=[("Connection", "close")]))
    async with session.get(server.url) as response:
        for read in (response.read, response.text, response.content.read):
            with pytest.raises(aiohttp.ClientPayloadError, match="is not completed"):
                await read()


async def test_names_are_written_as_programs_look_for_them(session: Any, server: Answering) -> None:
    """They say `dict(response.headers)["Content-Type"]`, of servers that write it in lower case, too."""
    about_the_body = {"content-length", "content-encoding", "transfer-encoding", "connection", "upgrade"}
    known = sorted({str(name) for name in vars(hdrs).values() if isinstance(name, istr)})
    known = [name for name in known if name.lower() not in about_the_body and "WebSocket" not in name]
    # There may be 128 in one head.
    for part in (known[:70], known[70:]):
        for change in (str.lower, str.upper, str):
            sent = [change(name) for name in [*part, "X-oWn", "x" * 100]]
            server.on("/", answer(headers=[(name, "1") for name in sent]))
            async with session.get(server.url) as response:
                assert list(response.headers) == [*part, *sent[-2:], "Content-Length"]
                assert [name.decode() for name, _ in response.raw_headers] == [*sent, "Content-Length"]


async def test_the_head(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/x", answer(404, [("X-One", "a"), ("x-one", "b")], b"body", reason="Not Here"))
    async with session.get(f"{server.url}/x?a=1#part") as response:
        assert (response.status, response.reason, response.ok) == (404, "Not Here", False)
        assert response.method == "GET"
        assert response.version == aiohttp.HttpVersion11
        assert response.url == URL(f"{server.url}/x?a=1")
        assert response.real_url == URL(f"{server.url}/x?a=1#part")
        assert isinstance(response.url, URL)
        assert response.host == "127.0.0.1"
        assert isinstance(response.headers, CIMultiDictProxy)
        assert response.headers.getall("X-ONE") == ["a", "b"]
        assert response.headers["x-one"] == "a"
        assert response.content_length == 4
        assert response.history == ()
        assert await response.read() == b"body"
    assert response.closed
    assert isinstance(response, aiohttp.ClientResponse)


async def test_raw_headers(session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("X-One", "a"), ("X-Two", "\xe9")]))
    async with session.get(f"{server.url}/x") as response:
        assert isinstance(response.raw_headers, tuple)
        raw = [(name.lower(), value) for name, value in response.raw_headers]
        assert raw == [(b"x-one", b"a"), (b"x-two", b"\xc3\xa9"), (b"content-length", b"0")]
        assert response.headers["X-Two"] == "\xe9"


async def test_a_header_that_is_no_utf8(session: Any) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\nX: caf\xe9\r\ncontent-length: 0\r\n\r\n")) as server:
        async with session.get(server.url) as response:
            assert response.headers["X"] == "caf\udce9"
            assert (b"X", b"caf\xe9") in response.raw_headers


async def test_names_of_headers_as_most_write_them(session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Content-Type", "text/plain"), ("ETag", '"x"')]))
    async with session.get(f"{server.url}/x") as response:
        assert set(response.headers) >= {"Content-Type", "Content-Length"}
        assert dict(response.headers)["Content-Type"] == "text/plain"


async def test_what_was_asked(aiohttp: Any, session: Any, server: Answering) -> None:
    async with session.post(f"{server.url}/x#y", headers={"A": "1"}, data=b"x") as response:
        info = response.request_info
        assert isinstance(info, aiohttp.RequestInfo)
        assert (info.url, info.method) == (URL(f"{server.url}/x"), "POST")
        assert info.real_url == URL(f"{server.url}/x#y")
        assert isinstance(info.headers, CIMultiDictProxy)
        assert info.headers["a"] == "1"
        assert info.headers["content-type"] == "application/octet-stream"
        assert "User-Agent" in info.headers


@pytest.mark.parametrize(
    ("given", "media_type", "charset"),
    [
        (None, "application/octet-stream", None),
        ("text/html", "text/html", None),
        ("text/html; charset=UTF-8", "text/html", "UTF-8"),
        ("Text/HTML; Charset=latin-1; x=y", "text/html", "latin-1"),
        ('text/html; charset="utf-8"', "text/html", "utf-8"),
        ("application/json", "application/json", None),
        ("application/problem+json; charset=x", "application/problem+json", "x"),
        ("nonsense", "application/octet-stream", None),
    ],
)
async def test_the_type(
    session: Any, server: Answering, given: str | None, media_type: str, charset: str | None
) -> None:
    server.on("/x", answer(headers=[("Content-Type", given)] if given else []))
    async with session.get(f"{server.url}/x") as response:
        assert response.content_type == media_type
        assert response.charset == charset


async def test_cookies(session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2")]))
    async with session.get(f"{server.url}/x") as response:
        assert isinstance(response.cookies, SimpleCookie)
        assert {name: morsel.value for name, morsel in response.cookies.items()} == {"a": "1", "b": "2"}
        assert response.cookies["a"]["path"] == "/"
        assert response.cookies["a"]["httponly"] is True


async def test_links(session: Any, server: Answering) -> None:
    server.on("/a/x", answer(headers=[("Link", '<next?p=2>; rel=next; title="a b", </last>; rel="last"')]))
    async with session.get(f"{server.url}/a/x") as response:
        links = response.links
    assert isinstance(links, MultiDictProxy)
    assert list(links) == ["next", "last"]
    assert links["next"]["url"] == URL(f"{server.url}/a/next?p=2")
    assert links["next"]["title"] == "a b"
    assert links["last"]["url"] == URL(f"{server.url}/last")


async def test_no_links(session: Any, server: Answering) -> None:
    async with session.get(server.url) as response:
        assert len(response.links) == 0


async def test_the_disposition(session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Content-Disposition", 'attachment; filename="a b.txt"')]))
    async with session.get(f"{server.url}/x") as response:
        disposition = response.content_disposition
        assert (disposition.type, disposition.filename) == ("attachment", "a b.txt")
        assert disposition.parameters["filename"] == "a b.txt"
    async with session.get(server.url) as response:
        assert response.content_disposition is None


@pytest.mark.parametrize("status", [204, 304])
async def test_without_a_body(session: Any, server: Answering, status: int) -> None:
    server.on("/x", answer(status, length=None))
    async with session.get(f"{server.url}/x") as response:
        assert await response.read() == b""
        assert await response.text() == ""


async def test_head_has_no_body(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"abc"))
    async with session.head(f"{server.url}/x") as response:
        assert response.content_length == 3
        assert await response.read() == b""


async def test_no_reason(session: Any) -> None:
    with RawServer(reply(b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n")) as server:
        async with session.get(server.url) as response:
            assert response.reason == ""


async def test_up_to_the_end_of_the_connection(session: Any) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")) as server:
        async with session.get(server.url) as response:
            assert response.content_length is None
            assert await response.read() == b"until the end"


async def test_http_1_0(aiohttp: Any, session: Any) -> None:
    with RawServer(reply(b"HTTP/1.0 200 OK\r\n\r\nold")) as server:
        async with session.get(server.url) as response:
            assert response.version == aiohttp.HttpVersion10
            assert await response.text() == "old"


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_coding_is_undone(aiohttp: Any, session: Any, server: Answering, coding: str) -> None:
    body = CODINGS[coding](b"x" * 10_000)
    server.on("/x", answer(headers=[("Content-Encoding", coding)], body=body))
    async with session.get(f"{server.url}/x") as response:
        assert await response.read() == b"x" * 10_000
        assert response.headers["Content-Encoding"] == coding
        assert response.content_length == len(body)
        assert response.content.total_bytes == 10_000
        assert response.content.total_raw_bytes == len(body)
    async with session.get(f"{server.url}/x", auto_decompress=False) as response:
        assert await response.read() == body
    async with aiohttp.ClientSession(auto_decompress=False) as raw, raw.get(f"{server.url}/x") as response:
        assert await response.read() == body


async def test_a_coding_that_is_broken(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Content-Encoding", "gzip")], body=b"this is no gzip at all"))
    with pytest.raises(aiohttp.ClientPayloadError):
        async with session.get(f"{server.url}/x") as response:
            await response.read()


async def test_read_twice(session: Any, server: Answering) -> None:
    server.on("/x", chunked(b"one", b"two"))
    async with session.get(f"{server.url}/x") as response:
        assert await response.read() == b"onetwo"
        assert await response.read() == b"onetwo"
        assert await response.text() == "onetwo"
        assert response.content.at_eof()


async def test_after_the_block(aiohttp: Any, session: Any, server: Answering) -> None:
    server.on("/x", answer(headers=[("Content-Type", "application/json")], body=b"[1]"))
    async with session.get(f"{server.url}/x") as response:
        assert await response.json() == [1]
    assert await response.json() == [1]
    assert await response.text() == "[1]"
    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
        await response.read()
    async with session.get(f"{server.url}/x") as response:
        pass
    for read in (response.read, response.text, response.json, response.content.read):
        with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
            await read()


async def test_the_connection_is_gone_once_the_body_was_read(session: Any) -> None:
    with dripping() as (drip, url):
        response = await session.get(url)
        assert response.connection is not None
        assert not response.closed
        drip.end(b"abc")
        assert await response.read() == b"abc"
        assert response.connection is None
        assert response.closed


async def test_who_is_at_the_other_end(session: Any) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            transport = response.connection.transport
            assert transport.get_extra_info("peername") == ("127.0.0.1", response.url.port)
            assert transport.get_extra_info("sockname")[0] == "127.0.0.1"
            assert transport.get_extra_info("nothing", "known") == "known"
            drip.end()


async def test_it_says_what_it_is(session: Any, server: Answering) -> None:
    async with session.get(f"{server.url}/x") as response:
        text = repr(response)
    assert text.startswith(f"<ClientResponse({server.url}/x) [200 OK]>\n")
    assert "'Content-Type': 'application/json'" in text


async def test_no_credentials_in_what_it_says(session: Any, server: Answering) -> None:
    url = server.url.replace("http://", "http://user:secret@")
    async with session.get(url) as response:
        assert "secret" not in repr(response)
