"""Requests that are cancelled, at whatever moment: nothing is left of them, and the rest goes on."""

import asyncio
import contextlib
import random
from typing import Any

import pytest

from tests.servers.answering import Answering, answer, chunked
from tests.servers.counting import Counting

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize("seed", range(5))
async def test_a_storm(aiohttp: Any, server: Answering, seed: int) -> None:
    rnd = random.Random(seed)
    server.on("/small", answer(body=b"small"))
    server.on("/big", chunked(*[b"x" * 1000] * 300))
    sizes = {"/small": 5, "/big": 300_000}

    async def one(session: Any, path: str, way: int) -> None:
        async with session.get(server.url + path) as response:
            if way == 0:
                assert len(await response.read()) == sizes[path]
            elif way == 1:
                pieces = [piece async for piece in response.content.iter_chunked(5000)]
                assert sum(map(len, pieces)) == sizes[path]
            else:
                await response.content.read(3)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=5)) as session:
        tasks = [
            asyncio.create_task(one(session, rnd.choice(list(sizes)), rnd.randrange(3))) for _ in range(60)
        ]
        for task in rnd.sample(tasks, 40):
            for _ in range(rnd.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(one) for one in ended} <= {type(None), asyncio.CancelledError}
        # All places are free again.
        await asyncio.gather(*[one(session, "/small", 0) for _ in range(20)])


async def test_who_waits_for_a_connection(aiohttp: Any) -> None:
    with Counting("127.0.0.1") as count:
        [url] = count.urls
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            first = asyncio.create_task(session.get(f"{url}/hold"))
            while not count.targets:  # noqa: ASYNC110 - it is a thread that counts
                await asyncio.sleep(0.001)
            waiting = [asyncio.create_task(session.get(f"{url}/{n}")) for n in range(3)]
            await asyncio.sleep(0)
            for task in waiting[:2]:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting[0]
            count.release()
            async with await first as response:
                await response.read()
            async with await waiting[2] as response:
                assert response.status == 200
        assert sorted(count.targets) == ["/2", "/hold"]
