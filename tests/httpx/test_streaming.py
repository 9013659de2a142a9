"""Bodies in pieces, both ways: given as they come, with back-pressure, and closed when nobody wants more."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from aioxide.httpx import AsyncTransport
from aioxide.testing import LocalSite
from tests.httpx.faces import Face, Kind
from tests.servers.raw import Connection, RawServer, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


async def test_pieces_come_as_they_are_sent(face: Face) -> None:
    given = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        given.wait()
        connection.send(b"two")

    with RawServer(script) as server:
        async with face.stream("GET", server.url) as opened:
            assert not opened.response.is_closed
            assert await opened.next() == b"one"
            given.set()
            assert await opened.rest() == b"two"
            assert opened.response.is_closed


async def test_a_large_body(face: Face, site: LocalSite) -> None:
    async with face.stream("GET", f"{site.url}/bytes/5000000") as opened:
        assert len(await opened.rest()) == 5_000_000
    assert len((await face.get(f"{site.url}/bytes/5000000")).content) == 5_000_000
    assert len((await face.get(f"{site.url}/chunked/50/1000")).content) == 50_000


async def test_the_raw_body_can_be_had_once(face: Face, site: LocalSite) -> None:
    async with face.stream("GET", f"{site.url}/bytes/10") as opened:
        assert len(await opened.rest()) == 10
        with pytest.raises(face.library.StreamConsumed):
            await opened.read()


async def test_leaving_early_closes_the_connection(kind: Kind, fresh_site: LocalSite) -> None:
    async with kind.face() as face:
        async with face.stream("GET", f"{fresh_site.url}/stream/1000/1000/50") as opened:
            assert await opened.next()
        assert opened.response.is_closed
        await fresh_site.wait_aborted(1)


async def test_a_body_that_breaks_off(face: Face) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    with RawServer(reply(head)) as server:
        async with face.stream("GET", server.url) as opened:
            assert await opened.next() == b"half"
            with pytest.raises(face.library.RemoteProtocolError) as caught:
                await opened.next()
        assert str(caught.value.request.url) == server.url
        with pytest.raises(face.library.RemoteProtocolError):
            await face.get(server.url)


@pytest.mark.parametrize("length", [None, 6])
async def test_a_body_in_pieces_is_sent(face: Face, site: LocalSite, length: int | None) -> None:
    headers = {} if length is None else {"Content-Length": str(length)}
    body = face.body(b"one", b"", b"two")
    response = await face.request("POST", f"{site.url}/echo/body", content=body, headers=headers)
    assert response.content == b"onetwo"


async def test_a_body_in_pieces_for_a_get(face: Face) -> None:
    def script(connection: Connection) -> None:
        assert b"transfer-encoding: chunked" in connection.read_head().lower()
        assert connection.read_until(b"0\r\n\r\n") == b"3\r\nabc\r\n0\r\n\r\n"
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with RawServer(script) as server:
        assert (await face.request("GET", server.url, content=face.body(b"abc"))).status_code == 200


async def test_what_a_body_raises_is_raised(face: Face, site: LocalSite) -> None:
    def fail() -> None:
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await face.request("POST", f"{site.url}/echo/body", content=face.body(b"one", last=fail))


async def test_a_body_is_asked_no_faster_than_it_is_sent(our_kind: Kind) -> None:
    """While the server reads nothing, an endless body stands still."""
    read, given = threading.Event(), 0

    def script(connection: Connection) -> None:
        connection.read_head()
        read.wait()
        connection.reset()

    def pieces() -> Iterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield bytes(100_000)

    async def async_pieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    with RawServer(script) as server:
        async with our_kind.face() as face:
            content: Any = async_pieces() if our_kind.asynchronous else pieces()
            sending = asyncio.ensure_future(face.request("POST", server.url, content=content))
            seen = -1
            while seen != given or given == 0:
                seen = given
                await asyncio.sleep(0.1)
            assert given < 1000
            read.set()
            with pytest.raises(face.library.NetworkError):
                await sending


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_an_answer_before_the_end_of_the_request(library: Any) -> None:
    """It is read while the rest is sent."""
    answered = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe")
        answered.wait()
        connection.read_until(b"0\r\n\r\n")
        connection.send(b"re")

    with RawServer(script) as server:
        async with Kind(library, ours=True, asynchronous=True).face() as face:
            read = asyncio.Event()

            async def body() -> AsyncIterator[bytes]:
                yield b"first"
                await read.wait()
                yield b"last"

            async with face.stream("POST", server.url, content=body()) as opened:
                assert await opened.next() == b"he"
                read.set()
                answered.set()
                assert await opened.rest() == b"re"


# ---- ours alone ----


@pytest.mark.asyncio
async def test_a_body_that_came_with_its_head_does_not_suspend(site: LocalSite) -> None:
    async with (
        httpx.AsyncClient(transport=AsyncTransport()) as client,
        client.stream("GET", f"{site.url}/bytes/100") as response,
    ):
        reading = response.aread()
        with pytest.raises(StopIteration) as ended:
            reading.send(None)
    assert len(ended.value.value) == 100


@pytest.mark.asyncio
async def test_lines_of_a_stream(site: LocalSite) -> None:
    async with (
        httpx.AsyncClient(transport=AsyncTransport()) as client,
        client.stream("GET", f"{site.url}/stream/3/10/1") as response,
    ):
        assert len("".join([line async for line in response.aiter_lines()])) > 0


@pytest.mark.asyncio
async def test_a_response_that_is_forgotten_leaves_nothing(fresh_site: LocalSite) -> None:
    async with httpx.AsyncClient(transport=AsyncTransport()) as client:
        request = client.build_request("GET", f"{fresh_site.url}/hang/body")
        response = await client.send(request, stream=True)
        del response
        gc.collect()
        await fresh_site.wait_aborted(1)
