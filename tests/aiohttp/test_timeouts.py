"""Limits on time: which exception each gives. No test measures one."""

import asyncio
import contextlib
from typing import Any

import pytest

from tests.http.test_streaming import dripping
from tests.servers.answering import Answering, Seen
from tests.servers.raw import Connection, RawServer, silence

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

SOON = 0.05


async def test_what_a_timeout_is(aiohttp: Any) -> None:
    timeout = aiohttp.ClientTimeout(total=1, connect=2, sock_read=3, sock_connect=4)
    assert (timeout.total, timeout.connect, timeout.sock_read, timeout.sock_connect) == (1, 2, 3, 4)
    assert timeout.ceil_threshold == 5
    assert aiohttp.ClientTimeout() == aiohttp.ClientTimeout(None, None, None, None)
    assert timeout != aiohttp.ClientTimeout(total=1)


@pytest.mark.parametrize("as_number", [True, False])
async def test_in_total(aiohttp: Any, session: Any, as_number: bool) -> None:
    timeout = SOON if as_number else aiohttp.ClientTimeout(total=SOON)
    with RawServer(silence) as server, pytest.raises(asyncio.TimeoutError):
        await session.get(server.url, timeout=timeout)


async def test_in_total_of_the_session(aiohttp: Any) -> None:
    with RawServer(silence) as server:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SOON)) as session:
            with pytest.raises(asyncio.TimeoutError):
                async with session.get(server.url):
                    pass


@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_in_total_while_more_is_here_than_is_read(
    aiohttp: Any, session: Any, server: Answering, middlewares: Any
) -> None:
    """Who reads slowly from a body that does not end never waits for it, and is told all the same."""

    def endless(seen: Seen, connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                connection.send(bytes(10_000))

    url = server.run("/endless", endless)
    timeout = aiohttp.ClientTimeout(total=0.3)
    async with session.get(url, timeout=timeout, middlewares=middlewares) as response:
        with pytest.raises(asyncio.TimeoutError):  # noqa: PT012
            async for piece in response.content.iter_chunked(1):
                assert piece == b"\0"
                await asyncio.sleep(0.001)
        with pytest.raises(asyncio.TimeoutError):
            await response.content.read(1)


async def test_in_total_while_the_body_is_read(aiohttp: Any, session: Any) -> None:
    with dripping() as (drip, url):
        drip.send(b"one")
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=0.3)) as response:
            assert response.status == 200
            with pytest.raises(asyncio.TimeoutError):
                await response.read()


async def test_of_a_read(aiohttp: Any, session: Any) -> None:
    with RawServer(silence) as server, pytest.raises(aiohttp.ServerTimeoutError) as caught:
        await session.get(server.url, timeout=aiohttp.ClientTimeout(sock_read=SOON))
    assert isinstance(caught.value, aiohttp.SocketTimeoutError)
    assert isinstance(caught.value, TimeoutError)


async def test_of_a_read_of_the_body(aiohttp: Any, session: Any) -> None:
    with dripping() as (drip, url):
        drip.send(b"one")
        async with session.get(url, timeout=aiohttp.ClientTimeout(sock_read=0.2)) as response:
            with pytest.raises(aiohttp.SocketTimeoutError):
                await response.content.read()


@pytest.mark.parametrize("which", ["connect", "sock_connect"])
async def test_of_a_connection(aiohttp: Any, session: Any, which: str) -> None:
    # Nobody accepts, and the queue is full.
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        host, port = listener.getsockname()
        with pytest.raises(aiohttp.ServerTimeoutError) as caught:
            await session.get(f"http://{host}:{port}/", timeout=aiohttp.ClientTimeout(**{which: SOON}))
        for filler in fillers:
            filler.close()
    assert isinstance(caught.value, aiohttp.ConnectionTimeoutError)
    assert f"Connection timeout to host http://{host}:{port}/" in str(caught.value)


async def test_waiting_for_leave_to_connect_counts(aiohttp: Any) -> None:
    connector = aiohttp.TCPConnector(limit=1)
    with dripping() as (drip, url):
        async with aiohttp.ClientSession(connector=connector) as session, session.get(url):
            with pytest.raises(aiohttp.ConnectionTimeoutError):
                await session.get(url, timeout=aiohttp.ClientTimeout(connect=SOON))
            with pytest.raises(asyncio.TimeoutError):
                await session.get(url, timeout=aiohttp.ClientTimeout(total=SOON))
            drip.end()


@pytest.mark.parametrize("timeout", [None, 0])
async def test_none_at_all(aiohttp: Any, server: Answering, session: Any, timeout: Any) -> None:
    async with session.get(server.url, timeout=timeout) as response:
        assert response.status == 200
    async with session.get(server.url, timeout=aiohttp.ClientTimeout(total=timeout)) as response:
        assert response.status == 200


async def test_of_the_program(session: Any) -> None:
    with RawServer(silence) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON):
                await session.get(server.url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.get(server.url), SOON)


@pytest.mark.parametrize("limit", [0, -1, None])
@pytest.mark.parametrize("middlewares", [None, ()], ids=["in Rust", "in Python"])
async def test_zero_and_less_are_no_limit(
    aiohttp: Any, session: Any, server: Answering, limit: float | None, middlewares: Any
) -> None:
    timeout = aiohttp.ClientTimeout(total=limit)
    async with session.get(server.url, timeout=timeout, middlewares=middlewares) as response:
        assert response.status == 200
