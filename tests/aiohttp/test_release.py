"""When a connection is given back: counted on the server."""

import asyncio
import gc
from typing import Any

import pytest

from tests.http.test_streaming import dripping
from tests.servers.answering import Answering, answer, chunked

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

SMALL = answer(body=b"small")


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
    with dripping() as (drip, url):
        async with aiohttp.ClientSession(connector=one) as session:
            if end == "block":
                async with session.get(url) as response:
                    pass
            else:
                response = await session.get(url)
                getattr(response, end)()
            assert response.closed
            assert response.connection is None
            drip.watch()
            assert await asyncio.to_thread(drip.gone.wait, 10)
            # The next has a connection of its own.
            response = await session.get(url)
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


async def test_one_that_is_forgotten(aiohttp: Any, one: Any) -> None:
    with dripping() as (drip, url):
        async with aiohttp.ClientSession(connector=one) as session:
            response = await session.get(url)
            assert response.status == 200
            del response
            gc.collect()
            # The connection is free, or gone.
            response = await session.get(url)
            response.close()
            drip.end()


async def test_a_session_that_is_closed_closes_what_is_open(aiohttp: Any, session: Any) -> None:
    with dripping() as (drip, url):
        response = await session.get(url)
        await session.close()
        drip.watch()
        assert await asyncio.to_thread(drip.gone.wait, 10)
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_head_that_is_awaited_and_then_entered(session: Any, server: Answering) -> None:
    response = await session.get(server.url)
    async with response as entered:
        assert entered is response
        assert await response.read()
    assert response.closed
