"""When a connection is given back: counted on the server."""

import asyncio
import threading
from typing import Any

import pytest

from tests.servers.answering import Answering, answer, chunked
from tests.servers.raw import Connection, RawServer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

SMALL = answer(body=b"small")


class Endless:
    """A body that begins, and of which no more comes."""

    def __init__(self) -> None:
        self._gone = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly")
        try:
            connection.hang()
        finally:
            self._gone.set()

    async def left(self) -> None:
        """Wait until a client has gone away."""
        assert await asyncio.to_thread(self._gone.wait, 10)


@pytest.fixture
async def one(aiohttp: Any) -> Any:
    """A connector that lets one connection be in use."""
    return aiohttp.TCPConnector(limit=1)


async def test_read_it_is_given_back(aiohttp: Any, one: Any, server: Answering) -> None:
    async with aiohttp.ClientSession(connector=one) as session:
        for _ in range(3):
            async with session.get(server.url) as response:
                await response.read()
        for _ in range(3):
            response = await session.get(server.url)
            await response.read()
    assert server.connections == 1


async def test_read_by_its_content_it_is_given_back(aiohttp: Any, one: Any, server: Answering) -> None:
    url = server.on("/x", chunked(b"one", b"two"))
    async with aiohttp.ClientSession(connector=one) as session:
        responses = []
        for _ in range(3):
            response = await session.get(url)
            async for _ in response.content.iter_chunked(100):
                pass
            responses.append(response)
    assert server.connections == 1
    assert all(response.closed for response in responses)


@pytest.mark.parametrize("end", ["release", "block", "close"])
async def test_a_small_body_that_nobody_reads(aiohttp: Any, one: Any, server: Answering, end: str) -> None:
    server.on("/", SMALL)
    async with aiohttp.ClientSession(connector=one) as session:
        for _ in range(3):
            if end == "block":
                async with session.get(server.url):
                    pass
                continue
            response = await session.get(server.url)
            if end == "release":
                await response.release()
            else:
                response.close()
            assert response.closed
    assert len(server.seen) == 3
    # It was here already when it was released.
    assert server.connections in ({1, 2, 3} if end == "close" else {1})


@pytest.mark.parametrize("end", ["release", "block", "close"])
async def test_a_body_that_is_still_to_come(aiohttp: Any, one: Any, end: str) -> None:
    endless = Endless()
    with RawServer(endless) as server:
        async with aiohttp.ClientSession(connector=one) as session:
            if end == "block":
                async with session.get(server.url) as response:
                    pass
            else:
                response = await session.get(server.url)
                getattr(response, end)()
            assert response.closed
            assert response.connection is None
            await endless.left()
            # The next has a connection of its own.
            response = await session.get(server.url)
            response.close()


async def test_a_block_that_fails(aiohttp: Any, one: Any, server: Answering) -> None:
    server.on("/", SMALL)
    async with aiohttp.ClientSession(connector=one) as session:
        for _ in range(3):
            with pytest.raises(LookupError):
                async with session.get(server.url):
                    raise LookupError
    assert len(server.seen) == 3


async def test_released_twice(session: Any, server: Answering) -> None:
    response = await session.get(server.url)
    assert await response.release() is None
    await response.release()
    response.close()
    await response.wait_for_close()
    assert response.closed


async def test_a_session_that_is_closed(aiohttp: Any, session: Any) -> None:
    endless = Endless()
    with RawServer(endless) as server:
        response = await session.get(server.url)
        await session.close()
        with pytest.raises((aiohttp.ClientError, RuntimeError)):
            await response.read()
        await endless.left()


async def test_a_head_that_is_awaited_and_then_entered(session: Any, server: Answering) -> None:
    response = await session.get(server.url)
    async with response as entered:
        assert entered is response
        assert await response.read()
    assert response.closed
